"""Sweeps: a training run for every combination of some flags' values, each measured.

A sweep's folder:

    runs/<cell>/            an ordinary run directory; a cell is named by what is varied
    logs/<cell>.txt         what its commands said
    results/<cell>.json     the record that tools.evaluate printed
    table.md, table.csv     see `sweep_table`
    figure.png              see `sweep_figure`, where there is something to plot by
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flexae_tf import files
from flexae_tf.errors import UserError
from flexae_tf.evaluation import paper_sweeps, report
from flexae_tf.experiments.measured_run import MeasuredRun
from flexae_tf.experiments.training_run import parse

# {flags that vary together: the values they take}
Axes = dict[tuple[str, ...], Sequence[tuple[str, ...]]]

PRESETS = ("latent_dim", "generator_capacity", "mask", "beta", "beta_latent_dim")
# {preset: the flag along the horizontal axis of its figure}
PLOTTED_BY = {"beta": "beta", "beta_latent_dim": "latent_dim"}


def preset(name: str, train_flags: Sequence[str]) -> tuple[Axes, list[str]]:
    """A sweep of the papers: (axes, flags that go before `train_flags`).

    Args:
      name: "latent_dim" is the FlexAE paper's Table 3, "generator_capacity" the slides' Table 5,
        "mask" their Figure 6; "beta" and "beta_latent_dim" are Morrow and Chiu's Figures 3 and 5.
      train_flags: flags of all runs, which name the data set.

    Raises:
      UserError: the table or figure has no such data set.
    """
    if name == "generator_capacity":
        rungs = [
            (str(layers), "" if width is None else str(width))
            for layers, width in paper_sweeps.CAPACITY_LADDER
        ]
        further = [f"--train_examples={paper_sweeps.CAPACITY_TRAIN_EXAMPLES}"]
        return {("generator_layers", "generator_width"): rungs}, further
    seeds: Axes = {("seed",): [(seed,) for seed in paper_sweeps.BETA_SEEDS]}
    if name == "beta":
        betas = [(beta,) for beta in paper_sweeps.BETAS]
        return {("method", "likelihood"): paper_sweeps.BETA_MODELS, ("beta",): betas, **seeds}, []
    if name == "beta_latent_dim":
        latent_dims = [(m,) for m in paper_sweeps.BETA_LATENT_DIMS]
        return {("beta",): [("0",), ("1",)], ("latent_dim",): latent_dims, **seeds}, []
    dataset = parse(train_flags).dataset
    dimensions: tuple[int, ...]
    methods: tuple[str, ...]
    if name == "mask":
        dimensions, methods = paper_sweeps.MASK_LATENT_DIMS.get(dataset, ()), ("mask_aae",)
    else:
        base = paper_sweeps.BASE_LATENT_DIM.get(dataset)
        dimensions = () if base is None else (base, 2 * base, 4 * base)
        methods = ("wae_gan", "flexae_sr")
    if not dimensions:
        raise UserError(
            f"--sweep={name} has no dimensions for --dataset={dataset}: give some, such as "
            f"--vary=latent_dim=8,16 --vary=method={','.join(methods)}"
        )
    axes = {"latent_dim": map(str, dimensions), "method": methods}
    return {(flag,): [(value,) for value in values] for flag, values in axes.items()}, []


def parse_axis(text: str) -> tuple[tuple[str, ...], Sequence[tuple[str, ...]]]:
    """(flags, their values) of "flag=value,value" or "flag/flag=value/value,value/value".

    Flags joined by a slash vary together; an empty value leaves the flag out.

    Raises:
      UserError: it is not of that form.
    """
    joined, equals, listed = text.partition("=")
    names = tuple(joined.split("/"))
    values = [
        tuple(value.split("/")) if len(names) > 1 else (value,) for value in listed.split(",")
    ]
    if not equals or not all(names) or any(len(value) != len(names) for value in values):
        raise UserError(f"--vary={text}: expected flag=value,value or flag/flag=value/value,...")
    if len(set(values)) < len(values):
        raise UserError(f"--vary={text} has a value twice")
    known = parse([])
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"--vary={text}: flexae_tf.train has no flag --{unknown[0]}")
    not_varied = {"run_dir", "training_steps"} & set(names)
    if not_varied:
        raise UserError(f"--{not_varied.pop()} is the sweep's own and cannot be varied")
    return names, values


class Cell(MeasuredRun):
    """One run of a sweep: trained, then measured.

    Args:
      folder: of the sweep.
      varied: {flag: text}, an empty text for a flag that is left out.
      train_flags, evaluate_flags: lists of flags for all cells; "{flag}" in one of the former is
        the value of a flag that is varied, as in --flagfile=configs/{method}/mnist.cfg.

    Raises:
      UserError: a flag has a value that it cannot have.
    """

    def __init__(
        self,
        folder: Path | str,
        varied: Mapping[str, str],
        train_flags: Sequence[str],
        evaluate_flags: Sequence[str],
    ) -> None:
        self.varied = {name: value for name, value in varied.items() if value}
        name = ",".join(f"{k}={v}" for k, v in self.varied.items()).replace("/", "-")
        for flag, value in varied.items():
            train_flags = [text.replace(f"{{{flag}}}", value) for text in train_flags]
        chosen = [f"--{name}={value}" for name, value in self.varied.items()]
        super().__init__(folder, name, [*train_flags, *chosen], "run_dir", evaluate_flags)

    def result(self) -> dict[str, Any] | None:
        """The record of its measures, or None if it is not yet measured as it is."""
        return self._if_current(report.read_json(self.result_file))


def cells(
    folder: Path | str, axes: Axes, train_flags: Sequence[str], evaluate_flags: Sequence[str]
) -> list[Cell]:
    """The cells of a sweep, the last axis varying fastest.

    Args:
      folder: of the sweep.
      axes: {flags: their values}, see `parse_axis`.
      train_flags, evaluate_flags: lists of flags for all cells.

    Raises:
      UserError: a flag is varied twice or has a value that it cannot have.
    """
    names = [name for joined in axes for name in joined]
    if len(set(names)) < len(names):
        raise UserError(f"a flag is varied twice: {', '.join(names)}")
    return [
        Cell(
            folder,
            dict(zip(names, itertools.chain(*combination), strict=True)),
            train_flags,
            evaluate_flags,
        )
        for combination in itertools.product(*axes.values())
    ]


def adopt(folder: Path | str, evaluate_flags: Sequence[str]) -> None:
    """Records how a sweep is measured, so that all of its results compare.

    Raises:
      UserError: the folder's results were measured with other flags.
    """
    path = Path(folder) / "results" / "flags.txt"
    now = " ".join(evaluate_flags)
    before = path.read_text().strip() if path.exists() else now
    if before != now:
        raise UserError(
            f"{path.parent} was measured with --evaluate='{before}', not '{now}': use the same "
            "flags, or remove that folder to measure again"
        )
    files.write_text(path, now + "\n")


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """(what comes before "--" in a command line, what comes after it)."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]
