"""Ending training before its last iteration: a signal came, or the hours given are over.

A reason to stop is the exit status that the command then has; 0 is none.
"""

import signal
import sys
import time
from collections.abc import Callable
from typing import Self

TIME_UP = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong, start again
SIGNALS = (signal.SIGTERM, signal.SIGINT)
REASONS = (*(128 + signum for signum in SIGNALS), TIME_UP)


class Interrupted(Exception):
    """Training was stopped before its end, after saving a checkpoint.

    Attributes:
      status: the exit status that tells why, one of `REASONS`.
    """

    def __init__(self, status: int) -> None:
        name = "--max_hours" if status == TIME_UP else signal.Signals(status - 128).name
        super().__init__(name)
        self.status = status


class Stopping:
    """Says whether this process should stop; within the context it minds SIGTERM and SIGINT.

    A second signal ends the process at once. Hours are counted from construction by a clock that
    nobody can set.

    Args:
      max_hours: hours after which to stop; 0 for none.
      clock: function that returns seconds.
    """

    def __init__(self, max_hours: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + 3600 * max_hours if max_hours else float("inf")
        self._signum = None
        self._previous = {}

    def reason(self) -> int:
        """One of `REASONS`, or 0."""
        if self._signum:  # a signal can come at any moment, but is never taken back
            return 128 + self._signum
        return TIME_UP if self._clock() >= self._end else 0

    def __enter__(self) -> Self:
        for signum in SIGNALS:
            self._previous[signum] = signal.signal(signum, self._handle)
        return self

    def _handle(self, signum, _):
        print(f"\n{signal.Signals(signum).name}: saving a checkpoint", file=sys.stderr)
        signal.signal(signum, self._previous[signum])
        self._signum = signum

    def __exit__(self, *_: object) -> None:
        for signum, previous in self._previous.items():
            signal.signal(signum, previous)
