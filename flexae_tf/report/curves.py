"""Scalars of a run's TensorBoard files, and charts of them."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf


def read_scalars(folder: Path | str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The scalars in the TensorBoard files of a folder, not of the folders in it.

    Where a resumed run has repeated an iteration, the later file counts. Pictures, of which the
    files mostly consist, are passed over one by one and never in memory together.

    Args:
      folder: path; it need not exist.

    Returns:
      {tag: (iterations int64 [n], values float64 [n])}, both sorted.
    """
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found = {}
    for path in sorted(Path(folder).glob("events.out.tfevents.*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    number = float(tf.make_ndarray(value.tensor))
                    found.setdefault(value.tag, {})[event.step] = number
    return {
        tag: (np.array(sorted(points)), np.array([points[step] for step in sorted(points)]))
        for tag, points in sorted(found.items())
    }


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
