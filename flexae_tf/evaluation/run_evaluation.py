"""Measuring the checkpoints of a run directory.

Files, in the run's `metrics/`:

    <iteration>.json             the standard protocol
    <iteration>.released.json    the released one
    released.json                its result: the best of the checkpoints
    <iteration>.gmm.json, <iteration>.released.gmm.json, released.gmm.json
                                 the same for samples of another density than the model's own
    <iteration>.validation.json, <iteration>.sample.json
                                 measured on validation images, by sampled reconstructions

Beside the keys of `suite` there is `generation/effective_sample_size` of samples that are chosen
among proposals (`algorithm.resampling`): how many of a code's proposals count, in the mean.

TensorBoard finds the same numbers under `eval/`, `eval/released/`, `eval/gmm/` and so on; they
share their tags, so they are several runs to it.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flexae_tf import densities, runs
from flexae_tf.algorithm.resampling import ResampledDensity
from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.evaluation.features import Extractor
from flexae_tf.evaluation.paper_values import model_name
from flexae_tf.evaluation.protocol import PROTOCOLS, STANDARD, Protocol
from flexae_tf.evaluation.suite import AUTOENCODER_PREFIXES, evaluate_model
from flexae_tf.training import checkpoints

_PLACES = ("data_dir", "cache_dir")


def choose_iterations(run_dir: Path | str, protocol: Protocol, choice: str | None) -> list[int]:
    """Iterations of the checkpoints to measure, ascending.

    Args:
      run_dir: the run directory.
      protocol: `protocol.Protocol`; one with a range of steps takes all checkpoints in it.
      choice: "newest", "best" (by validation error), "all" or iterations as text, "1000,2000"; None
        for what the protocol takes.

    Raises:
      UserError: there are no such checkpoints, or the protocol leaves no choice.
    """
    directory = runs.RunDirectory(run_dir)
    found, best = (checkpoints.iterations(d) for d in (directory.checkpoints, directory.best))
    if not found:
        raise UserError(f"--run_dir={run_dir} has no checkpoint: train it first")
    if protocol.first_step is not None:
        return _iterations_in_range(run_dir, protocol, choice, found)
    choice = choice or protocol.checkpoint
    if choice == "all":
        return found
    if choice == "newest":
        return found[-1:]
    if choice == "best":
        return [directory.iteration_of(choice)]
    chosen = set(choice.split(","))
    if not chosen <= {str(iteration) for iteration in (*found, *best)}:
        raise UserError(
            f"--checkpoints={choice}: expected newest, best, all or some of "
            f"{', '.join(map(str, sorted({*found, *best})))}"
        )
    return sorted(map(int, chosen))


class RunEvaluation:
    """Measures checkpoints of one run and files the reports.

    The data set and the extractor are loaded once.

    Args:
      run_dir: the run directory.
      protocol: `protocol.Protocol`.
      make_extractor: function of the data set, returning the `features.Extractor`.
    """

    def __init__(
        self,
        run_dir: Path | str,
        protocol: Protocol,
        make_extractor: Callable[[Dataset], Extractor],
    ) -> None:
        self._directory = runs.RunDirectory(run_dir)
        self._protocol = protocol
        self._make_extractor = make_extractor
        self._dataset: Dataset | None = None
        self._extractor: Extractor | None = None

    def open(self, iteration: int) -> runs.Run:
        """The `runs.Run` of a checkpoint; its data set and the extractor are loaded once.

        Raises:
          UserError: the run, its data or the extractor cannot be had.
        """
        run = runs.load(self._directory.path, iteration)
        if self._dataset is None:
            self._dataset = run.load_dataset()
            self._extractor = self._make_extractor(self._dataset)
        return run

    def measure(
        self, iteration: int, density: str = densities.OWN, again: bool = True
    ) -> dict[str, Any]:
        """The record (see `report`) of a checkpoint.

        What does not depend on the density is taken from the record of another one, if there is.

        Args:
          iteration: the checkpoint's.
          density: what is sampled, see `densities`.
          again: measure even if there is a report by the same protocol and extractor.

        Raises:
          UserError: as `open` and `densities.attach`, or a file cannot be written.
        """
        path = self._path(iteration, density)
        run = self.open(iteration) if again or self._dataset is None else None
        before = None if again else report.read_json(path)
        if before is not None and self._fits(before):
            if "settings" not in before:  # written before reports had them
                before |= {"settings": _settings_of(self.open(iteration))}
            return before | self._place(iteration)
        run = run or self.open(iteration)
        assert self._dataset is not None  # `open` has loaded both
        assert self._extractor is not None
        run = densities.attach(run, density, self._dataset)
        metrics, counts = evaluate_model(
            run.model,
            self._dataset,
            self._extractor,
            self._protocol,
            run.settings["cache_dir"],
            self._measured_of_the_autoencoder(iteration, but=path),
        )
        metrics |= _sampling_measures(run.model.density, self._protocol.seed)
        record = report.record(metrics, self._description(run, density, counts))
        report.write_json(record, path)
        report.write_summaries(record, self._directory.eval / self._name(density), step=iteration)
        return record

    def measure_best(
        self, iterations: Sequence[int], density: str = densities.OWN
    ) -> dict[str, Any]:
        """The record of the best of several checkpoints; those that have a report keep it."""
        best = report.best_of([self.measure(i, density, again=False) for i in iterations])
        report.write_json(best, self._directory.metrics / f"{self._name(density)}.json")
        return best

    def _name(self, density):
        """What tells the reports of a protocol and density apart; "" for the standard ones."""
        usual = PROTOCOLS[self._protocol.name]
        changes = [
            value
            for field in ("split", "reconstruct_by")
            if (value := getattr(self._protocol, field)) != getattr(usual, field)
        ]
        parts = [self._protocol.name, *changes, density]
        return ".".join(part for part in parts if part not in (STANDARD.name, densities.OWN))

    def _path(self, iteration, density):
        parts = (str(iteration), self._name(density), "json")
        return self._directory.metrics / ".".join(part for part in parts if part)

    def _measured_of_the_autoencoder(self, iteration, but):
        """Metrics in a report of the same checkpoint and another density, or None."""
        for path in sorted(self._directory.metrics.glob(f"{iteration}.*json")):
            if path != but and self._fits(record := report.read_json(path)):
                return {
                    key: value
                    for key, value in report.metrics_of(record).items()
                    if key.startswith(AUTOENCODER_PREFIXES)
                }
        return None

    def _place(self, iteration):
        """How long the training was, and whether a checkpoint is the one that validated best."""
        steps = checkpoints.iterations(self._directory.checkpoints)
        best = checkpoints.iterations(self._directory.best)
        return {"trained_steps": max([*steps, *best]), "is_validated_best": iteration in best}

    def _fits(self, record):
        return (
            record is not None
            and record.get("protocol") == dataclasses.asdict(self._protocol)
            and record.get("extractor") == self._extractor.description()
        )

    def _description(self, run, density, counts):
        return self._protocol.description(
            counts=counts,
            split=self._protocol.split,
            extractor=self._extractor,
            checkpoint=run.iteration,
            dataset=self._dataset.name,
            dataset_fingerprint=self._dataset.fingerprint,
            method=run.settings["method"],
            variant=run.settings["variant"],
            model=model_name(run.settings),
            density=density,
            settings=_settings_of(run),
            **self._place(run.iteration),
        )


def _sampling_measures(density, seed):
    """{key: float} of how a model is sampled, where there is something to say."""
    if not isinstance(density, ResampledDensity):
        return {}
    return {"generation/effective_sample_size": density.effective_sample_size(seed)}


def _settings_of(run):
    """{flag: value} of a run without those that say where it is and not what."""
    return {name: value for name, value in run.settings.items() if name not in _PLACES}


def _iterations_in_range(run_dir, protocol, choice, found):
    if choice not in (None, "newest"):
        raise UserError(
            f"--protocol={protocol.name} chooses its checkpoints: leave out --checkpoints"
        )
    chosen = [i for i in found if protocol.first_step <= i <= protocol.last_step]
    if not chosen:
        raise UserError(
            f"--protocol={protocol.name} takes the best of the checkpoints {protocol.first_step:,} "
            f"to {protocol.last_step:,}, --run_dir={run_dir} has {found[0]:,} to {found[-1]:,}; "
            f"use --protocol={STANDARD.name}"
        )
    return chosen
