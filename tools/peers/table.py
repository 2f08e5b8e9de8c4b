"""The comparison that tools/benchmark_peers.py makes of what its two sides printed."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from flexae_tf.errors import UserError

HEADER = (
    "| method | seconds | spread | pythae | spread | ratio | peak GiB | pythae |",
    "|---|---|---|---|---|---|---|---|",
)


def compare_parameters(method: str, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises a UserError unless both sides have as many parameters in every network.

    Args:
      found: {side: what it printed}.
    """
    ours, theirs = (side["parameters"] for side in found.values())
    if ours != theirs:
        raise UserError(f"{method} is not the same model on both sides: {ours} against {theirs}")


def row(method: str, turns: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Medians of the turns' medians, the turns' extremes, and the highest peak of memory.

    Args:
      turns: {"flexae_tf" and "pythae": [{"seconds", "peak_gib"} of a turn]}.
    """
    medians, spreads, peaks = [], [], []
    for side in turns.values():
        seconds = [turn["seconds"] for turn in side]
        medians.append(statistics.median(seconds))
        spreads.append(f"{min(seconds):.3f} to {max(seconds):.3f}")
        peaks.append(max(turn["peak_gib"] for turn in side))
    cells = [method, f"{medians[0]:.3f}", spreads[0], f"{medians[1]:.3f}", spreads[1]]
    cells += [f"{medians[0] / medians[1]:.2f}", *(f"{peak:.2f}" for peak in peaks)]
    return f"| {' | '.join(cells)} |"
