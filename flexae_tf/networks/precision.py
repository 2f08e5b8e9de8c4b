"""What networks compute in: Keras' dtype policies, with float32 variables and float32 outputs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
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
        _keep_in_float32(output)


def _keep_in_float32(output):
    """The same for a tensor: the layers that it is the output of, back to those with weights."""
    layer = output._keras_history.operation
    _compute_in_float32(layer)
    if not layer.weights and not isinstance(layer, keras.layers.InputLayer):
        for tensor in tf.nest.flatten(layer.input):
            _keep_in_float32(tensor)


def _compute_in_float32(layer):
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


def summed_in_float32(operation: Callable, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """operation(x, kernel) of 16-bit numbers, by float32's kernels if a processor needs them.

    A product of two 16-bit numbers is exact in float32, in which accelerators sum such products,
    too; the sum is rounded once. Gradients are computed alike. TensorFlow's own kernels take up to
    20 times as long as float32's.

    Args:
      operation: a product or a convolution.
      x: what it is applied to; kernel: its weights, as the layer's policy casts them.
    """
    kernel = tf.convert_to_tensor(kernel)
    if not sums_in_float32(x):
        return operation(x, kernel)
    return tf.cast(operation(tf.cast(x, tf.float32), tf.cast(kernel, tf.float32)), x.dtype)


def sums_in_float32(x: tf.Tensor) -> bool:
    """Whether `summed_in_float32` takes float32's kernels for this."""
    return x.dtype in (tf.bfloat16, tf.float16) and is_emulated(x.dtype.name)


def warn_if_emulated(precision: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Warns of a precision for which the processor has no instructions, where that can be known."""
    dtype = precision.removeprefix("mixed_")
    if dtype in _INSTRUCTIONS and is_emulated(dtype, cpuinfo):
        warn(
            f"this processor has no instructions for --precision={precision}: "
            "training works and is no faster than in float32"
        )
