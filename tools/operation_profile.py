"""What operations an iteration spends its time on, from TensorFlow's profiler."""

import collections
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf


def profile(function: Callable[[], object], folder: Path) -> dict[str, float]:
    """Runs a function under the profiler.

    Args:
      function: without arguments; returns once its operations are done.
      folder: path that the profile is written to, for TensorBoard's profile plugin.

    Returns:
      {kind of operation: seconds}, summed over the threads of all devices, largest first.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # here: it imports TensorFlow

    before = set(folder.glob("**/*.xplane.pb"))
    tf.profiler.experimental.start(str(folder))
    function()
    tf.profiler.experimental.stop()
    (written,) = set(folder.glob("**/*.xplane.pb")) - before
    seconds = collections.Counter()
    for plane in xplane_pb2.XSpace.FromString(written.read_bytes()).planes:
        for line in plane.lines:
            for event in line.events:
                # Operations are called "name:kind", the calls around them "class::method".
                name, colon, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if colon and kind.isidentifier() and not name.endswith(":"):
                    seconds[kind] += event.duration_ps / 1e12
    return dict(seconds.most_common())
