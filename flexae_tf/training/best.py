"""The checkpoint with the lowest validation error, in a folder of its own.

    checkpoints/best/ckpt-<iteration>
    checkpoints/best/best.json          its iteration and validation error

The file is written after the checkpoint. A process that dies between the two leaves the error of
the checkpoint before; started again it comes to the same iteration and writes both anew.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import tensorflow as tf

from flexae_tf import files
from flexae_tf.errors import UserError
from flexae_tf.training.checkpoints import Checkpoints, iterations, restore


class Best:
    """The best checkpoint in a folder, which need not be there.

    Args:
      folder: the folder.

    Attributes:
      error: its validation error, infinite where there is none that is known.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.error = self._read()

    def save(self, state: tf.train.Checkpoint, iteration: int, error: float) -> None:
        """Writes a checkpoint in its place. Raises UserError if that is not possible."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise UserError(f"cannot write {self._folder}: {failure.strerror}") from failure
        Checkpoints(self._folder, state, keep=1).save(iteration)
        self.error = error
        record = {"iteration": iteration, "validation_error": error}
        files.write_text(self._folder / "best.json", json.dumps(record, indent=2) + "\n")

    def restore(self, state: tf.train.Checkpoint) -> None:
        """Restores it. Raises UserError if there is none or it cannot be read."""
        found = iterations(self._folder)
        if not found:
            raise UserError(f"{self._folder} has no checkpoint: train with --keep_best")
        restore(state, self._folder / f"ckpt-{found[-1]}")

    def _read(self):
        try:
            record = json.loads((self._folder / "best.json").read_text())
            known = record["iteration"] in iterations(self._folder)
            return float(record["validation_error"]) if known else math.inf
        except (OSError, ValueError, LookupError, TypeError):
            return math.inf
