"""What networks compute in: Keras' dtype policies, with float32 variables and float32 outputs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras

from flexae_tf.errors import warn

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

# Words of which Linux's /proc/cpuinfo has one where a processor computes in a precision itself.
_INSTRUCTIONS = {
    "mixed_bfloat16": {"avx512_bf16", "amx_bf16"},
    "mixed_float16": {"avx512_fp16", "amx_fp16"},
}


@contextlib.contextmanager
def networks_in(precision: str) -> Iterator[None]:
    """Keras layers that are made while it lasts compute in one of PRECISIONS; later ones do not."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def keep_output_in_float32(network: keras.Model) -> None:
    """Has the last layer of a Sequential or functional model compute in float32.

    So losses and their gradients by the output are float32. A layer with weights in it, not a cast
    behind it: the network has the same objects, and hence checkpoints, in every precision.
    """
    for output in getattr(network, "outputs", None) or ():
        layer = output._keras_history.operation
        if layer.compute_dtype in ("float16", "bfloat16"):
            layer.dtype_policy = "float32"


def any_in_float16(networks: Iterable[keras.Model]) -> bool:
    """Whether a layer of the networks computes in float16, whose range gradients leave."""
    layers = (layer for network in networks for layer in network._flatten_layers())
    return any(layer.compute_dtype == "float16" for layer in layers)


def warn_if_emulated(precision: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Warns of a precision for which the processor has no instructions, where that can be known."""
    if precision not in _INSTRUCTIONS or not cpuinfo.is_file():
        return
    words = set(cpuinfo.read_text().split())
    # Other processors than those of x86 have other words.
    if "fpu" in words and not words & _INSTRUCTIONS[precision]:
        warn(
            f"this processor has no instructions for --precision={precision}: "
            "training works and is slower than in float32"
        )
