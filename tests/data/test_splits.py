"""Validation images and padding: disjoint, stable, of the right rows, and never a copy."""

import numpy as np
import pytest

from flexae_tf import data
from flexae_tf.data import splits
from flexae_tf.data.dataset import Dataset, Rows
from flexae_tf.errors import UserError


def numbered(count=50):
    """A data set whose images say which row they are."""
    train = np.arange(count, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 4, 4, 1), np.uint8)
    labels = np.arange(count, dtype=np.int64)
    return Dataset("numbered", train, train[:5], labels, labels[:5], ("a",), "f" * 64)


def rows_of(examples):
    return data.gather(examples, np.arange(len(examples)))[:, 0, 0, 0].tolist()


def test_validation_images_are_those_that_are_not_trained_on():
    held_out = splits.hold_out(numbered(), 20)
    train, validation = rows_of(held_out.train), rows_of(held_out.validation)
    assert len(validation) == 20
    assert sorted(train + validation) == list(range(50))
    assert held_out.train_labels.tolist() == train
    assert held_out.validation_labels.tolist() == validation
    assert (train, validation) == (sorted(train), sorted(validation))
    assert validation != list(range(20))
    assert validation != list(range(30, 50))


def test_they_are_the_same_rows_whenever_and_wherever_they_are_drawn():
    held_out = splits.hold_out(numbered(10), 3)
    assert rows_of(held_out.validation) == [2, 4, 6]  # of a Generator whose stream NumPy keeps
    assert held_out.fingerprint == splits.hold_out(numbered(10), 3).fingerprint
    others = {numbered(10).fingerprint, splits.hold_out(numbered(10), 4).fingerprint}
    assert held_out.fingerprint not in others


@pytest.mark.parametrize("count", [-1, 49, 50, 1000])
def test_at_least_two_images_are_left_to_train_on(count):
    assert len(splits.hold_out(numbered(), 48).train) == 2
    with pytest.raises(UserError, match=f"--validation_images={count}: numbered has 50 train"):
        splits.hold_out(numbered(), count)


def test_a_memory_map_stays_one(tmp_path):
    np.save(tmp_path / "train.npy", np.arange(3000, dtype=np.float32).reshape(1000, 3))
    mapped = np.load(tmp_path / "train.npy", mmap_mode="r")
    held_out = splits.hold_out(Dataset("x", mapped, mapped, None, None, (), "f"), 300)
    for part, count in ((held_out.train, 700), (held_out.validation, 300)):
        assert isinstance(part, Rows)
        assert part.array is mapped
        assert (part.shape, part.ndim, part.dtype, len(part)) == ((count, 3), 2, np.float32, count)
    gathered = data.gather(held_out.train, [5, 0, 5])
    np.testing.assert_array_equal(gathered, mapped[held_out.train.rows[[5, 0, 5]]])
    with pytest.raises(IndexError):
        data.gather(held_out.train, [700])
    assert held_out.first(10).train.array is mapped
    np.testing.assert_array_equal(held_out.first(10).train[3], held_out.train[3])


def test_train_examples_are_counted_after_validation_images_are_gone():
    whole = data.load("digits", validation_images=297)
    few = data.load("digits", validation_images=297, train_examples=100)
    assert whole.train.shape == (1203, 16, 16, 1)
    assert few.train.shape == (100, 16, 16, 1)
    assert few.validation.shape == whole.validation.shape == (297, 16, 16, 1)
    np.testing.assert_array_equal(few.validation[:].rows, whole.validation.rows)
    assert len({whole.fingerprint, few.fingerprint, data.load("digits").fingerprint}) == 3
    assert data.load("digits").validation is None


def test_zeros_around_images():
    images = np.full((2, 3, 4, 1), 7, np.uint8)
    padded = splits.pad(images, 6)
    assert padded.shape == (2, 6, 6, 1)
    assert padded.dtype == np.uint8
    np.testing.assert_array_equal(padded[:, 1:4, 1:5], images)
    assert padded.sum() == images.sum()
    np.testing.assert_array_equal(splits.pad(images, 4)[:, :3], images)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 8, 6, 3), r"is less than the images have: 8 x 6 pixels.* least 8"),
        ((2, 9), "is for im"),
    ],
)
def test_padding_that_cannot_be_is_refused(shape, message):
    with pytest.raises(UserError, match=f"--pad=7 {message}"):
        splits.pad(np.zeros(shape, np.uint8), 7)


def test_embedded_and_cached_data_sets_are_padded(tmp_path):
    plain, padded = data.load("digits"), data.load("digits", pad=20)
    assert padded.shape == (20, 20, 1)
    np.testing.assert_array_equal(padded.test[:, 2:18, 2:18], plain.test)
    assert padded.fingerprint != plain.fingerprint

    file = tmp_path / "x.npz"
    np.savez(file, x_train=plain.train[:9, ..., 0], x_test=plain.test[:5, ..., 0])
    settings = {"data_dir": file, "cache_dir": tmp_path / "cache"}
    mapped = data.load("npz", pad=20, **settings)
    assert isinstance(mapped.train, np.memmap)
    np.testing.assert_array_equal(mapped.train, padded.train[:9])
    assert data.load("npz", **settings).shape == (16, 16, 1)
    with pytest.raises(UserError, match="--pad=12 is less than the images have"):
        data.load("npz", pad=12, **settings)
    with pytest.raises(UserError, match="--pad=12 is for images, received vectors of 128"):
        data.load("synthetic2d", pad=12)
