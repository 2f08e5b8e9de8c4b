"""Settings and measures of several runs as TensorBoard's HPARAMS shows them.

Each run is a folder of its own with one file of events: the settings that vary, and the measures as
scalars. It is apart from the runs' own folders, because what varies depends on what they are
compared with.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from flexae_tf import files
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.report import comparison, measures
from flexae_tf.report.comparison import Group


class Trial(NamedTuple):
    """A run as HPARAMS has it.

    Attributes:
      name: of its folder.
      settings: {flag: value}, of those that vary; None is left out.
      metrics: {key of `suite`: float}.
    """

    name: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]


def write(folder: Path | str, trials: Iterable[Trial]) -> None:
    """Writes the trials; `tensorboard --logdir <folder>` shows them.

    Args:
      folder: of all trials; those of the same names are written anew.
      trials: of which texts that are numbers count as numbers.

    Raises:
      UserError: they cannot be written.
    """
    for trial in trials:
        try:
            _write(Path(folder) / trial.name, trial)
        except (OSError, tf.errors.OpError) as error:
            raise UserError(f"cannot write {folder}: {files.reason(error)}") from error


def write_compared(folder: Path | str, groups: Sequence[Group]) -> None:
    """Writes the settings that runs differ in and the measures of a report, with its density.

    It is the standard report of each, or the first of its others where it has none.

    Args:
      folder: as `write`. groups: as `comparison.load` returns them.
    """
    names, _ = comparison.differing([group.runs[0].settings for group in groups])
    trials = []
    for run in [run for group in groups for run in group.runs]:
        found = measures.reports(run.directory, run.iteration)[0]
        record = found.get(f"{run.iteration}.json") or next(iter(found.values()), {})
        settings = {name: run.settings.get(name) for name in ["seed", *names]}
        settings["density"] = record.get("density")
        trials.append(Trial(run.name, settings, report.metrics_of(record)))
    write(folder, trials)


def _write(folder, trial):
    from tensorboard.plugins.hparams import api

    for path in folder.glob("events.out.tfevents.*"):
        path.unlink()
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step=0):
        settings = {k: _value(v) for k, v in trial.settings.items() if v is not None}
        api.hparams(settings, trial_id=trial.name)
        for key, value in trial.metrics.items():
            tf.summary.scalar(f"{report.PREFIX}{key}", value)
    writer.close()


def _value(setting):
    if isinstance(setting, str):
        with contextlib.suppress(ValueError):
            return float(setting)
    return setting
