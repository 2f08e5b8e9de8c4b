"""Pictures of swapped appearances and poses, and their measures."""

import numpy as np
import pytest
from PIL import Image

from flexae_tf import figures, pictures
from flexae_tf.data import Dataset, stick_figures
from flexae_tf.data.dataset import to_unit
from flexae_tf.errors import UserError
from flexae_tf.evaluation.features import pixels
from flexae_tf.evaluation.transfer import ssim, transfer_measures
from flexae_tf.pictures.picture import choose
from tests import picture_runs, tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return picture_runs.run(tmp_path_factory.mktemp("run"), "vunet")


@pytest.mark.parametrize("kind", ["appearance_transfer", "pose_transfer"])
def test_rows_and_columns_are_what_stands_beside_them(kind, run, monkeypatch):
    laid_out = []
    grid = figures.grid
    monkeypatch.setattr(figures, "grid", lambda x, c: laid_out.append((x, c)) or grid(x, c))
    dataset, model = tiny.paired_dataset(), run.model
    ((path, picture),) = pictures.write(kind, run, dataset, pictures.Options(count=3))
    assert "seed 0" in picture.note
    with Image.open(path) as image:
        assert image.info["Title"] == picture.title
    ((tiles, columns),) = laid_out
    assert columns == 4
    table = np.reshape(tiles, (4, 4, 4, 4, 1))
    chosen = dataset.test[choose(20, 6, 0)]
    x, y = to_unit(model.image_of(chosen[:3])), to_unit(model.condition_of(chosen[3:]))
    swapped = model.transfer(chosen[:3].repeat(3, 0), np.concatenate([chosen[3:]] * 3))
    swapped = swapped.reshape(3, 3, 4, 4, 1)
    if kind == "appearance_transfer":
        x, y, swapped = y, x, swapped.swapaxes(0, 1)
    np.testing.assert_array_equal(table[1:, 0], x)
    np.testing.assert_array_equal(table[0, 1:], y)
    np.testing.assert_allclose(table[1:, 1:], swapped, atol=1e-6)


def test_a_model_without_a_condition_has_none(tmp_path):
    run = picture_runs.run(tmp_path, "vae")
    with pytest.raises(UserError, match="--kind=pose_transfer: vae is not conditioned on a map"):
        list(pictures.write("pose_transfer", run, picture_runs.images(), pictures.Options()))
    with pytest.raises(UserError, match="--measures=transfer is of models that are conditioned"):
        transfer_measures(run.model, picture_runs.images(), pixels(), 0)


@pytest.mark.parametrize("kind", ["samples", "interpolations", "latents"])
def test_kinds_of_codes_alone_are_refused(kind, run):
    with pytest.raises(UserError, match=f"--kind={kind} is of models without a condition"):
        list(pictures.write(kind, run, tiny.paired_dataset(), pictures.Options()))


def test_ssim_is_1_of_equal_images_only():
    x = np.random.default_rng(0).random((3, 12, 12, 3), np.float32)
    assert ssim(x, x) == pytest.approx(1)
    assert ssim(x, 1 - x) < 0.5
    assert np.isnan(ssim(x[:, :8, :8], x[:, :8, :8]))


def test_measures_of_a_model_that_swaps_perfectly(run, monkeypatch):
    """It renders the appearance that it sees in the pose that it is asked for."""
    numbers = np.array(stick_figures.test_numbers())[:6]
    size = 32
    images = stick_figures.images(numbers, numbers, size)
    examples = np.concatenate([images, stick_figures.pose_maps(numbers, size)], -1)
    dataset = Dataset("stick_figures", examples, examples, None, None, (), "")

    def number_of(x, part):
        return [
            numbers[np.abs(examples[..., part].astype(int) - t).max((1, 2, 3)).argmin()] for t in x
        ]

    def transfer(appearances, poses):
        of = number_of(appearances[..., :3], slice(3)), number_of(poses[..., 3:], slice(3, 6))
        return np.float32(stick_figures.images(*of, size) / 255)

    model = run.model
    monkeypatch.setattr(model, "image_of", lambda x: x[..., :3])
    monkeypatch.setattr(model, "transfer", transfer)
    monkeypatch.setattr(model, "reconstruct", lambda x: transfer(x, x))
    monkeypatch.setattr(model, "sample_for", lambda x, seed: transfer(x, x))
    found = transfer_measures(model, dataset, pixels(), 0)
    assert found["reconstruction_ssim"] == pytest.approx(1)
    assert found["reconstruction_squared_error"] == pytest.approx(0, abs=1e-6)
    assert found["sample_variance"] == 0
    assert found["squared_error"] == pytest.approx(0, abs=1e-6)
    assert found["pose_error"] == pytest.approx(found["pose_error_rendered"], abs=1e-3)
    assert found["pose_error"] < 1
    assert min(found["pose_error_shuffled"], found["pose_error_of_appearance"]) > 3
    assert found["squared_error_shuffled"] > 1
