"""The numbers in a run's TensorBoard files: vectors written, and all of them read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

_VECTORS = "vectors"  # a plugin of no name that TensorBoard knows: it shows the histograms


def write_vector(tag: str, vector: np.ndarray) -> None:
    """Adds a vector [m] to the default writer: as it is, and as a histogram for TensorBoard."""
    tf.summary.histogram(tag, vector)
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = _VECTORS
    tf.summary.write(f"{_VECTORS}/{tag}", tf.constant(vector, tf.float32), metadata=metadata)


def read_scalars(folder: Path | str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The scalars in the TensorBoard files of a folder, not of the folders in it.

    Where a resumed run has repeated an iteration, the later file counts. Pictures, of which the
    files mostly consist, are passed over one by one and never in memory together.

    Args:
      folder: path; it need not exist.

    Returns:
      {tag: (iterations int64 [n], values float64 [n])}, both sorted.
    """
    return {tag: (n, np.float64(values)) for tag, (n, values) in _read(folder, "scalars").items()}


def read_vectors(folder: Path | str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The same of vectors: {tag: (iterations int64 [n], values float32 [n, m])}."""
    found = _read(folder, _VECTORS)
    return {tag.removeprefix(f"{_VECTORS}/"): points for tag, points in found.items()}


def _read(folder, plugin):
    found: dict[str, dict] = {}
    for step, tag, value in _events(folder, plugin):
        found.setdefault(tag, {})[step] = value
    return {
        tag: (np.array(sorted(points)), np.array([points[step] for step in sorted(points)]))
        for tag, points in sorted(found.items())
    }


def _events(folder, plugin):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    for path in sorted(Path(folder).glob("events.out.tfevents.*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == plugin:
                    yield event.step, value.tag, tf.make_ndarray(value.tensor)
