"""A training run of an experiment and the measuring of it, as one task."""

import abc
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flexae_tf.experiments import processes
from flexae_tf.experiments.training_run import TrainingRun


class MeasuredRun(processes.Task):
    """One run in the folder of an experiment: trained, then measured.

    Args:
      folder: of the experiment; in it are runs/<name>/, logs/<name>.txt and results/<name>.json.
      name: of the run.
      train_flags: its flags.
      measured_as: the flag of tools.evaluate that takes its directory, "run_dir" or "run_dirs".
      evaluate_flags: further flags of tools.evaluate.

    Attributes:
      training: its `TrainingRun`. log, result_file: paths.

    Raises:
      UserError: a flag has a value that it cannot have.
    """

    def __init__(
        self,
        folder: Path | str,
        name: str,
        train_flags: Sequence[str],
        measured_as: str,
        evaluate_flags: Sequence[str],
    ) -> None:
        folder = Path(folder)
        self.name = name
        self.log = folder / "logs" / f"{name}.txt"
        self.result_file = folder / "results" / f"{name}.json"
        self.training = TrainingRun(folder / "runs" / name, train_flags)
        self._measured_as, self._evaluate_flags = measured_as, evaluate_flags

    @abc.abstractmethod
    def result(self) -> dict[str, Any] | None:
        """What measuring it gave, or None if it is not yet measured as it is."""

    def commands(self) -> tuple[processes.Command, processes.Command]:
        """The Commands that train it and measure it."""
        return self.training.command(), self.training.evaluation(
            self._measured_as, self._evaluate_flags, self.result_file
        )

    def next_command(self) -> processes.Command | None:
        return self.training.next_command() or (None if self.result() else self.commands()[1])

    def _if_current(self, record):
        """A record, or None where the run has been trained on since."""
        if not record or not isinstance(record["checkpoint"], int):
            return record  # the released protocol chooses among checkpoints
        steps = record.get("trained_steps") or record["checkpoint"]
        return record if steps == self.training.iteration else None


def print_commands(runs: Iterable[MeasuredRun]) -> None:
    """Prints the command lines of all runs."""
    for run in runs:
        for command in run.commands():
            print(shlex.join(command.arguments))
