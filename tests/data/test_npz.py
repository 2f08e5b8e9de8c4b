"""Data sets from .npz files: what is accepted, what is refused."""

import numpy as np
import pytest

from flexae_tf import data
from flexae_tf.errors import UserError

GREY = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)
VECTORS = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


@pytest.fixture
def load(tmp_path):
    def save_and_load(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return data.load("npz", data_dir=tmp_path, cache_dir=tmp_path / "cache")

    return save_and_load


def test_grey_images_get_a_channel(load):
    dataset = load(x_train=GREY[:4], x_test=GREY[4:])
    assert dataset.shape == (4, 4, 1)
    np.testing.assert_array_equal(dataset.train[..., 0], GREY[:4])
    assert dataset.train_labels is None
    assert dataset.label_names == ()


def test_vectors_and_keras_labels(load):
    labels = np.array([[0], [3], [1], [1]], np.uint8)
    dataset = load(x_train=VECTORS[:4], x_test=VECTORS[4:], y_train=labels, y_test=labels[:2])
    assert dataset.shape == (3,)
    assert dataset.train.dtype == np.float32
    np.testing.assert_array_equal(dataset.test, VECTORS[4:])
    np.testing.assert_array_equal(dataset.train_labels, [0, 3, 1, 1])
    assert dataset.train_labels.dtype == np.int64
    assert dataset.label_names == ("0", "1", "2", "3")


BAD_X = {
    "float images": np.zeros((4, 4, 4, 1), np.float32),
    "float64 vectors": np.zeros((4, 3)),
    "four channels": np.zeros((4, 4, 4, 4), np.uint8),
    "byte vectors": np.zeros((4, 3), np.uint8),
    "nothing": np.zeros((0, 4, 4), np.uint8),
    "a scalar": np.float32(3),
}


@pytest.mark.parametrize("bad", BAD_X)
def test_other_arrays_are_refused(load, bad):
    with pytest.raises(UserError, match=r"x_train is .*, expected uint8 \[N, H, W"):
        load(x_train=BAD_X[bad], x_test=GREY)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(load, value):
    vectors = VECTORS.copy()
    vectors[5, 2] = value
    with pytest.raises(UserError, match="x_test holds NaN or infinite values"):
        load(x_train=VECTORS, x_test=vectors)


BAD_Y = {
    "a different length": np.zeros(5, np.int64),
    "fractions": np.zeros(6),
    "negative numbers": np.full(6, -1),
    "one-hot vectors": np.zeros((6, 10), np.uint8),
}


@pytest.mark.parametrize("bad", BAD_Y)
def test_other_labels_are_refused(load, bad):
    with pytest.raises(UserError, match=r"y_train is .*, expected 6 integers"):
        load(x_train=GREY, x_test=GREY, y_train=BAD_Y[bad], y_test=np.zeros(6, int))


def test_arrays_that_do_not_belong_together_are_refused(load):
    with pytest.raises(UserError, match="x_train and x_test differ"):
        load(x_train=GREY, x_test=GREY[:, :3])
    with pytest.raises(UserError, match="x_train and x_test differ"):
        load(x_train=GREY, x_test=VECTORS)
    with pytest.raises(UserError, match="both y_train and y_test"):
        load(x_train=GREY, x_test=GREY, y_train=np.zeros(6, int))
    with pytest.raises(UserError, match="expected arrays x_train and x_test, found images"):
        load(images=GREY)


def test_pickles_are_not_opened(load, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    with pytest.raises(UserError, match=r"not an \.npz file of plain arrays"):
        load(x_train=np.array([Trap()], dtype=object), x_test=GREY)
    assert not (tmp_path / "sprung").exists()


def test_files_that_are_no_archives_are_refused(tmp_path):
    with pytest.raises(UserError, match="needs --data_dir"):
        data.load("npz")
    with pytest.raises(UserError, match="no such file"):
        data.load("npz", data_dir=tmp_path / "none.npz")
    with pytest.raises(UserError, match=r"exactly one \.npz file.*found 0"):
        data.load("npz", data_dir=tmp_path)
    np.save(tmp_path / "array.npy", GREY)
    np.savez(tmp_path / "good.npz", x_train=GREY, x_test=GREY)
    truncated = tmp_path / "truncated.npz"
    truncated.write_bytes((tmp_path / "good.npz").read_bytes()[:300])
    with pytest.raises(UserError, match=r"exactly one \.npz file.*found 2"):
        data.load("npz", data_dir=tmp_path)
    empty = tmp_path / "empty.npz"
    empty.touch()
    for path in (tmp_path / "array.npy", truncated, empty):
        with pytest.raises(UserError, match=r"not an \.npz file of plain arrays"):
            data.load("npz", data_dir=path, cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_come_out_as_stored_in_either_order(tmp_path, save, order):
    images = np.random.default_rng(1).integers(0, 256, (2500, 4, 4, 3), np.uint8)
    save(tmp_path / "data.npz", x_train=np.asarray(images, order=order), x_test=images[:3])
    dataset = data.load("npz", data_dir=tmp_path, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(dataset.train, images)
