"""The page of a run: what is on it, and that nothing on it comes from elsewhere."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import densities, figures, pictures, runs
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.report import html_report
from tests import picture_runs
from tests.html_pages import read


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = picture_runs.write(tmp_path_factory.mktemp("runs") / "<b>&run")
    writer = tf.summary.create_file_writer(str(directory.train))
    with writer.as_default():
        for step in (1, 2):
            tf.summary.scalar("loss/generator", -0.25 * step, step)
            tf.summary.scalar("gap/latent_critic", 3.0, step)
            tf.summary.scalar("gradient_norm/generator", 4.0 + step, step)
            tf.summary.scalar("test/reconstruction_error", 9.0, step)
    writer.close()
    return directory


@pytest.fixture(scope="module")
def page(directory):
    return read(html_report.write(directory.path, pictures.Options(seed=4)))


def test_the_page_needs_nothing_else(page):
    loaded = [(tag, name, v) for tag, name, v in page.attributes if name in ("src", "href")]
    assert all(
        value.startswith("data:image/png;base64," if tag == "img" else "#")
        for tag, _, value in loaded
    )
    assert not {tag for tag, *_ in page.attributes} & {"script", "link", "iframe"}
    assert ("meta", "content", "width=device-width, initial-scale=1") in page.attributes


def test_every_picture_and_curve_is_on_it(page, directory):
    drawn = [path for k in pictures.KINDS for path in pictures.existing(k, directory.path, 3)]
    assert len(drawn) == 17
    for path in drawn:
        assert path.name in page.text
    assert page.text.count("seed 4") == 17
    assert "loss/generator ends at -0.5" in page.text
    assert "gap/latent_critic ends at 3" in page.text
    assert "gradient_norm ends at 6" in page.text
    images = [v for tag, name, v in page.attributes if (tag, name) == ("img", "src")]
    assert len(images) == 17 + 4


def test_settings_versions_and_checkpoints_are_on_it(page, directory):
    versions = json.loads(directory.run_file.read_text())["versions"]
    for text in ("generator_learning_rate", versions["tensorflow"], "git commit", "MB"):
        assert text in page.text
    assert "flexae (paper) on digits: iteration 3 of 7, seed 0" in page.text


def test_the_best_checkpoint_can_be_shown(directory, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(directory.path, copy)
    run = runs.RunDirectory(copy)
    with pytest.raises(UserError, match="no best checkpoint: train with --validation_images"):
        html_report.write(copy, pictures.Options(), "best")
    run.best.mkdir()
    for part in run.checkpoints.glob("ckpt-3.*"):
        shutil.copy(part, run.best)
    (run.best / "best.json").write_text('{"iteration": 3, "validation_error": 1.5}')
    page = html_report.write(copy, pictures.Options(), "best").read_text()
    assert "iteration 3 of 7" in page
    assert "best, validation error 1.5" in page
    with pytest.raises(UserError, match="expected an iteration, or best"):
        html_report.write(copy, pictures.Options(), "newer")


def test_names_are_texts_and_not_tags(page, directory):
    assert "<b>&run" in page.text
    assert f"tools.evaluate --run_dir={directory.path}" in page.text


def test_measures_are_beside_those_of_the_paper(directory, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(directory.path, copy)
    flags = (copy / "flags.cfg").read_text().replace("digits", "mnist")
    (copy / "flags.cfg").write_text(flags)
    record = {
        "metrics/generation/fid": 12.3456,
        "metrics/pms/train_test": 4.7,
        "dataset": "mnist",
        "method": "flexae",
        "extractor": {"name": "<net>", "is_inception": False},
        "counts": {"real": 10_000},
        "protocol": {"count": 10_000, "split": "test"},
    }
    for name in ("3", "3.released", "2", "released"):
        report.write_json(record, copy / "metrics" / f"{name}.json")
    (copy / "metrics" / "3.damaged.json").write_text("{")
    page = read(html_report.write(copy, pictures.Options()))
    assert "12.35" in page.text
    assert "4.77" in page.text  # of the data; the run's own settings are not the paper's
    assert "7.28" not in page.text
    assert "<net>; 10,000 real. The extractor is not Inception: only pms" in page.text
    assert page.text.count("generation/fid") == 3
    assert "1 more in metrics/" in page.text
    # The data that these flags name cannot be had; the pictures drawn before are there anyway.
    assert "samples-0000003.png" in page.text


def test_a_run_without_anything_names_the_commands(tmp_path, directory):
    for name in ("flags.cfg", "run.json"):
        shutil.copy(directory.path / name, tmp_path)
    page = read(html_report.write(tmp_path, pictures.Options()))
    for text in ("No pictures yet", "No curves yet", "No checkpoint yet", "Not measured yet"):
        assert text in page.text
    assert f"python -m flexae_tf.train --flagfile={tmp_path}/flags.cfg" in page.text


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError):
        html_report.write(tmp_path, pictures.Options())


def test_a_large_picture_becomes_a_webp(directory, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(directory.path, copy)
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    path = copy / "figures" / "samples-0000003.png"
    figures.save_png(path, noise, {"density": "own"})
    assert path.stat().st_size > 300_000
    page = read(html_report.write(copy, pictures.Options()))
    first = next(v for tag, name, v in page.attributes if (tag, name) == ("img", "src"))
    images = [v for tag, name, v in page.attributes if (tag, name) == ("img", "src")]
    assert first.startswith("data:image/png")
    (webp,) = [v for v in images if v.startswith("data:image/webp;base64,")]
    assert len(webp) < path.stat().st_size


def test_pictures_of_another_density_stand_beside_those_of_the_prior(directory, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(directory.path, copy)
    run = runs.load(copy)
    for kind in ("samples", "latents"):
        for path in pictures.existing(kind, copy, 3):
            path.unlink()
    options = pictures.Options(density="standard_normal")
    densities.attach(run, "standard_normal")
    list(pictures.write("samples", run, run.load_dataset(), options))
    page = read(html_report.write(copy, pictures.Options()))
    for name in ("samples", "samples-standard_normal", "latents"):
        assert f"{name}-0000003.png" in page.text
