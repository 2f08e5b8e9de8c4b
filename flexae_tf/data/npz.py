"""An .npz file as Keras keeps them: x_train, x_test and, if there are labels, y_train, y_test."""

import contextlib
import functools
import math
import pathlib
import zipfile

import numpy as np

from flexae_tf.data.cache import Source, Split, stamp
from flexae_tf.errors import UserError

_ROWS_PER_WRITE = 1024


def npz_source(data_dir: pathlib.Path | str | None) -> Source:
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
            splits = {}
            for split in ("train", "test"):
                shape, dtype = _examples(path, split)
                y = _labels(path, split, archive, shape[0])
                splits[split] = Split(shape[0], shape[1:], dtype, _chunks(path, split, shape, y)), y
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is not an .npz file of plain arrays: {error}") from error
    (train, y_train), (test, y_test) = splits["train"], splits["test"]
    if (train.shape, train.dtype) != (test.shape, test.dtype):
        raise UserError(f"{path}: x_train and x_test differ in shape or type of an example")
    if (y_train is None) != (y_test is None):
        raise UserError(f"{path}: expected both y_train and y_test, or neither")
    classes = 0 if y_train is None else 1 + max(y_train.max(), y_test.max())
    return {"train": train, "test": test}, tuple(str(number) for number in range(classes))


def _examples(path, split):
    """(shape [N, ...] as the project keeps it, type) of a split, read from the array's header."""
    with _reader(path, split) as (_, shape, dtype, _):
        received = f"{path}: x_{split} is {dtype} {list(shape)}"
        if dtype == np.uint8 and len(shape) == 3:
            shape = (*shape, 1)
        is_images = dtype == np.uint8 and len(shape) == 4 and shape[-1] in (1, 3)
        is_vectors = dtype == np.float32 and len(shape) == 2
        if not (is_images or is_vectors) or 0 in shape:
            raise UserError(
                f"{received}, expected uint8 [N, H, W(, 1 or 3)] or float32 [N, D], not empty"
            )
        return shape, dtype


@contextlib.contextmanager
def _reader(path, split):
    """Opens an array without reading it: (file at its first byte, shape, dtype, column-major)."""
    with zipfile.ZipFile(path) as archive, archive.open(f"x_{split}.npy") as file:
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(np.lib.format.read_magic(file))
        if read_header is None:
            raise ValueError("its arrays are in a format that is not NumPy's 1.0 or 2.0")
        shape, is_fortran, dtype = read_header(file)
        if dtype.hasobject:
            raise ValueError("it holds Python objects, which are never unpickled")
        yield file, shape, dtype, is_fortran


def _chunks(path, split, shape, y):
    """(examples, labels) a thousand at a time, so that a large file is never in memory whole."""
    with _reader(path, split) as (file, _, dtype, is_fortran):
        # Column by column in the file: its rows can only be had together.
        whole = np.load(path)[f"x_{split}"].reshape(shape) if is_fortran else None
        for start in range(0, shape[0], _ROWS_PER_WRITE):
            rows = slice(start, min(start + _ROWS_PER_WRITE, shape[0]))
            part = (rows.stop - start, *shape[1:])
            if whole is None:
                size = math.prod(part) * dtype.itemsize
                x = np.frombuffer(file.read(size), dtype).reshape(part)
            else:
                x = whole[rows]
            if dtype == np.float32 and not np.isfinite(x).all():
                raise UserError(f"{path}: x_{split} holds NaN or infinite values, expected finite")
            yield x, None if y is None else y[rows]


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
