"""The standard error of a command holds this project's lines; what libraries say is held back.

TensorFlow writes to descriptor 2 before its log level counts, so the descriptor itself leads into
an unlinked file. `sys.stderr` stays what the command had, so that whoever prints there is heard;
Python's warnings and loggers go into the file. It is replayed where it explains something: before
the traceback of an unexpected error, and when native code ends the process.
"""

import contextlib
import faulthandler
import fcntl
import io
import logging
import os
import re
import sys
import tempfile
from types import TracebackType

# TensorFlow reads 2, warnings left out. Nobody else writes it so: a command that inherits the
# variable from a program of this project still knows that its user did not choose it.
LOG_LEVEL = "02"
_REPLAYED_BYTES = 1 << 16
# How C++ marks the message with which it ends the process, not always by a signal.
_FATAL = re.compile(rb"^(F\d{4} |\d{4}-\d\d-\d\d \S+ F )", re.MULTILINE)
_HEADER = b"what TensorFlow and other libraries said before:\n"

_crash: int | None = None  # where the traceback of a fatal signal goes, once there is a watcher


def begin() -> bool:
    """Holds back from now on what is not this project's, once per process.

    Not where the user set TF_CPP_MIN_LOG_LEVEL, nor where it cannot be done safely: without a
    standard error or a place for the file, and as the first process of a container, with which the
    watcher would end.

    Returns:
      Whether it is held back.
    """
    global _crash
    chosen = os.environ.get("TF_CPP_MIN_LOG_LEVEL", LOG_LEVEL) != LOG_LEVEL
    if _crash is None and not chosen and os.getpid() != 1:
        with contextlib.suppress(OSError):
            _crash = _divert()
            report_crashes()
    return _crash is not None


def report_crashes() -> None:
    """Leads the traceback of a fatal signal to the watcher, again after absl took it to itself."""
    if _crash is not None:
        faulthandler.enable(_crash)


def _divert() -> int:
    """Returns what `_start_watcher` does; raises OSError before anything has changed."""
    own = os.dup(2)
    with tempfile.TemporaryFile() as file:
        held = os.dup(file.fileno())
    fcntl.fcntl(held, fcntl.F_SETFL, os.O_APPEND)  # so that emptying it leaves no gap
    crash = _start_watcher(own, held)
    _hold_back_loggers()
    sys.stderr.flush()
    os.dup2(held, 2)
    # Without a buffer, which is locked while it writes: the handler of a signal could not print.
    sys.stderr = io.TextIOWrapper(
        os.fdopen(own, "wb", 0), sys.stderr.encoding, "backslashreplace", line_buffering=True
    )

    def excepthook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if not isinstance(error, KeyboardInterrupt):
            sys.stderr.flush()
            _replay(held, own)
        sys.__excepthook__(kind, error, traceback)

    sys.excepthook = excepthook
    return crash


def _hold_back_loggers() -> None:
    """Gives loggers and warnings the standard error of before, which leads into the file."""
    logging.captureWarnings(True)
    # What runs without absl, such as pythae beside us, has no logger to hold back either.
    with contextlib.suppress(ImportError):
        from absl import logging as absl_logging

        # A handler of the root keeps TensorFlow from making its own.
        absl_logging.use_absl_handler()


def _start_watcher(own: int, held: int) -> int:
    """A process that replays when native code has ended this one, which then cannot.

    Returns:
      The descriptor for the traceback of a fatal signal. Ending closes it, however it happens.
    """
    ended, crash = os.pipe()
    if os.fork():
        os.close(ended)
        return crash
    try:
        os.setsid()  # Ctrl-C is for the command
        os.close(crash)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):  # whoever reads from the command waits for their end
            os.dup2(nothing, descriptor)
        traceback = b"".join(iter(lambda: os.read(ended, _REPLAYED_BYTES), b""))
        if traceback or _FATAL.search(_tail(held)):
            _replay(held, own)
            os.write(own, traceback)
    finally:
        os._exit(0)


def _tail(held: int) -> bytes:
    size = os.fstat(held).st_size
    return os.pread(held, _REPLAYED_BYTES, max(0, size - _REPLAYED_BYTES))


def _replay(held: int, own: int) -> None:
    """Writes what was held back, its end where it is long, and forgets it."""
    text = _tail(held)
    os.ftruncate(held, 0)
    if text:
        with contextlib.suppress(OSError):
            os.write(own, _HEADER + text)
