"""Checkpoints of a run: written atomically, kept by a rule, read back past damaged ones."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf

from flexae_tf import files
from flexae_tf.errors import UserError, warn
from flexae_tf.training import workers

_NAME = re.compile(r"ckpt-(\d+)\.index")
_PART = re.compile(r"ckpt-(\d+)\..*")
LOSS_SCALES = "loss_scales"  # what a float32 run does not have


class Checkpoints:
    """The checkpoints `ckpt-<iteration>` in a folder.

    TensorFlow writes the data of a checkpoint first and its index last, each under a temporary name
    that it then renames, so an index stands for a complete checkpoint. Both are brought to the disk
    before an earlier one is removed, so that a machine that loses its power leaves one that can be
    read. The folder has the state file that `tf.train.latest_checkpoint` reads.

    Args:
      folder: where they are.
      checkpoint: the tf.train.Checkpoint to write and restore, all of its variables built.
      keep: how many of the newest to keep.
      keep_every_steps: also keep those whose iteration is a multiple of this; 0 for none.
    """

    def __init__(
        self,
        folder: Path | str,
        checkpoint: tf.train.Checkpoint,
        keep: int = 3,
        keep_every_steps: int = 0,
    ) -> None:
        self._folder = Path(folder)
        self._checkpoint = checkpoint
        self._keep = keep
        self._keep_every_steps = keep_every_steps

    def save(self, iteration: int) -> None:
        """Writes a checkpoint and removes those that the rule no longer keeps.

        Later ones go too: training has come back from before them because they were damaged.

        Raises:
          UserError: it could not be written; the earlier ones are as they were.
        """
        try:
            self._remove_unfinished()
            self._checkpoint.write(str(self._folder / f"ckpt-{iteration}"))
            self._sync(iteration)
        except (tf.errors.OpError, OSError) as error:
            workers.raise_if_lost(error)
            with contextlib.suppress(OSError):
                self._remove(iteration)
                self._remove_unfinished()
            raise self._failure(iteration, error) from error
        try:
            self._prune(iteration)
        except (tf.errors.OpError, OSError) as error:
            raise self._failure(iteration, error) from error

    def _failure(self, iteration, error):
        kept = iterations(self._folder)
        return UserError(
            f"could not write the checkpoint {self._folder / f'ckpt-{iteration}'}: "
            f"{files.reason(error)}; "
            + (f"the checkpoint of iteration {kept[-1]} is intact" if kept else "there is none")
            + ": make room, or the folder writable, and start the same command again"
        )

    def restore(self) -> Any:
        """Restores the newest checkpoint that can be read.

        Returns:
          Its iteration, or None if there is no checkpoint.

        Raises:
          UserError: there are checkpoints and none can be read.
        """
        found = iterations(self._folder)
        for iteration in reversed(found):
            path = self._folder / f"ckpt-{iteration}"
            try:
                restore(self._checkpoint, path)
            except UserError as error:
                warn(f"{error}; trying the one before")
                continue
            return iteration
        if found:
            raise UserError(
                f"no checkpoint in {self._folder} can be read: choose another --run_dir"
            )
        return None

    def _prune(self, newest):
        found = iterations(self._folder)
        found_until = [n for n in found if n <= newest]
        newest_few, every = found_until[-self._keep :], self._keep_every_steps
        kept = [n for n in found_until if n in newest_few or (every and n % every == 0)]
        for iteration in set(found) - set(kept):
            self._remove(iteration)
        paths = [str(self._folder / f"ckpt-{n}") for n in kept]
        tf.compat.v1.train.update_checkpoint_state(str(self._folder), paths[-1], paths)

    def _sync(self, iteration):
        for path in self._folder.glob(f"ckpt-{iteration}.*"):
            files.sync(path)
        files.sync(self._folder)

    def _remove_unfinished(self):
        """Removes what a process that died while writing has left."""
        for folder in self._folder.glob("ckpt-*_temp"):
            shutil.rmtree(folder, ignore_errors=True)
        for path in self._folder.glob("checkpoint.tmp*"):
            path.unlink()
        complete = iterations(self._folder)
        for path in self._folder.iterdir():
            match = _PART.fullmatch(path.name)
            if match and int(match[1]) not in complete:
                path.unlink()

    def _remove(self, iteration):
        # The index goes first, so that what is left half removed is no checkpoint.
        for path in sorted(self._folder.glob(f"ckpt-{iteration}.*"), reverse=True):
            path.unlink(missing_ok=True)


def iterations(folder: Path) -> list[int]:
    """Iterations of the complete checkpoints in a folder, ascending."""
    matches = (_NAME.fullmatch(path.name) for path in Path(folder).glob("ckpt-*.index"))
    return sorted(int(match[1]) for match in matches if match)


def restore(checkpoint: tf.train.Checkpoint, path: Path | str) -> None:
    """Restores every variable of a tf.train.Checkpoint from `path`.

    Loss scales alone may be missing there, after a change to float16; they begin anew.

    Raises:
      UserError: the checkpoint is missing or damaged, or is one of other networks.
    """
    try:
        _without_new_scales(checkpoint, path).read(str(path)).assert_existing_objects_matched()
    except (tf.errors.OpError, AssertionError, ValueError, OSError, IndexError) as error:
        raise UserError(f"cannot read the checkpoint {path}: {files.reason(error)}") from error


def _without_new_scales(checkpoint, path):
    """The checkpoint, or all of it but loss scales that `path` does not have."""
    parts = checkpoint._trackable_children()
    if LOSS_SCALES not in parts:
        return checkpoint
    saved = [name for name, _ in tf.train.list_variables(str(path))]
    if any(name.startswith(f"{LOSS_SCALES}/") for name in saved):
        return checkpoint
    return tf.train.Checkpoint(**{name: parts[name] for name in parts if name != LOSS_SCALES})
