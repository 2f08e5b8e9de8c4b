"""What a data set is, and the three things everybody does with one.

Images are uint8 [N, H, W, C] from the file to the training step, vectors are float32 [N, D].
The arrays of a large data set are memory maps, or some `Rows` of one: read them with `gather`,
which copies rows and gives the pages back, so that a 2 GB data set does not become 2 GB of resident
memory.
"""

import dataclasses
import hashlib
import json
import mmap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from flexae_tf.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

# Rows read between two releases of pages; 1,024 CelebA images are 12 MB.
_ROWS_PER_RELEASE = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of an array or memory map, which stays where it is; a slice is `Rows` again.

    Attributes:
      array: [N, ...].
      rows: int64 [n], which of them.
    """

    array: np.ndarray
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, ...)."""
        return (len(self.rows), *self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """Type of an element."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.array.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> "np.ndarray | Rows":
        rows = self.rows[key]
        return Rows(self.array, rows) if isinstance(key, slice) else self.array[rows]


Examples: TypeAlias = np.ndarray | Rows


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test examples of one data set.

    Attributes:
      name: the name given to `load`.
      train, test: arrays, memory maps or rows of them, uint8 [N, H, W, C] or float32 [N, D].
      train_labels, test_labels: None, or int64 [N] class numbers, or uint8 [N, A] attributes 0/1.
      label_names: names of the classes or attributes, () without labels.
      fingerprint: SHA-256 (hexadecimal) of the name, the preprocessing and all the arrays.
      validation, validation_labels: examples that are neither, or None (see `splits`).
    """

    name: str
    train: Examples
    test: Examples
    train_labels: np.ndarray | None
    test_labels: np.ndarray | None
    label_names: tuple[str, ...]
    fingerprint: str
    validation: Examples | None = None
    validation_labels: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example: (H, W, C) or (D,)."""
        return self.train.shape[1:]

    def first(self, count: int) -> "Dataset":
        """The same with the first `count` train examples only. Raises UserError if it has fewer."""
        if count > len(self.train):
            raise UserError(
                f"{self.name} has {len(self.train)} train examples; received "
                f"--train_examples={count}"
            )
        return dataclasses.replace(
            self,
            train=self.train[:count],
            train_labels=None if self.train_labels is None else self.train_labels[:count],
            fingerprint=hashlib.sha256(f"{self.fingerprint} {count}".encode()).hexdigest(),
        )


def to_unit(images: "np.ndarray | tf.Tensor") -> "np.ndarray | tf.Tensor":
    """Scales images to [0, 1]: the one place where uint8 becomes float32.

    Args:
      images: NumPy array or tensor, uint8 in 0..255; floating point passes through unchanged.

    Returns: the same kind, float32 of the same shape.
    """
    if isinstance(images, np.ndarray):
        return images.astype(np.float32) / np.float32(255) if images.dtype == np.uint8 else images
    import tensorflow as tf  # here, so that NumPy callers need not wait for it

    return tf.cast(images, tf.float32) / 255.0 if images.dtype == tf.uint8 else images


def gather(array: Examples, rows: np.ndarray | Sequence[int]) -> np.ndarray:
    """Copies rows of an array, keeping the resident memory of a memory map flat.

    Args:
      array: [N, ...] array or memory map, a view or `Rows` of one.
      rows: [n] integers in any order; duplicates are allowed.

    Returns: new array [n, ...]. Safe to call from several threads.

    Raises: IndexError where a row is outside the array.
    """
    rows = np.asarray(rows)
    if isinstance(array, Rows):
        return gather(array.array, array.rows[rows])
    mapping = _mapping(array)
    if mapping is None:
        return array[rows]
    out = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for start in range(0, len(rows), _ROWS_PER_RELEASE):
        part = slice(start, start + _ROWS_PER_RELEASE)
        out[part] = array[rows[part]]
        # The pages stay in the system's file cache; a thread that is reading them maps them anew.
        mapping.madvise(mmap.MADV_DONTNEED)
    return out


def fingerprint(
    name: str, preprocessing: Mapping[str, Any], arrays: Mapping[str, np.ndarray | None]
) -> str:
    """SHA-256 (hexadecimal) of a data set.

    Args:
      name: of the data set.
      preprocessing: dict for JSON, all that was done to the examples.
      arrays: {name: array or memory map or None}.
    """
    digest = hashlib.sha256(json.dumps([name, preprocessing], sort_keys=True).encode())
    for key, array in sorted(arrays.items()):
        if array is None:
            continue
        digest.update(f"{key} {array.dtype.str} {array.shape}".encode())
        for start in range(0, len(array), _ROWS_PER_RELEASE):
            rows = np.arange(start, min(start + _ROWS_PER_RELEASE, len(array)))
            digest.update(np.ascontiguousarray(gather(array, rows)))
    return digest.hexdigest()


def _mapping(array):
    """The `mmap` under an array or a view of it, or None."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None
