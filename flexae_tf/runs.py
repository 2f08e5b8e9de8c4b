"""A run directory: its layout, its settings, its lock, and loading a trained model back.

    flags.cfg     the resolved flags, itself a flagfile
    run.json      versions, git commit, data fingerprint
    checkpoints/  ckpt-<iteration>, best/ckpt-<iteration>
    train/ eval/  TensorBoard
    samples/      PNG grids by iteration
    metrics/      <iteration>.json
    densities/    latent densities fitted to the train codes, by iteration
    figures/      pictures of tools.figures
    directions/   <class or attribute>.npy
    report.html   the page of tools.report
    export/       SavedModels by version

Nothing in it is executed or unpickled.
"""

import contextlib
import dataclasses
import fcntl
import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path

import tensorflow as tf

from flexae_tf import data, files, settings
from flexae_tf.algorithm.method import Method
from flexae_tf.errors import UserError
from flexae_tf.model import Model
from flexae_tf.networks import precision
from flexae_tf.training import checkpoints, saving
from flexae_tf.training.averages import Averages
from flexae_tf.training.best import Best

_RECORDED_PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-datasets")


class RunDirectory:
    """Paths and small files of a run directory."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.flags_file = self.path / "flags.cfg"
        self.run_file = self.path / "run.json"
        self.checkpoints = self.path / "checkpoints"
        self.best = self.checkpoints / "best"
        self.train = self.path / "train"
        self.eval = self.path / "eval"
        self.samples = self.path / "samples"
        self.metrics = self.path / "metrics"
        self.export = self.path / "export"

    def create(self) -> None:
        """Makes the folders. Raises UserError if that is not possible."""
        try:
            for folder in (self.checkpoints, self.train, self.samples):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write --run_dir={self.path}: {error.strerror}") from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run directory for this process; the system lets go of it when it dies.

        Raises:
          UserError: another process holds it.
        """
        try:
            file = open(self.path / ".lock", "a+")  # noqa: SIM115
        except OSError as error:
            raise UserError(f"cannot write --run_dir={self.path}: {error.strerror}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"another process is training in --run_dir={self.path}: wait for it, stop it, "
                    "or choose another --run_dir"
                ) from None
            yield

    def adopt(self, settings: dict, free: Collection[str], dataset: data.Dataset) -> None:
        """Records the settings of a new run, or checks that they are those of the one found here.

        Args:
          settings: {flag: value}, resolved.
          free: names of the flags that may differ from one start to the next.
          dataset: the Dataset.

        Raises:
          UserError: it is a run with other settings or of other data; nothing is changed.
        """
        if self.run_file.exists() or checkpoints.iterations(self.checkpoints):
            self._check(settings, free, dataset.fingerprint)
        lines = [f"--{k}={_text(v)}\n" for k, v in settings.items() if v is not None]
        files.write_text(self.flags_file, "".join(lines))
        files.write_text(self.run_file, json.dumps(_provenance(dataset), indent=2) + "\n")

    def read_flags(self) -> dict[str, str]:
        """{flag: text} of the run. Raises UserError if this is no run directory."""
        lines = self._read(self.flags_file).splitlines()
        return dict(line.removeprefix("--").split("=", 1) for line in lines if "=" in line)

    def read_settings(self) -> dict:
        """{flag: resolved value} of the run. Raises UserError as the files that say them."""
        shape = self.read_provenance()["data_shape"]
        return settings.resolved(shape, settings.parse(self.read_flags()))

    def read_provenance(self) -> dict:
        """What `run.json` holds. Raises UserError if it cannot be read."""
        try:
            recorded = json.loads(self._read(self.run_file))
        except ValueError as error:
            raise UserError(f"{self.run_file} is damaged: {error}") from error
        needed = {"data_fingerprint", "data_shape"}
        if not isinstance(recorded, dict) or not needed <= set(recorded):
            raise UserError(f"{self.run_file} is damaged: it does not say what data it was made of")
        return recorded

    def iteration_of(self, checkpoint: int | str) -> int:
        """Iteration of a checkpoint, given as a number, its text, or "best".

        Raises:
          UserError: it is none of these, or no best checkpoint is kept.
        """
        if checkpoint == "best":
            kept = checkpoints.iterations(self.best)
            if not kept:
                raise UserError(
                    f"{self.path} has no best checkpoint: train with --validation_images and "
                    "--keep_best, or choose another"
                )
            return kept[-1]
        if isinstance(checkpoint, str) and not checkpoint.isdecimal():
            raise UserError(f"--checkpoint={checkpoint}: expected an iteration, or best")
        return int(checkpoint)

    def _read(self, path):
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{self.path} is not a run directory of flexae_tf.train: cannot read {path.name} "
                f"({getattr(error, 'strerror', error)})"
            ) from error

    def _check(self, chosen, free, fingerprint):
        now = {k: _text(v) for k, v in chosen.items() if v is not None}
        # What a run from before there was a flag was trained with.
        former = settings.former(now.get("method"), now.get("variant"))
        former = {k: _text(v) for k, v in former.items() if v is not None and k in now}
        before = former | self.read_flags()
        differing = [
            f"--{name}={before.get(name, 'unset')} there, {now.get(name, 'unset')} now"
            for name in sorted(before.keys() | now.keys())
            if name not in free and before.get(name) != now.get(name)
        ]
        if differing:
            raise UserError(
                f"--run_dir={self.path} holds a run with other flags ({'; '.join(differing)}): "
                "use the same flags to resume it, or choose another --run_dir"
            )
        recorded = self.read_provenance()["data_fingerprint"]
        if recorded != fingerprint:
            raise UserError(
                f"--run_dir={self.path} was trained on other data (fingerprint {recorded[:12]} "
                f"there, {fingerprint[:12]} now): choose another --run_dir"
            )


