"""Runs to be compared: which they are, which of them are seeds of one another, what differs."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flexae_tf import runs
from flexae_tf.errors import UserError
from flexae_tf.evaluation import seeds
from flexae_tf.evaluation.paper_values import model_name, shown
from flexae_tf.training import checkpoints


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """A run and its checkpoint that is compared.

    Attributes:
      name: of its directory, with as many of those above as tell it from the others.
      directory: RunDirectory.
      settings: {flag: resolved value}.
      iteration: of the checkpoint, or None if the run has none yet.
    """

    name: str
    directory: runs.RunDirectory
    settings: dict
    iteration: int | None


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but their seed, and what they are called together."""

    label: str
    runs: tuple[ComparedRun, ...]


def load(run_dirs: Sequence[Path | str], checkpoint: int | str | None = None) -> list[Group]:
    """The runs of some directories, in groups.

    Args:
      run_dirs: at least two.
      checkpoint: which one of each run, an iteration or "best"; the newest by default.

    Returns:
      Groups in the order of their first runs, the runs in the order given.

    Raises:
      UserError: fewer than two, one of them twice, no run directory, another data set, no such
        checkpoint, or seeds of one group at different iterations.
    """
    paths = [Path(path) for path in run_dirs]
    resolved = [path.resolve() for path in paths]
    if len(paths) < 2:
        raise UserError("--run_dirs: expected two run directories or more to compare")
    for number, path in enumerate(resolved):
        if path in resolved[:number]:
            raise UserError(f"--run_dirs names {paths[number]} twice")
    above = os.path.commonpath([path.parent for path in resolved])
    found = [
        _compared(path, os.path.relpath(whole, above), checkpoint)
        for path, whole in zip(paths, resolved, strict=True)
    ]
    _require_one_dataset(found)
    groups: dict[str, list[ComparedRun]] = {}
    for run in found:
        groups.setdefault(seeds.settings_key(run.settings), []).append(run)
    if checkpoint is None:
        for of_group in groups.values():
            _require_one_iteration(of_group)
    labels = _labels([of_group[0].settings for of_group in groups.values()])
    return [Group(*pair) for pair in zip(labels, map(tuple, groups.values()), strict=True)]


def differing(settings: Sequence[Mapping[str, Any]]) -> tuple[list[str], dict[str, Any]]:
    """What some settings differ in, and what they have in common.

    Args:
      settings: a mapping {flag: value} for each. The seed, and where data lie, are no part of it.

    Returns:
      (names of flags whose values are not all alike or that one lacks, {flag: value} of the rest).
    """
    every = dict.fromkeys(name for each in settings for name in each)
    names = [name for name in every if name not in seeds.OF_A_RUN]
    alike = [
        name
        for name in names
        if all(name in each and each[name] == settings[0].get(name) for each in settings)
    ]
    return [name for name in names if name not in alike], {n: settings[0][n] for n in alike}


def _compared(path, name, checkpoint):
    directory = runs.RunDirectory(path)
    settings = directory.read_settings()
    saved = checkpoints.iterations(directory.checkpoints)
    if checkpoint is None:
        return ComparedRun(name, directory, settings, max(saved, default=None))
    iteration = directory.iteration_of(checkpoint)
    if iteration not in saved + checkpoints.iterations(directory.best):
        raise UserError(f"{path} has no checkpoint of iteration {iteration}")
    return ComparedRun(name, directory, settings, iteration)


def _require_one_dataset(found):
    first, *others = found
    fingerprint = first.directory.read_provenance()["data_fingerprint"]
    for run in others:
        if run.directory.read_provenance()["data_fingerprint"] != fingerprint:
            raise UserError(
                f"{first.name} and {run.name} were trained on different data "
                f"({first.settings['dataset']} and {run.settings['dataset']}, by their "
                "fingerprints): only runs on the same data compare"
            )


def _require_one_iteration(group):
    """Means over seeds are of one length of training."""
    saved = [run for run in group if run.iteration is not None]
    for run in saved[1:]:
        if run.iteration != saved[0].iteration:
            raise UserError(
                f"{saved[0].name} is at iteration {saved[0].iteration} and {run.name}, which "
                f"differs in its seed alone, at {run.iteration}: train on, or give --checkpoint"
            )


def _labels(settings):
    """What the groups' models are called, with what differs where several are called the same."""
    names = [model_name(each) for each in settings]
    labels = []
    for name, each in zip(names, settings, strict=True):
        alike = [other for n, other in zip(names, settings, strict=True) if n == name]
        varied = [f"{flag}={shown(each.get(flag))}" for flag in differing(alike)[0]]
        labels.append(f"{name} ({', '.join(varied)})" if varied else name)
    return labels
