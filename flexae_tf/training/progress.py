"""Progress of a training run: a bar on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Mapping
from typing import Self

from tqdm import tqdm


class Progress:
    """Reports iterations, losses and the time left on standard error.

    Args:
      start: iterations already done. stop: iterations in all.
    """

    def __init__(self, start: int, stop: int) -> None:
        self._start, self._stop = start, stop
        self._bar = None
        self._began = time.monotonic()
        self._reported = start

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = tqdm(total=self._stop, initial=self._start, unit="it", dynamic_ncols=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def report(self, iteration: int, losses: Mapping[str, float]) -> None:
        """Says where training is.

        Args:
          iteration: the iteration just done.
          losses: {player: float}.
        """
        text = "  ".join(f"{name} {value:.4g}" for name, value in losses.items())
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(iteration - self._bar.n)
            return
        seconds = time.monotonic() - self._began
        per_iteration = seconds / max(1, iteration - self._start)
        left = time.strftime("%H:%M:%S", time.gmtime((self._stop - iteration) * per_iteration))
        days = int((self._stop - iteration) * per_iteration // 86400)
        left = f"{days} d {left}" if days else left
        self.report_line(f"{iteration}/{self._stop}  {per_iteration:.3f} s/it  {left} left  {text}")

    def report_line(self, line: str) -> None:
        """Prints a line without disturbing the bar."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)
