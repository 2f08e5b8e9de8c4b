"""What TensorBoard's projector reads of a run's codes."""

import dataclasses
import types

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from flexae_tf.errors import UserError
from flexae_tf.report import projector
from tests import picture_runs, tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return picture_runs.run(tmp_path_factory.mktemp("run"), "vae")


def embedding(run):
    """The one embedding of a run's configuration."""
    text = (run.path / "train" / "projector_config.pbtxt").read_text()
    (found,) = text_format.Parse(text, ProjectorConfig()).embeddings
    return found


def test_codes_labels_and_images_are_of_the_same_examples(run):
    dataset = picture_runs.images()
    assert projector.write(run, dataset, count=7, seed=3) == run.path
    found = embedding(run)
    assert found.tensor_name == "codes-3"
    rows = np.random.default_rng(3).permutation(len(dataset.test))[:7]
    folder = run.path / "train"
    z = np.loadtxt(folder / found.tensor_path, delimiter="\t")  # [N, m]
    np.testing.assert_allclose(z, run.model.encode(dataset.test[rows]), rtol=1e-5, atol=1e-6)
    lines = [line.split("\t") for line in (folder / found.metadata_path).read_text().splitlines()]
    assert lines[0] == ["example", "class"]
    names = [dataset.label_names[label] for label in dataset.test_labels[rows]]
    assert lines[1:] == [[str(row), name] for row, name in zip(rows, names, strict=True)]
    assert list(found.sprite.single_image_dim) == [8, 8]
    sprite = np.asarray(Image.open(folder / found.sprite.image_path))
    assert sprite.shape == (24, 24)  # 3 x 3 places for 7 images
    np.testing.assert_array_equal(sprite[8:16, 16:24], dataset.test[rows[5], ..., 0])


def test_attributes_are_a_column_each_and_no_labels_are_none(run):
    path = run.path / "train" / "projector" / "metadata.tsv"
    dataset = picture_runs.images("attributes")
    dataset = dataclasses.replace(dataset, label_names=("odd\tor", "large\n"))
    projector.write(run, dataset, count=2)
    assert path.read_text().splitlines()[0] == "example\todd or\tlarge"
    assert len(path.read_text().splitlines()) == 3
    projector.write(run, picture_runs.images(None), count=2)
    assert len(path.read_text().splitlines()) == 2


def test_images_fit_into_one_picture(run, monkeypatch):
    monkeypatch.setattr(projector, "_LARGEST_SPRITE", 16)
    projector.write(run, picture_runs.images())
    found = embedding(run)
    folder = run.path / "train"
    assert Image.open(folder / found.sprite.image_path).size == (16, 16)
    assert len(np.loadtxt(folder / found.tensor_path)) == 4


def test_vectors_have_no_images(tmp_path):
    run = types.SimpleNamespace(path=tmp_path, iteration=3, model=picture_runs.LinearModel())
    projector.write(run, picture_runs.vectors())
    assert not embedding(run).HasField("sprite")
    assert not list(tmp_path.rglob("*.png"))


def test_grids_of_indices_are_refused(tmp_path):
    with pytest.raises(UserError, match="the projector needs codes that are vectors"):
        projector.write(tiny.run(tmp_path, "vq_vae"), tiny.dataset())
