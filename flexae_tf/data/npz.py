"""An .npz file as Keras keeps them: x_train, x_test and, if there are labels, y_train, y_test."""

import functools
import pathlib
import zipfile

import numpy as np

from flexae_tf.data.cache import Source, Split, stamp
from flexae_tf.errors import UserError

_ROWS_PER_WRITE = 1024


def npz_source(data_dir):
    """`Source` of one .npz file. Nothing in it is unpickled.

    x: uint8 [N, H, W] or [N, H, W, C] with 1 or 3 channels, or finite float32 [N, D].
    y: integers [N] or [N, 1], numbers of classes from 0.

    Args:
      data_dir: the file, or a folder that holds exactly one.

    Raises: UserError without such a file; the source's `open` where it holds something else.
    """
    if data_dir is None:
        raise UserError("dataset npz needs --data_dir, the path of the .npz file")
    path = pathlib.Path(data_dir).expanduser().absolute()
    if path.is_dir():
        candidates = sorted(path.glob("*.npz"))
        if len(candidates) != 1:
            raise UserError(f"expected exactly one .npz file in {path}, found {len(candidates)}")
        path = candidates[0]
    if not path.is_file():
        raise UserError(f"--data_dir={data_dir}: there is no such file or folder")
    return Source("npz", {}, [stamp(path)], functools.partial(_open, path))


def _open(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = {"x_train", "x_test"} - set(archive)
            if missing:
                found = ", ".join(archive) or "none"
                raise UserError(f"{path}: expected arrays x_train and x_test, found {found}")
            x = {split: _examples(path, split, archive) for split in ("train", "test")}
            y = {split: _labels(path, split, archive, len(x[split])) for split in x}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is not an .npz file of plain arrays: {error}") from error
    if (x["train"].shape[1:], x["train"].dtype) != (x["test"].shape[1:], x["test"].dtype):
        raise UserError(f"{path}: x_train and x_test differ in shape or type of an example")
    if (y["train"] is None) != (y["test"] is None):
        raise UserError(f"{path}: expected both y_train and y_test, or neither")
    classes = 0 if y["train"] is None else 1 + max(labels.max() for labels in y.values())
    splits = {
        split: Split(len(x[split]), x[split].shape[1:], x[split].dtype, _chunks(x[split], y[split]))
        for split in x
    }
    return splits, tuple(str(number) for number in range(classes))


def _examples(path, split, archive):
    x = archive[f"x_{split}"]
    received = f"{path}: x_{split} is {x.dtype} {list(x.shape)}"
    if x.dtype == np.uint8 and x.ndim == 3:
        x = x[..., np.newaxis]
    is_images = x.dtype == np.uint8 and x.ndim == 4 and x.shape[-1] in (1, 3)
    is_vectors = x.dtype == np.float32 and x.ndim == 2
    if not (is_images or is_vectors) or x.size == 0:
        raise UserError(
            f"{received}, expected uint8 [N, H, W(, 1 or 3)] or float32 [N, D], not empty"
        )
    if is_vectors and not np.isfinite(x).all():
        raise UserError(f"{path}: x_{split} holds NaN or infinite values, expected finite ones")
    return x


def _labels(path, split, archive, count):
    if f"y_{split}" not in archive:
        return None
    y = archive[f"y_{split}"]
    received = f"{path}: y_{split} is {y.dtype} {list(y.shape)}"
    if y.shape == (count, 1):
        y = y[:, 0]
    if y.shape != (count,) or y.dtype.kind not in "iu" or y.min() < 0:
        raise UserError(
            f"{received}, expected {count} integers from 0, one class number per example"
        )
    return y.astype(np.int64)


def _chunks(x, y):
    for start in range(0, len(x), _ROWS_PER_WRITE):
        rows = slice(start, start + _ROWS_PER_WRITE)
        yield x[rows], None if y is None else y[rows]
