"""One ordinary training run of an experiment: its command line, and how far it has come."""

import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from flexae_tf import backend, settings
from flexae_tf.errors import UserError, flagfiles_first
from flexae_tf.experiments.processes import Busy, Command
from flexae_tf.runs import RunDirectory
from flexae_tf.training import checkpoints


class TrainingRun:
    """A run directory and the flags of `flexae_tf.train` that it is trained with.

    Args:
      run_dir: path.
      arguments: list of flags, "--name=value", flagfiles among them; later ones count.

    Raises:
      UserError: a flag has a value that it cannot have.
    """

    def __init__(self, run_dir: Path | str, arguments: Sequence[str]) -> None:
        self.directory = RunDirectory(run_dir)
        self.arguments = [*arguments, f"--run_dir={run_dir}"]
        self.values = parse(self.arguments)

    @property
    def iteration(self) -> int:
        """Iteration of the newest checkpoint; 0 if there is none."""
        return max(checkpoints.iterations(self.directory.checkpoints), default=0)

    @property
    def is_finished(self) -> bool:
        """Whether all iterations are trained."""
        return 0 < self.values.training_steps <= self.iteration

    def command(self) -> Command:
        """The Command that starts or resumes it."""
        return Command([sys.executable, "-m", "flexae_tf.train", *self.arguments])

    def evaluation(self, flag: str, evaluate_flags: Sequence[str], output: Path) -> Command:
        """The Command that measures it, as JSON in a file.

        Args:
          flag: the one of tools.evaluate that takes its directory, "run_dir" or "run_dirs".
          evaluate_flags: further ones.
          output: the file.
        """
        command = [
            sys.executable,
            "-m",
            backend.tool("evaluate"),
            f"--{flag}={self.directory.path}",
        ]
        return Command([*command, "--json", *evaluate_flags], output)

    def next_command(self) -> Command | None:
        """The Command that trains it, or None once it is finished.

        Raises:
          Busy: another process is training it.
          UserError: the run directory holds a run with other flags.
        """
        if self.directory.flags_file.exists():
            self._check()
        if self.is_finished:
            return None
        if self.directory.path.exists():
            try:
                with self.directory.lock():
                    pass
            except UserError as error:
                raise Busy from error
        return self.command()

    def _check(self):
        """A finished run is not started again, so it could not say that its flags are others."""
        found = settings.parse(self.directory.read_flags())
        for name in self.values:
            there, now = found[name].value, self.values[name].value
            if self.values[name].present and name not in settings.FREE and there != now:
                raise UserError(
                    f"{self.directory.path} holds a run with --{name}={there}, not {now}: "
                    "use the same flags, or choose another folder"
                )


def parse(arguments: Sequence[str]) -> flags.FlagValues:
    """The values that flags of `flexae_tf.train` set; those that only it knows are passed over.

    Raises:
      UserError: a value does not parse, or a flagfile cannot be read.
    """
    values = flags.FlagValues()
    settings.define_flags(values)
    try:
        values(["train", *flagfiles_first(arguments)], known_only=True)
    except (flags.Error, OSError) as error:
        raise UserError(" ".join(str(error).split())) from error
    return values