def load(path: Path | str, checkpoint: int | str | None = None, averaged: bool = True) -> "Run":
    """Loads a trained model back.

    Args:
      path: the run directory.
      checkpoint: iteration of the checkpoint (a number or its text), or "best" for the one with
        the lowest validation error (see --keep_best); the newest readable one by default.
      averaged: whether a run that has averages of its weights (--ema_half_life_images) is loaded
        with these, as it is measured, or with the weights of the iteration.

    Returns:
      A Run.

    Raises:
      UserError: no run directory, or no such or no readable checkpoint.
    """
    directory = RunDirectory(path)
    method, iteration, averages = _restored(directory, checkpoint)
    if averaged:
        averages.swap()
    return Run(
        path=directory.path,
        settings=directory.read_settings(),
        model=method.model,
        networks=method.networks,
        iteration=iteration,
        fingerprint=directory.read_provenance()["data_fingerprint"],
    )


def load_method(path: Path | str, checkpoint: int | str | None = None) -> Method:
    """The Method of a run with the weights and optimizers to train on; otherwise as `load`."""
    return _restored(RunDirectory(path), checkpoint)[0]


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model loaded back from its run directory.

    Attributes:
      path: the run directory.
      settings: {flag: resolved value}.
      model: the trained `Model`.
      networks: {name: keras.Model} of all that was trained, the model's among them.
      iteration: of the checkpoint that was loaded.
      fingerprint: of the data set it was trained on.
    """

    path: Path
    settings: dict
    model: Model
    networks: dict
    iteration: int
    fingerprint: str

    def load_dataset(self) -> data.Dataset:
        """The data set the run was trained on. Raises UserError if it has changed since."""
        dataset = data.load(
            self.settings["dataset"], **{name: self.settings[name] for name in settings.DATA_FLAGS}
        )
        if dataset.fingerprint != self.fingerprint:
            raise UserError(
                f"the data set {dataset.name!r} is not the one {self.path} was trained on "
                f"(fingerprint {dataset.fingerprint[:12]}, there {self.fingerprint[:12]})"
            )
        return dataset


def _restored(directory, checkpoint):
    """(The Method of a checkpoint, its iteration, the Averages of its weights)."""
    values = settings.parse(directory.read_flags())
    shape = tuple(directory.read_provenance()["data_shape"])
    with precision.networks_in(values.precision):
        method = settings.build_method(shape, values)
    counter = tf.Variable(0, dtype=tf.int64)
    options = settings.trainer_options(values)
    averages = Averages(method, options.ema_half_life_images, options.batch_size)
    state = saving.checkpoint_of(method, counter, averages=averages.state)
    if checkpoint is None:
        found = checkpoints.Checkpoints(directory.checkpoints, state).restore()
        if found is None:
            raise UserError(f"{directory.path} has no checkpoint yet: train it first")
    elif checkpoint == "best":
        Best(directory.best).restore(state)
    else:
        checkpoint = directory.iteration_of(checkpoint)
        # One that is no longer among the newest may be kept as the best.
        kept = checkpoint in checkpoints.iterations(directory.checkpoints)
        is_best = not kept and checkpoint in checkpoints.iterations(directory.best)
        folder = directory.best if is_best else directory.checkpoints
        checkpoints.restore(state, folder / f"ckpt-{checkpoint}")
    return method, int(counter.numpy()), averages


def _provenance(dataset):
    """Versions and origin of a run, for JSON."""
    checkout, commit = Path(__file__).parents[1], ""
    if (checkout / ".git").exists():  # an installed package may lie in somebody else's repository
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=False
        ).stdout.strip()
    return {
        "data_fingerprint": dataset.fingerprint,
        "data_shape": list(dataset.shape),
        "train_images": len(dataset.train),
        "validation_images": 0 if dataset.validation is None else len(dataset.validation),
        "git_commit": commit or None,
        "python": sys.version.split()[0],
        "versions": {name: metadata.version(name) for name in _RECORDED_PACKAGES},
    }


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
