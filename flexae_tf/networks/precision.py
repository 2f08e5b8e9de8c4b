"""What networks compute in: Keras' dtype policies, with float32 variables and float32 outputs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import tensorflow as tf

from flexae_tf.errors import warn

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

# Words of which Linux's /proc/cpuinfo has one where a processor computes in a precision itself.
_INSTRUCTIONS = {
    "bfloat16": {"avx512_bf16", "amx_bf16"},
    "float16": {"avx512_fp16", "amx_fp16"},
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


@functools.cache
def is_emulated(dtype: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether bfloat16 or float16 has no instructions on this processor, as far as is known."""
    if tf.config.list_physical_devices("GPU") or not cpuinfo.is_file():
        return False
    words = set(cpuinfo.read_text().split())
    # Other processors than those of x86 have other words.
    return "fpu" in words and not words & _INSTRUCTIONS[dtype]


def warn_if_emulated(precision: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Warns of a precision for which the processor has no instructions, where that can be known."""
    dtype = precision.removeprefix("mixed_")
    if dtype in _INSTRUCTIONS and is_emulated(dtype, cpuinfo):
        warn(
            f"this processor has no instructions for --precision={precision}: "
            "training works and is no faster than in float32"
        )
