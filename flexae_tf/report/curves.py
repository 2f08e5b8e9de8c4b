"""Charts of what a run has recorded."""

import io
from collections.abc import Mapping

import numpy as np


def chart(lines: Mapping[str, tuple[np.ndarray, np.ndarray]], logarithmic: bool = False) -> bytes:
    """A line chart over the iterations, sized to be read on a phone.

    Args:
      lines: {label: (iterations [n], values [n])}; a single one needs no legend.
      logarithmic: whether the vertical axis is, where all values are above 0.

    Returns:
      Bytes of a PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 2.9), dpi=150)
    plot = figure.subplots()
    for label, (iterations, values) in lines.items():
        # A single point has no line to be seen.
        plot.plot(iterations, values, lw=1, marker="." if len(values) < 20 else None, label=label)
    if logarithmic and all((values > 0).all() for _, values in lines.values()):
        plot.set_yscale("log")
    plot.set_xlabel("iteration")
    plot.grid(alpha=0.3)
    plot.xaxis.get_major_locator().set_params(integer=True, nbins=6)
    if len(lines) > 1:
        plot.legend(fontsize=7)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
