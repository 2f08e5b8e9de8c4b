"""The figure a sweep ends in: one measure against one flag, a line for each combination of others.

As Morrow and Chiu's Figures 3 and 5, whose horizontal axis is not to scale either.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flexae_tf import figures
from flexae_tf.evaluation.seeds import SPREAD
from flexae_tf.experiments.sweep_table import over_seeds

KEY = "generation/fid"


def write(rows: Sequence[Mapping[str, Any]], flag: str, folder: Path | str) -> Path | None:
    """Writes figure.png of what is measured so far. Returns its path, or None for nothing.

    Points are means over seeds, bars the standard deviations.

    Args:
      rows: as `sweep_table.collect` returns them.
      flag: along the horizontal axis. folder: of the sweep.
    """
    points = [p for p in over_seeds(rows, [KEY]) if flag in p and KEY in p]
    if not points:
        return None
    varied = [name for row in rows for name in row["varied"]]
    others = [name for name in dict.fromkeys(varied) if name not in (flag, "seed")]
    places = sorted({p[flag] for p in points}, key=float)
    lines: dict[str, list] = {}
    for point in points:
        label = ", ".join(f"{n} {point[n]}" for n in others if n in point)
        where = places.index(point[flag]), point[KEY], point.get(KEY + SPREAD, 0.0)
        lines.setdefault(label, []).append(where)
    names = {row["record"]["extractor"]["name"] for row in rows if row["record"]}
    y_label = f"{KEY}, features of {' and '.join(sorted(names))}"
    curves = {label: np.array(sorted(line)) for label, line in lines.items()}
    path = Path(folder) / "figure.png"
    figures.save_png(path, figures.curves(curves, places, flag, y_label))
    return path
