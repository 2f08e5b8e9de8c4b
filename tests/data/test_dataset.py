"""Data sets by name, the embedded ones, and what everybody does with a data set."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import data
from flexae_tf.data.dataset import fingerprint
from flexae_tf.errors import UserError


def test_digits_are_real_digits_in_a_fixed_split():
    dataset = data.load("digits", data_dir="is ignored")
    assert dataset.shape == (16, 16, 1)
    assert dataset.train.shape == (1500, 16, 16, 1)
    assert dataset.test.shape == (297, 16, 16, 1)
    assert dataset.train.dtype == dataset.test.dtype == np.uint8
    assert (dataset.train.min(), dataset.train.max()) == (0, 255)
    assert dataset.train_labels.dtype == np.int64
    assert dataset.label_names[7] == "7"
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    # As in scikit-learn's description of the digits: 178 zeros, 182 ones and so on.
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(dataset.test_labels).min() >= 20


def test_digits_are_smoothly_enlarged():
    from sklearn.datasets import load_digits

    dataset = data.load("digits")
    images = np.concatenate([dataset.train, dataset.test])[..., 0].astype(float)
    means = np.sort(images.mean(axis=(1, 2)))
    assert np.allclose(means, np.sort(load_digits().data.mean(axis=1)) * 255 / 16, atol=4)
    assert len(np.unique(images)) > 200


def test_embedded_data_sets_are_deterministic():
    for name in ("digits", "synthetic2d"):
        first, second = data.load(name), data.load(name)
        assert first.fingerprint == second.fingerprint
        np.testing.assert_array_equal(first.train, second.train)
    assert data.load("synthetic2d").fingerprint != data.load("synthetic5d").fingerprint


def test_wrong_names_and_settings_are_refused():
    with pytest.raises(UserError, match=r"unknown dataset 'mnits'.*digits, .*mnist.*npz"):
        data.load("mnits")
    with pytest.raises(UserError, match=r"--image_size.*digits"):
        data.load("digits", image_size=32)


def test_to_unit_scales_bytes_and_passes_floats():
    images = np.array([0, 51, 255], np.uint8)
    assert data.to_unit(images).dtype == np.float32
    np.testing.assert_array_equal(data.to_unit(images), np.array([0, 0.2, 1], np.float32))
    tensor = tf.function(data.to_unit)(tf.constant(images))
    assert tensor.dtype == tf.float32
    np.testing.assert_allclose(tensor, [0, 0.2, 1], rtol=1e-7)
    vectors = np.array([-1, 2.5], np.float32)
    assert data.to_unit(vectors) is vectors
    np.testing.assert_array_equal(data.to_unit(tf.constant(vectors)), vectors)


@pytest.fixture
def map_and_copy(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (3000, 5, 4, 3), np.uint8)
    np.save(tmp_path / "array.npy", array)
    return np.load(tmp_path / "array.npy", mmap_mode="r"), array


def test_gather_equals_indexing(map_and_copy):
    mapped, array = map_and_copy
    rows = np.random.default_rng(1).integers(3000, size=2500)  # unsorted, with duplicates
    for source in (mapped, array):
        gathered = data.gather(source, rows)
        assert type(gathered) is np.ndarray
        np.testing.assert_array_equal(gathered, array[rows])
    np.testing.assert_array_equal(data.gather(mapped[100:200], [7, 7, 3]), array[[107, 107, 103]])
    assert data.gather(mapped, []).shape == (0, 5, 4, 3)
    with pytest.raises(IndexError):
        data.gather(mapped, [3000])


def test_gather_from_several_threads(map_and_copy):
    mapped, array = map_and_copy
    wrong = []

    def read(seed):
        rng = np.random.default_rng(seed)
        for _ in range(100):
            rows = rng.integers(3000, size=128)
            if not np.array_equal(data.gather(mapped, rows), array[rows]):
                wrong.append(seed)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_gather_keeps_resident_memory_flat(tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, np.ones((4000, 64 * 64 * 3), np.uint8))  # 47 MiB
    mapped = np.load(path, mmap_mode="r")
    before = _resident_mib()
    for start in range(0, 4000, 100):
        data.gather(mapped, np.arange(start, start + 100))
    assert _resident_mib() - before < 20


def _resident_mib():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def test_fingerprint_depends_on_all_there_is():
    arrays = {"train": np.arange(12, dtype=np.uint8).reshape(3, 4), "labels": None}
    base = fingerprint("name", {"crop": 140}, arrays)
    assert base == fingerprint("name", {"crop": 140}, {**arrays})
    changed = arrays["train"].copy()
    changed[2, 3] += 1
    others = [
        fingerprint("other", {"crop": 140}, arrays),
        fingerprint("name", {"crop": 128}, arrays),
        fingerprint("name", {"crop": 140}, {**arrays, "train": changed}),
        fingerprint("name", {"crop": 140}, {**arrays, "train": arrays["train"].reshape(4, 3)}),
        fingerprint("name", {"crop": 140}, {**arrays, "labels": np.zeros(3, np.int64)}),
    ]
    assert len({base, *others}) == 6


def test_the_first_examples_are_a_data_set_of_their_own():
    whole, part = data.load("digits"), data.load("digits", train_examples=100)
    np.testing.assert_array_equal(part.train, whole.train[:100])
    np.testing.assert_array_equal(part.train_labels, whole.train_labels[:100])
    np.testing.assert_array_equal(part.test, whole.test)
    assert part.fingerprint != whole.fingerprint
    assert part.fingerprint != data.load("digits", train_examples=101).fingerprint
    with pytest.raises(UserError, match="has 1500 train examples"):
        data.load("digits", train_examples=1501)
