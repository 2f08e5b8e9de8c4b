"""The cache of reference features: reuse, staleness, damage."""

import dataclasses

import numpy as np
import pytest

from flexae_tf.evaluation.cache import cached_features
from flexae_tf.evaluation.features import Extractor

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1), np.uint8)


class Counting:
    """An extractor's network that counts its batches."""

    def __init__(self):
        self.calls = 0

    def __call__(self, batch):
        self.calls += 1
        return batch.reshape(len(batch), -1) * 1.0, batch[:, 0, 0] * 2.0


@pytest.fixture
def network():
    return Counting()


@pytest.fixture
def extractor(network):
    return Extractor("stand-in", "weights", "none", "none", False, network)


def entries(folder):
    return sorted((folder / "features").iterdir())


def test_second_call_reads_what_the_first_wrote(extractor, network, tmp_path):
    first = cached_features(extractor, IMAGES, tmp_path)
    calls = network.calls
    second = cached_features(extractor, IMAGES.copy(), tmp_path)
    assert network.calls == calls
    np.testing.assert_array_equal(first.activations, second.activations)
    np.testing.assert_array_equal(first.logits, second.logits)
    assert [path.suffix for path in entries(tmp_path)] == [".npz"]


def test_a_memory_map_of_the_same_images_is_the_same_entry(extractor, network, tmp_path):
    cached_features(extractor, IMAGES, tmp_path)
    calls = network.calls
    np.save(tmp_path / "images.npy", IMAGES)
    cached_features(extractor, np.load(tmp_path / "images.npy", mmap_mode="r"), tmp_path)
    assert network.calls == calls


def test_anything_that_changes_features_is_another_entry(extractor, tmp_path):
    changed = IMAGES.copy()
    changed[-1, -1, -1] ^= 1
    cached_features(extractor, IMAGES, tmp_path)
    cached_features(extractor, changed, tmp_path)
    cached_features(extractor, IMAGES[:-1], tmp_path)
    cached_features(extractor, IMAGES.reshape(60, 2, 8, 1), tmp_path)
    cached_features(dataclasses.replace(extractor, fingerprint="others"), IMAGES, tmp_path)
    cached_features(dataclasses.replace(extractor, resize="to 299"), IMAGES, tmp_path)
    assert len(entries(tmp_path)) == 6


@pytest.mark.parametrize("damage", ["truncate", "garbage", "flip", "pickle", "foreign", "empty"])
def test_damaged_or_foreign_entry_is_computed_anew(extractor, tmp_path, damage, capsys):
    expected = cached_features(extractor, IMAGES, tmp_path).activations
    (path,) = entries(tmp_path)
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "garbage":
        path.write_bytes(b"not an archive")
    elif damage == "flip":
        position = content.index(expected.tobytes()[:64]) + 10
        content[position] ^= 255
        path.write_bytes(content)
    elif damage == "pickle":
        np.savez(path, key=np.array(path.stem), activations=np.array([{}], dtype=object))
    elif damage == "foreign":
        np.savez(path, key=np.array("another"), activations=expected * 0)
    else:
        path.write_bytes(b"")
    features = cached_features(extractor, IMAGES, tmp_path)
    np.testing.assert_array_equal(features.activations, expected)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: cannot use the cached features")
    cached_features(extractor, IMAGES, tmp_path)
    assert not capsys.readouterr().err


def test_unusable_cache_folder_costs_one_line(extractor, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    features = cached_features(extractor, IMAGES, blocked)
    assert features.activations.shape == (60, 16)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: cannot keep features")


def test_interrupted_writing_leaves_nothing(extractor, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cached_features(extractor, IMAGES, tmp_path)
    assert entries(tmp_path) == []
