"""Reports: one flat record of measures and protocol, as JSON, in TensorBoard and as a table.

A record is a dict of JSON values. Its measures are under `metrics/<key of suite>`, the very tags
that TensorBoard shows; everything else in it says how they were obtained. TensorBoard keeps
float32, so a measure is rounded to the shortest decimal of its float32 from the start, and all
three agree to the last digit.
"""

import json
import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from flexae_tf import files

PREFIX = "metrics/"
NOT_INCEPTION = "The extractor is not Inception: only pms compares with the paper"


def record(metrics: Mapping[str, float], description: dict[str, Any]) -> dict[str, Any]:
    """A record of measures {key: float} and `Protocol.description`."""
    rounded = {f"{PREFIX}{key}": float(str(np.float32(v))) for key, v in metrics.items()}
    return rounded | description


def metrics_of(record: Mapping[str, Any]) -> dict[str, float]:
    """{key: float} of a record's measures."""
    return {k.removeprefix(PREFIX): v for k, v in record.items() if k.startswith(PREFIX)}


def write_json(record: Mapping[str, Any], path: Path) -> None:
    """Writes a record atomically. Raises UserError if that is not possible."""
    files.write_text(path, json.dumps(record, indent=2) + "\n")


def read_json(path: Path | str) -> dict[str, Any] | None:
    """The record in a file, or None where there is none that can be read."""
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_summaries(record: Mapping[str, Any], folder: Path | str, step: int) -> None:
    """Adds the measures to the TensorBoard files in `folder`, tagged as in the record."""
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step=step):
        for key, value in metrics_of(record).items():
            tf.summary.scalar(f"{PREFIX}{key}", value)
    writer.close()


def best_of(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One record with the reconstructions of one checkpoint and the rest of another.

    The reconstruction's measures are those of the checkpoint with the least reconstruction/fid,
    all others those of the checkpoint with the least generation/fid. `checkpoint` becomes
    {"reconstruction": iteration, "generation": iteration, "candidates": [iteration, ...]}.

    Args:
      records: records of several checkpoints, otherwise alike.
    """
    best = {
        kind: min(records, key=operator.itemgetter(f"{PREFIX}{kind}/fid"))
        for kind in ("reconstruction", "generation")
    }
    of_reconstruction = {
        key: value
        for key, value in best["reconstruction"].items()
        if key.startswith(f"{PREFIX}reconstruction/")
    }
    chosen = {kind: record["checkpoint"] for kind, record in best.items()}
    candidates = sorted(record["checkpoint"] for record in records)
    return (
        best["generation"] | of_reconstruction | {"checkpoint": chosen | {"candidates": candidates}}
    )


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table of texts."""
    return [f"| {' | '.join(cells)} |" for cells in (titles, ["---"] * len(titles), *rows)]


def number(value: float | None) -> str:
    """A measure as the cell of a table, empty for None."""
    return "" if value is None else f"{value:.2f}"


def table(record: Mapping[str, Any], paper: Mapping[str, float], rows: Iterable[str] = ()) -> str:
    """A record as text: how it was measured, then the measures with the paper's beside ours.

    Args:
      record: a record; its measures are printed as JSON prints them.
      paper: {key: float}, see `paper_values.paper_values`.
      rows: titles of the rows of tables that those values are of.
    """
    extractor = record["extractor"]
    counts = ", ".join(f"{count:,} {name}" for name, count in record["counts"].items())
    metrics = metrics_of(record)
    width = max(map(len, metrics), default=0)
    lines = [
        _what(record),
        f"protocol {record['protocol']['name']}; extractor {extractor['name']}; {counts}",
        f"{'':{width}}  {'ours':>14}  {'paper':>8}",
    ]
    for key, value in metrics.items():
        published = f"{paper[key]:8.2f}" if key in paper else f"{'-':>8}"
        lines.append(f"{key:{width}}  {value!r:>14}  {published}")
    lines += [f"paper: {row}" for row in rows]
    if paper and not extractor["is_inception"]:
        lines.append(f"{NOT_INCEPTION}.")
    return "\n".join(lines)


def _what(record):
    if "generated" in record:
        return f"{record['generated']} against {record['split']}"
    checkpoint = record["checkpoint"]
    if isinstance(checkpoint, dict):
        checkpoint = (
            f"{checkpoint['reconstruction']} (reconstruction) and {checkpoint['generation']} "
            f"(generation), best of {len(checkpoint['candidates'])}"
        )
    what = f"{record['dataset']}, {record['method']} ({record['variant']}), checkpoint {checkpoint}"
    density = record.get("density", "own")
    return what if density == "own" else f"{what}, sampled from {density}"
