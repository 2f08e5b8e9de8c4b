"""Validation images, and zeros around images: what is done to a data set before training.

Validation images are held out of the train images, which rows by a seed of their own: runs with
different seeds, and of different methods, share them. CelebA has validation images, so it keeps all
of its train images and only the choice among the former is drawn.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from flexae_tf.data.cache import Source, Split
from flexae_tf.data.dataset import Dataset, Rows
from flexae_tf.errors import UserError

_SEED = 0
_LEAST_LEFT = 2  # train examples


def hold_out(dataset: Dataset, count: int) -> Dataset:
    """The same with `count` train examples, drawn without replacement, as validation examples.

    Nothing is copied: both are `Rows` of the train examples, in their order.

    Raises: UserError where that leaves fewer than two to train on.
    """
    total = len(dataset.train)
    if not 0 < count <= total - _LEAST_LEFT:
        raise UserError(
            f"--validation_images={count}: {dataset.name} has {total} train examples, expected at "
            f"least {_LEAST_LEFT} of them to be left"
        )
    held_out, left = _drawn(total, count)
    labels = dataset.train_labels
    return dataclasses.replace(
        dataset,
        train=Rows(dataset.train, left),
        train_labels=None if labels is None else labels[left],
        validation=Rows(dataset.train, held_out),
        validation_labels=None if labels is None else labels[held_out],
        fingerprint=_fingerprint(dataset.fingerprint, count),
    )


def take_from(dataset: Dataset, own: dict[str, Any], count: int) -> Dataset:
    """The same with `count` examples of the data set's own validation split.

    Args:
      dataset: a Dataset.
      own: validation, validation_labels and fingerprint of that split, as from `cache.cached`.
      count: validation examples.

    Raises: UserError where the split has fewer.
    """
    total, labels = len(own["validation"]), own["validation_labels"]
    if not 0 < count <= total:
        raise UserError(
            f"--validation_images={count}: {dataset.name} has {total} validation examples"
        )
    rows, _ = _drawn(total, count)
    return dataclasses.replace(
        dataset,
        validation=Rows(own["validation"], rows),
        validation_labels=None if labels is None else labels[rows],
        fingerprint=_fingerprint(dataset.fingerprint, own["fingerprint"], count),
    )


def pad(images: np.ndarray, side: int) -> np.ndarray:
    """Images [N, H, W, C] amid zeros, [N, side, side, C]; an odd row or column is below or right.

    Raises: UserError for vectors, and for images that are larger than that.
    """
    _check(images.shape[1:], side)
    margins = [side - length for length in images.shape[1:3]]
    around = [(margin // 2, margin - margin // 2) for margin in margins]
    return np.pad(images, [(0, 0), *around, (0, 0)])


def padded(source: Source, side: int) -> Source:
    """A source whose images are padded (see `pad`), an entry of the cache of its own.

    Raises: the new source's `open` raises UserError for vectors and images that are larger.
    """

    def opened() -> tuple[dict[str, Split], Any]:
        splits, label_names = source.open()
        return {name: _padded_split(split, side) for name, split in splits.items()}, label_names

    return source._replace(preprocessing={**source.preprocessing, "pad": side}, open=opened)


def _padded_split(split: Split, side: int) -> Split:
    _check(split.shape, side)
    chunks = _padded_chunks(split.chunks, side)
    return dataclasses.replace(split, shape=(side, side, split.shape[2]), chunks=chunks)


def _padded_chunks(chunks: Iterable, side: int) -> Iterator:
    for examples, labels in chunks:
        yield pad(examples, side), labels


def _check(shape, side):
    if len(shape) != 3:
        raise UserError(f"--pad={side} is for images, received vectors of {shape[0]} dimensions")
    if max(shape[:2]) > side:
        raise UserError(
            f"--pad={side} is less than the images have: {shape[0]} x {shape[1]} pixels; expected "
            f"at least {max(shape[:2])}"
        )


def _drawn(total, count):
    """Ascending numbers of `count` of `total` rows, and of the others."""
    order = np.random.default_rng(_SEED).permutation(total)
    return np.sort(order[:count]), np.sort(order[count:])


def _fingerprint(*parts):
    text = " ".join(["validation", *map(str, parts)])
    return hashlib.sha256(text.encode()).hexdigest()
