"""Small files, and data that must outlast the machine."""

import contextlib
import os
import re
from pathlib import Path

from flexae_tf.errors import UserError


def write_text(path: Path, text: str) -> None:
    """Writes a text as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a small file atomically and durably. Raises UserError if that is not possible."""
    path = Path(path)
    # Two processes may write the same file; the last one wins.
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        sync(partial)
        os.replace(partial, path)
        sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def sync(path: Path) -> None:
    """Brings a file, or the names in a folder, from memory to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(error: Exception) -> str:
    """What went wrong, in a line: TensorFlow puts names of functions and files before it."""
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    first_line = re.sub(r"\{\{.*?\}\}| \[Op:\w+\]", "", message).strip().splitlines()[0]
    return first_line.rsplit("; ", 1)[-1]
