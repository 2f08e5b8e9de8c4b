"""Decoded data sets on disk, so that nothing is decoded twice.

A source says what it is made of (files with size and time, preprocessing) without reading it; from
that follows the name of its entry, `<cache>/datasets/<name>-<key>/`:

    train.npy, test.npy                  examples by split, opened as memory maps
    train_labels.npy, test_labels.npy    if there are labels
    info.json                            sizes of the files above, label names, fingerprint

An entry is written beside its place and moved there when complete, under a lock that the system
releases when its process dies: a process that is killed leaves nothing that could be read.
"""

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import math
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from flexae_tf.data.dataset import fingerprint
from flexae_tf.errors import UserError, warn

# Part of every key: raise it when a source's output changes for the same input.
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Split:
    """Examples of a split, on their way into the cache."""

    count: int  # N
    shape: tuple[int, ...]  # (H, W, C) or (D,)
    dtype: type  # np.uint8 or np.float32
    chunks: Iterable  # of (examples [b, *shape], labels [b] or [b, A] or None), N in all


class Source(NamedTuple):
    """Where a data set comes from."""

    name: str
    preprocessing: dict  # for JSON; enters the key and the fingerprint
    files: list  # of (path, size, modification time in ns), see `stamp`; enters the key
    open: Callable  # () -> ({"train" or "test" or "validation": Split}, label names)


def cached(source: Source, cache_dir: pathlib.Path | str | None = None) -> dict[str, Any]:
    """The arrays of a source, decoded now if they never were.

    Args:
      source: `Source`.
      cache_dir: folder; by default see `cache_root`.

    Returns: dict of train, test (read-only memory maps), train_labels, test_labels (arrays or
      None) or whatever splits the source has, label_names, fingerprint.

    Raises: UserError where the source cannot be decoded or the cache folder not be written.
    """
    folder = cache_root(cache_dir) / "datasets" / f"{source.name}-{_key(source)}"
    # Without the lock first: a complete entry is usable where the folder is read-only.
    if (fields := _read(folder)) is not None:
        return fields
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f"{folder.name}.lock")):
            if (fields := _read(folder)) is None:
                _build(source, folder)
                fields = _read(folder)
    except OSError as error:
        raise UserError(_write_error(folder.parent, error)) from error
    if fields is None:
        raise UserError(f"{folder} cannot be read back after writing: is the disk sound?")
    return fields


def cache_root(cache_dir: pathlib.Path | str | None = None) -> pathlib.Path:
    """Path of the cache: `cache_dir`, else $FLEXAE_TF_CACHE, else flexae_tf in the user's cache."""
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    chosen = cache_dir or os.environ.get("FLEXAE_TF_CACHE") or f"{user_cache}/flexae_tf"
    return pathlib.Path(chosen).expanduser().absolute()


def stamp(path: pathlib.Path | str) -> tuple[str, int, int]:
    """(path, size in bytes, modification time in ns) of a file, as in `Source.files`."""
    status = os.stat(path)
    return str(path), status.st_size, status.st_mtime_ns


def source_name(name: str, splits: Sequence[str]) -> str:
    """The name of a source of some splits of a data set: a third split is an entry of its own."""
    return "_".join([name, *(split for split in splits if split not in ("train", "test"))])


def _key(source):
    identity = json.dumps([_FORMAT, source.preprocessing, source.files], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process that prepares {path.stem}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(folder):
    """The fields of an entry, or None where there is none or it is damaged."""
    try:
        info = json.loads((folder / "info.json").read_text())
        if any((folder / name).stat().st_size != size for name, size in info["bytes"].items()):
            return None
        kept = {name.removesuffix(".npy") for name in info["bytes"]}
        arrays = {}
        for name in kept - {f"{name}_labels" for name in kept}:
            arrays[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
            labels = f"{name}_labels"
            arrays[labels] = np.load(folder / f"{labels}.npy") if labels in kept else None
        names = tuple(info["label_names"])
        return arrays | {"label_names": names, "fingerprint": info["fingerprint"]}
    except (OSError, ValueError, EOFError, LookupError, TypeError, AttributeError):
        return None


def _build(source, folder):
    if folder.exists():
        warn(f"{folder} is damaged: decoding it again")
        shutil.rmtree(folder)
    print(f"decoding {source.name} into {folder}", file=sys.stderr)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir()
    try:
        splits, label_names = source.open()
        _check_space(partial, splits.values())
        for name, split in splits.items():
            _write_split(partial, name, split, title=f"{source.name} {name}")
        files = sorted(partial.iterdir())
        arrays = {path.stem: np.load(path, mmap_mode="r") for path in files}
        info = {
            "bytes": {path.name: path.stat().st_size for path in files},
            "label_names": list(label_names),
            "fingerprint": fingerprint(source.name, source.preprocessing, arrays),
            "preprocessing": source.preprocessing,
        }
        (partial / "info.json").write_text(json.dumps(info, indent=2))
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_space(folder, splits):
    """Minutes of decoding should not end at a full disk."""
    sizes = (
        split.count * math.prod(split.shape) * np.dtype(split.dtype).itemsize for split in splits
    )
    needed = sum(sizes)
    if needed > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, f"the data set needs {needed / 2**20:,.0f} MiB")


def _write_split(folder, name, split, title):
    header = {
        "descr": np.dtype(split.dtype).str,
        "fortran_order": False,
        "shape": (split.count, *split.shape),
    }
    labels, written = [], 0
    # Not through a writable memory map: on a full disk that is a SIGBUS instead of an error.
    with (
        open(folder / f"{name}.npy", "wb") as file,
        tqdm(total=split.count, desc=title, unit=" examples", disable=None) as progress,
    ):
        np.lib.format.write_array_header_1_0(file, header)
        for examples, chunk_labels in split.chunks:
            file.write(np.ascontiguousarray(examples, split.dtype))
            labels.append(chunk_labels)
            written += len(examples)
            progress.update(len(examples))
        file.flush()
        os.fsync(file.fileno())
        if written != split.count:
            raise UserError(f"{title}: expected {split.count:,} examples, received {written:,}")
    if labels[0] is not None:
        np.save(folder / f"{name}_labels.npy", np.concatenate(labels))


def _write_error(folder, error):
    while not folder.exists():
        folder = folder.parent
    free_mib = shutil.disk_usage(folder).free / 2**20
    return (
        f"cannot write the data cache {folder}: {error.strerror or error} ({free_mib:,.0f} MiB "
        "free there); make room or choose another folder with $FLEXAE_TF_CACHE"
    )
