"""Tables 1 and 2 of Ghosh et al. (RAE) for a list of runs: one row for each, the paper's beside it.

A row is a flat dict, and its keys are the columns of the CSV file:

    model, run, dataset, checkpoint     which run
    trained_steps                       how long it had been trained
    squared_error                       of reconstructions, see `suite`
    rec, interp                         FID of reconstructions and of decoded midpoints
    <density>                           FID of samples
    <density>/precision, /recall        their PRD, F_1/8 and F_8
    <any of these>/paper                the paper's value, where the run has its settings
    n/density                           which density column n is
    seed, settings                      the run's seed, and a digest of all its other settings
    protocol, extractor, count          how it was measured

Column n is what the paper prints under N: samples of the model's own prior where it has one, and
otherwise, as for a CV-VAE, of a Gaussian fitted to its codes. In the Markdown, runs that differ in
nothing but their seed are one row, mean and standard deviation.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flexae_tf import densities, files
from flexae_tf.evaluation import seeds
from flexae_tf.evaluation.paper_values import paper_values
from flexae_tf.evaluation.protocol import Protocol
from flexae_tf.evaluation.report import PREFIX, markdown_table, number
from flexae_tf.evaluation.run_evaluation import RunEvaluation, choose_iterations

N = "n"
_FITTED_N = ("cv_vae",)
_TITLES = {N: "N", "gmm": "GMM"}
_OF_THE_AUTOENCODER = {
    "squared_error": "reconstruction/squared_error",
    "rec": "reconstruction/fid",
    "interp": "interpolation/fid",
}
_MEASURES = {
    "": "generation/fid",
    "/precision": "generation/prd_f1_8",
    "/recall": "generation/prd_f8",
}


def row(
    evaluation: RunEvaluation,
    run_dir: Path | str,
    protocol: Protocol,
    columns: Sequence[str],
    choice: str | None = None,
) -> dict[str, Any]:
    """The row of a run. What has a report is not measured again.

    Args:
      evaluation: `run_evaluation.RunEvaluation` of the run.
      run_dir: its directory.
      protocol: `protocol.Protocol`.
      columns: names of densities, and N. What a model does not have is left empty beside others:
        "own" without a prior, all but "own" where codes are no vectors.
      choice: which checkpoint, as in `choose_iterations`.

    Raises:
      UserError: as `RunEvaluation.measure`.
    """
    iterations = choose_iterations(run_dir, protocol, choice)
    run = evaluation.open(iterations[-1])
    method, has_prior = run.settings["method"], run.model.density is not None
    n = densities.OWN if has_prior and method not in _FITTED_N else "gaussian"
    chosen = {column: n if column == N else column for column in columns}
    records = {}
    for column, density in chosen.items():
        lacking = not has_prior if density == densities.OWN else run.model.codebook_size
        if lacking and len(chosen) > 1:
            continue
        if protocol.first_step is None:
            records[column] = evaluation.measure(iterations[-1], density, again=False)
        else:
            records[column] = evaluation.measure_best(iterations, density)
    of_run = {"seed": run.settings["seed"], "settings": seeds.settings_key(run.settings)}
    return _row_of(run_dir, records) | of_run | ({"n/density": n} if N in chosen else {})


def markdown(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The two tables as Markdown: ours, and in parentheses the paper's."""
    notes = _notes(rows, columns)
    numbers = ["squared_error", "rec", *columns, "interp"]
    pairs = [f"{column}/{which}" for column in columns for which in ("precision", "recall")]
    rows = seeds.averaged(rows, [*numbers, *pairs])
    titles = [_TITLES.get(column, column.replace("_", " ")) for column in columns]
    lines = markdown_table(
        ["data", "model", "run", "error", "REC", *titles, "Interp."],
        [[*_which(row), *(_cell(row, key) for key in numbers)] for row in rows],
    )
    lines += ["", "Precision / recall (PRD, F_1/8 / F_8):", ""]
    lines += markdown_table(
        ["data", "model", "run", *titles],
        [[*_which(row), *(_pair(row, column) for column in columns)] for row in rows],
    )
    return "\n".join([*lines, *notes]) + "\n"


def _notes(rows, columns):
    notes = ["", "error: mean over images of |x - x_hat|^2. Others in the first table: FID."]
    if N in columns:
        notes.append("N: " + "; ".join(f"{r['run']}: {r['n/density']}" for r in rows) + ".")
    for how in sorted({(r["protocol"], r["extractor"], r["count"]) for r in rows}):
        notes.append("Protocol {}, extractor {}, {:,} images.".format(*how))
    if not all(row["is_inception"] for row in rows):
        notes.append("Not with Inception: our numbers do not compare with the paper's.")
    return notes


def write(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], folder: Path | str) -> None:
    """Writes tables.md, tables.csv and tables.json to a folder.

    Raises:
      UserError: it cannot be written.
    """
    text = io.StringIO()
    names = dict.fromkeys(key for row in rows for key in row)
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    folder = Path(folder)
    files.write_text(folder / "tables.md", markdown(rows, columns))
    files.write_text(folder / "tables.csv", text.getvalue())
    files.write_text(folder / "tables.json", json.dumps(rows, indent=2) + "\n")


def _row_of(run_dir, records):
    """The row of {column: record}."""
    first = next(iter(records.values()))
    places = {column: (first, key) for column, key in _OF_THE_AUTOENCODER.items()}
    for column, record in records.items():
        places |= {f"{column}{ending}": (record, key) for ending, key in _MEASURES.items()}
    row = {
        "model": first["model"],
        "run": Path(run_dir).resolve().name,
        "dataset": first["dataset"],
        "checkpoint": first["checkpoint"],
        "trained_steps": first.get("trained_steps"),
    }
    for column, (record, key) in places.items():
        row[column] = record.get(f"{PREFIX}{key}")
        if (paper := paper_values(record, "RAE").get(key)) is not None:
            row[f"{column}/paper"] = paper
    return row | {
        "protocol": first["protocol"]["name"],
        "extractor": first["extractor"]["name"],
        "is_inception": first["extractor"]["is_inception"],
        "count": first["counts"]["real"],
    }


def _which(row):
    return [row["dataset"], row["model"], row["run"]]


def _cell(row, key):
    ours, spread = number(row.get(key)), number(row.get(f"{key}{seeds.SPREAD}"))
    return _beside(f"{ours} ± {spread}" if spread else ours, number(row.get(f"{key}/paper")))


def _pair(row, column):
    keys = [f"{column}/precision", f"{column}/recall"]
    ours, paper = ([number(row.get(f"{key}{ending}")) for key in keys] for ending in ("", "/paper"))
    return _beside(*(" / ".join(pair) if all(pair) else "" for pair in (ours, paper)))


def _beside(ours, paper):
    return f"{ours or '-'} ({paper})" if paper else ours or "-"
