"""Runs that differ in nothing but their seed, as one row: means and spreads."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

SPREAD = "/spread"
# Settings that two seeds of one row of a table may differ in.
OF_A_RUN = ("seed", "data_dir", "cache_dir")


def settings_key(settings: Mapping[str, Any]) -> str:
    """A digest of a run's settings without its seed."""
    kept = {name: value for name, value in settings.items() if name not in OF_A_RUN}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def averaged(
    rows: Iterable[Mapping[str, Any]], keys: Sequence[str], by: str = "settings"
) -> list[dict[str, Any]]:
    """One row for all rows that have the same value under `by`, in the order of the first.

    Args:
      rows: flat dicts; one without `by` stays by itself.
      keys: of numbers that may be missing.
      by: key of what makes rows one.

    Returns:
      Rows in which each number that all of a group have is its mean and, of two or more, the sample
      standard deviation stands under `<key>/spread`, and one that some lack is left out; what else
      they have is that of the first, but "run", which says how many there are.
    """
    groups: dict[Any, list] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row.get(by, number), []).append(row)
    return [_mean(group, keys) if len(group) > 1 else group[0] for group in groups.values()]


def _mean(group, keys):
    found = {name: value for name, value in group[0].items() if name not in keys}
    found["run"] = f"{len(group)} seeds"
    for key in keys:
        values = [row.get(key) for row in group]
        if None not in values:
            found[key] = float(np.mean(values))
            found[key + SPREAD] = float(np.std(values, ddof=1))
    return found
