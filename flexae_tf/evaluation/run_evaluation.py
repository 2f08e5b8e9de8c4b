"""Measuring the checkpoints of a run directory.

Files, in the run's `metrics/`:

    <iteration>.json             the standard protocol
    <iteration>.released.json    the released one
    released.json                its result: the best of the checkpoints

TensorBoard finds the same numbers under `eval/` and `eval/released/`; the protocols share their
tags, so they are two runs to it.
"""

import dataclasses

from flexae_tf import checkpoints, runs
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.evaluation.protocol import STANDARD
from flexae_tf.evaluation.suite import evaluate_method


def choose_iterations(run_dir, protocol, choice):
    """Iterations of the checkpoints to measure, ascending.

    Args:
      run_dir: the run directory.
      protocol: `protocol.Protocol`; one with a range of steps takes all checkpoints in it.
      choice: "newest", "all" or an iteration as text.

    Raises:
      UserError: there are no such checkpoints, or the protocol leaves no choice.
    """
    found = checkpoints.iterations(runs.RunDirectory(run_dir).checkpoints)
    if not found:
        raise UserError(f"--run_dir={run_dir} has no checkpoint: train it first")
    if protocol.first_step is not None:
        return _iterations_in_range(run_dir, protocol, choice, found)
    if choice == "all":
        return found
    if choice == "newest":
        return found[-1:]
    if not choice.isdecimal() or int(choice) not in found:
        raise UserError(
            f"--checkpoints={choice}: expected newest, all or one of {', '.join(map(str, found))}"
        )
    return [int(choice)]


class RunEvaluation:
    """Measures checkpoints of one run and files the reports.

    The data set and the extractor are loaded once.

    Args:
      run_dir: the run directory.
      protocol: `protocol.Protocol`.
      make_extractor: function of the data set, returning the `features.Extractor`.
    """

    def __init__(self, run_dir, protocol, make_extractor):
        self._directory = runs.RunDirectory(run_dir)
        self._protocol = protocol
        self._make_extractor = make_extractor
        self._is_standard = protocol.name == STANDARD.name
        self._dataset = None
        self._extractor = None

    def measure(self, iteration, again=True):
        """The record (see `report`) of a checkpoint.

        Args:
          iteration: the checkpoint's.
          again: measure even if there is a report by the same protocol and extractor.

        Raises:
          UserError: the run, its data or the extractor cannot be had, or a file not be written.
        """
        suffix = "" if self._is_standard else f".{self._protocol.name}"
        path = self._directory.metrics / f"{iteration}{suffix}.json"
        if self._dataset is None:
            self._dataset = runs.load(self._directory.path, iteration).load_dataset()
            self._extractor = self._make_extractor(self._dataset)
        if not again and self._fits(before := report.read_json(path)):
            return before
        run = runs.load(self._directory.path, iteration)
        metrics, counts = evaluate_method(
            run.method, self._dataset, self._extractor, self._protocol, run.settings["cache_dir"]
        )
        record = report.record(metrics, self._description(run, counts))
        report.write_json(record, path)
        folder = self._directory.eval / ("" if self._is_standard else self._protocol.name)
        report.write_summaries(record, folder, step=iteration)
        return record

    def measure_best(self, iterations):
        """The record of the best of several checkpoints; those that have a report keep it."""
        best = report.best_of([self.measure(i, again=False) for i in iterations])
        report.write_json(best, self._directory.metrics / f"{self._protocol.name}.json")
        return best

    def _fits(self, record):
        return (
            record is not None
            and record.get("protocol") == dataclasses.asdict(self._protocol)
            and record.get("extractor") == self._extractor.description()
        )

    def _description(self, run, counts):
        return self._protocol.description(
            counts=counts,
            split="test",
            extractor=self._extractor,
            checkpoint=run.iteration,
            dataset=self._dataset.name,
            dataset_fingerprint=self._dataset.fingerprint,
            method=run.settings["method"],
            variant=run.settings["variant"],
        )


def _iterations_in_range(run_dir, protocol, choice, found):
    if choice != "newest":
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
