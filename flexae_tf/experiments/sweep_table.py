"""The table a sweep ends in: a row per cell, the papers' values beside ours."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flexae_tf import files
from flexae_tf.evaluation import paper_sweeps, paper_values, report
from flexae_tf.evaluation.seeds import SPREAD, averaged
from flexae_tf.experiments.sweep import Cell
from flexae_tf.report.hparams import Trial

_FIDS = ("reconstruction/fid", "generation/fid")
_SHOWN = (*_FIDS, "reconstruction/squared_error", "codes/active_dimensions")
_NOT_INCEPTION = (
    "The extractor is {}, not Inception: the distances do not compare with the papers'."
)
_LADDER = (
    "The slides do not give the sizes of their generators: their models 1 to 6 are set beside "
    "the ladder of this sweep."
)


def collect(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """What is known of every cell.

    Args:
      cells: list of `sweep.Cell`.

    Returns:
      A list of {"name": text, "varied": {flag: text}, "state": text, "metrics": {key: float},
      "paper": {key: float}, "record": the record or None}.
    """
    return [
        {
            "name": cell.name,
            "varied": cell.varied,
            "state": _state(cell),
            "record": (record := cell.result()),
            "metrics": report.metrics_of(record) if record else {},
            "paper": _paper(cell, record),
        }
        for cell in cells
    ]


def write(rows: Sequence[Mapping[str, Any]], folder: Path | str) -> tuple[list[Path], str]:
    """Writes table.md and table.csv. Returns their paths and the Markdown."""
    text = markdown(rows)
    paths = [Path(folder) / name for name in ("table.md", "table.csv")]
    files.write_text(paths[0], text)
    files.write_text(paths[1], csv_text(rows))
    return paths, text


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The varied flags, the measures of `_SHOWN` and the papers' values, with notes below."""
    flags = _union(row["varied"] for row in rows)
    metrics = _union(row["metrics"] for row in rows)
    shown = [key for key in _SHOWN if key in metrics]
    papers = {key for row in rows for key in row["paper"]}
    heads = list(flags)
    for key in shown:
        heads += [key, "paper"] if key in papers else [key]
    lines = []
    for row in rows:
        line = [row["varied"].get(name, "") for name in flags]
        for key in shown:
            line.append(report.number(row["metrics"].get(key)))
            if key in papers:
                line.append(report.number(row["paper"].get(key)))
        lines.append([*line, row["state"]])
    table = "\n".join(report.markdown_table([*heads, "state"], lines)) + "\n"
    return table + _means(rows, shown) + "".join(f"\n{note}\n" for note in _notes(rows))


def over_seeds(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Measured cells that differ in nothing but their seed as one row.

    Args:
      rows: as `collect` returns them.
      keys: measures.

    Returns:
      A list of {flag: text, key: mean, "<key>/spread": standard deviation of two or more}.
    """
    flat = []
    for row in rows:
        varied = {name: value for name, value in row["varied"].items() if name != "seed"}
        if row["record"]:
            flat.append({**row["metrics"], **varied, "cell": str(varied)})
    return averaged(flat, keys, by="cell")


def trials(rows: Sequence[Mapping[str, Any]]) -> list[Trial]:
    """The measured cells as TensorBoard's HPARAMS has them, from what `collect` returns."""
    return [Trial(row["name"], row["varied"], row["metrics"]) for row in rows if row["record"]]


def _means(rows, shown):
    """A second table where seeds are varied: means and standard deviations over them."""
    if not any("seed" in row["varied"] and row["record"] for row in rows):
        return ""
    flags = [name for name in _union(row["varied"] for row in rows) if name != "seed"]
    lines = [
        [
            *(mean.get(name, "") for name in flags),
            *(report.number(mean.get(key)) + _spread(mean.get(key + SPREAD)) for key in shown),
        ]
        for mean in over_seeds(rows, shown)
    ]
    return "\nOver seeds:\n\n" + "\n".join(report.markdown_table([*flags, *shown], lines)) + "\n"


def _spread(value):
    return "" if value is None else f" ± {value:.2f}"


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Everything: the varied flags, the state, all measures, and the papers' as "paper <key>"."""
    flags = _union(row["varied"] for row in rows)
    metrics = _union(row["metrics"] for row in rows)
    papers = _union(row["paper"] for row in rows)
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([*flags, "state", *metrics, *(f"paper {key}" for key in papers)])
    for row in rows:
        writer.writerow(
            [
                *(row["varied"].get(name, "") for name in flags),
                row["state"],
                *(row["metrics"].get(key, "") for key in metrics),
                *(row["paper"].get(key, "") for key in papers),
            ]
        )
    return output.getvalue()


def _state(cell):
    steps, done = cell.training.values.training_steps, cell.training.iteration
    if not done:
        return "not started"
    if done < steps:
        return f"{done} of {steps} iterations"
    return f"{done} iterations" if cell.result() else f"{done} iterations, not measured"


def _paper(cell, record):
    """{key: float} of the papers' values for a cell, once it is measured."""
    if record is None:
        return {}
    if "generator_layers" not in cell.varied:
        values = paper_values.paper_values(record)
        return {key: values[key] for key in _SHOWN if key in values}
    found = cell.training.directory.read_flags()
    width = found.get("generator_width")
    layers = int(found["generator_layers"])
    pair = paper_sweeps.capacity_values(found["dataset"], layers, width and int(width))
    return dict(zip(_FIDS, pair, strict=True)) if pair else {}


def _notes(rows):
    extractors = [row["record"]["extractor"] for row in rows if row["record"]]
    others = sorted({each["name"] for each in extractors if not each["is_inception"]})
    notes = [_NOT_INCEPTION.format(name) for name in others]
    if any(row["paper"] and "generator_layers" in row["varied"] for row in rows):
        notes.append(_LADDER)
    return notes


def _union(mappings):
    """All keys, in the order in which they first occur."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))
