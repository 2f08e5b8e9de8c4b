"""Measures of runs: the reports of a checkpoint, and a table of several runs to be sorted."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from flexae_tf import runs
from flexae_tf.evaluation import report, seeds
from flexae_tf.evaluation.paper_values import paper_values
from flexae_tf.report.comparison import ComparedRun, Group
from flexae_tf.report.overlay import color

_PAPER = "/paper"
_NAMED = ("protocol", "extractor")  # what of a measurement has a name


def reports(directory: runs.RunDirectory, iteration: int | None) -> tuple[dict[str, Any], int]:
    """The reports of a checkpoint, and those that are the best of several.

    Returns:
      ({name of the file: record}, how many more there are, of other checkpoints).
    """
    paths = sorted(directory.metrics.glob("*.json"))
    shown = [
        p for p in paths if not p.name[0].isdecimal() or p.name.split(".")[0] == str(iteration)
    ]
    records = {path.name: report.read_json(path) for path in shown}
    return {name: record for name, record in records.items() if record}, len(paths) - len(shown)


def command(directory: runs.RunDirectory) -> str:
    """The command line that measures a run."""
    return f"python -m tools.evaluate --run_dir={directory.path}"


def how(record: Mapping[str, Any]) -> str:
    """How a record was measured, in a line: protocol, extractor, counts."""
    protocol, extractor = (record.get(name, {}).get("name", "?") for name in _NAMED)
    counts = ", ".join(f"{count:,} {name}" for name, count in record.get("counts", {}).items())
    return f"protocol {protocol}, extractor {extractor}; {counts}"


def table(groups: Sequence[Group]) -> str:
    """A table of all reports of some runs, or nothing where there is none.

    A row is a group's samples of one density, mean and standard deviation, with rows of its seeds
    below it to be unfolded; seeds that were measured in different ways are not one row. A cell's
    number is in its attribute data-value, by which a script may sort; papers' values are in the
    cells.

    Returns:
      HTML.
    """
    rows = [
        _row(number, group, run, record)
        for number, group in enumerate(groups)
        for run in group.runs
        for record in reports(run.directory, run.iteration)[0].values()
    ]
    return _table(rows) if rows else ""


def unmeasured(groups: Sequence[Group]) -> list[ComparedRun]:
    """The runs that have no report of the checkpoint that is compared."""
    every = [run for group in groups for run in group.runs]
    return [run for run in every if not reports(run.directory, run.iteration)[0]]


def _row(number, group, run, record):
    """A flat row of a report, as `seeds.averaged` takes it."""
    measured = [record.get(name) for name in ("protocol", "extractor", "counts")]
    samples = record.get("density", "own")
    if isinstance(checkpoint := record.get("checkpoint"), dict):
        samples += f", best of {len(checkpoint['candidates'])} checkpoints"
    return {
        "number": number,
        "label": group.label,
        "run": run.name,
        "samples": samples,
        "how": how(record),
        "is_inception": record.get("extractor", {}).get("is_inception"),
        "group": json.dumps([number, samples, measured], sort_keys=True),
        "metrics": list(report.metrics_of(record)),
        **report.metrics_of(record),
        **{f"{key}{_PAPER}": value for key, value in paper_values(record).items()},
    }


def _table(rows):
    keys = list(dict.fromkeys(key for row in rows for key in row["metrics"]))
    bodies = []
    for mean in seeds.averaged(rows, keys, by="group"):
        alike = [row for row in rows if row["group"] == mean["group"]]
        bodies.append(_body(mean, alike, keys))
    heads = "".join(
        f'<th scope="col"{kind}><button type="button">{escape(title)}</button></th>'
        for title, kind in [
            ("model", ""),
            ("samples", ""),
            *((key, ' class="number"') for key in keys),
        ]
    )
    table = f'<table class="sortable">\n<thead><tr>{heads}</tr></thead>\n{"".join(bodies)}</table>'
    return f"{_notes(rows)}\n" + f'<div class="scroll">{table}</div>'


def _body(mean, alike, keys):
    """A group's row, and those of its seeds: a <tbody>, because they are sorted together."""
    fold = len(alike) > 1
    name = escape(mean["label"])
    title = f'<span class="swatch" style="background:{color(mean["number"])}"></span> {name}'
    if fold:
        title += f' <button type="button" aria-expanded="true">{escape(mean["run"])}</button>'
    else:
        title += f" <small>{escape(mean['run'])}</small>"
    lines = [_line(title, mean["label"], mean, keys)]
    if fold:
        lines += [_line(escape(row["run"]), row["run"], row, keys, "seed") for row in alike]
    return f"<tbody>\n{''.join(lines)}</tbody>\n"


def _line(title, name, row, keys, kind="group"):
    head = f'<th scope="row" data-value="{escape(name)}">{title}</th>'
    samples = escape(row["samples"])
    cells = [f'<td data-value="{samples}">{samples}</td>', *(_cell(row, key) for key in keys)]
    return f'<tr class="{kind}">{head}{"".join(cells)}</tr>\n'


def _cell(row, key):
    if (value := row.get(key)) is None:
        return '<td class="number">-</td>'
    text = f"{value:.4g}"
    if (spread := row.get(f"{key}{seeds.SPREAD}")) is not None:
        text += f" ± {spread:.2g}"
    if (paper := row.get(f"{key}{_PAPER}")) is not None:
        text += f"<br><small>paper {paper:g}</small>"
    return f'<td class="number" data-value="{value!r}">{text}</td>'


def _notes(rows):
    """How the runs were measured, and what of it does not compare."""
    ways: dict[str, list[str]] = {}
    for row in rows:
        ways.setdefault(row["how"], []).append(row["run"])
    notes = [f"Not measured alike: {way} ({', '.join(names)})." for way, names in ways.items()]
    if len(ways) == 1:
        notes = [f"{way[0].upper()}{way[1:]}." for way in ways]
    has_paper = any(key.endswith(_PAPER) for row in rows for key in row)
    if has_paper and not all(row["is_inception"] for row in rows):
        notes.append(f"{report.NOT_INCEPTION}.")
    return "".join(f"<p>{escape(note)}</p>" for note in notes)
