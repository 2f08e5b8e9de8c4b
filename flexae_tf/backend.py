"""What TensorFlow and Keras read from the environment when they are imported."""

import os
import sys
from collections.abc import Collection
from pathlib import Path

from flexae_tf import quiet

# With one of these TensorFlow turns oneDNN on by itself (`DefaultOneDnnPolicy` of its
# core/util/port.cc), under the names of /proc/cpuinfo.
_ONEDNN_BY_DEFAULT = frozenset(
    ("avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")
)


def prepare(features: Collection[str] | None = None) -> None:
    """Sets what the user has not set: oneDNN on, no chatter, Keras over TensorFlow.

    Warns where TensorFlow is there already, with oneDNN off, on a CPU that would gain from it.

    Args:
      features: of the CPU, as /proc/cpuinfo names them; this machine's by default.
    """
    late = "tensorflow" in sys.modules and "TF_ENABLE_ONEDNN_OPTS" not in os.environ
    if late and gains_from_onednn(cpu_features() if features is None else features):
        from flexae_tf.errors import warn  # here, because it needs absl, and this runs without

        warn(
            "tensorflow was imported before flexae_tf, without oneDNN, which makes training on "
            "this CPU 1.4 times faster: import flexae_tf first, or set TF_ENABLE_ONEDNN_OPTS=1"
        )
    # oneDNN kernels make training on a CPU 1.4 times faster.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", quiet.LOG_LEVEL)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def gains_from_onednn(features: Collection[str]) -> bool:
    """Whether a CPU has what oneDNN is fast with, and TensorFlow leaves it off by default."""
    return "avx2" in features and _ONEDNN_BY_DEFAULT.isdisjoint(features)


def cpu_features() -> set[str]:
    """Features of this machine's CPU; none where /proc does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return {name for line in lines if line.startswith("flags") for name in line.split()}
