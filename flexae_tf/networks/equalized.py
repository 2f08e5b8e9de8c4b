"""Layers with equalised learning rates: Karras et al., "Progressive Growing of GANs", Section 4.1.

A kernel is c w, with c = gain / sqrt(fan-in), of weights w ~ N(0, 1) that the optimizer moves, so
that a step of Adam is a part of every kernel's initial size that is the same for all. A multiplier
of the learning rate r has w ~ N(0, 1 / r^2) and r c w, and of the bias b r b, so that steps of both
are r times as large.

The classes are Keras', so functions import this file (`backend.defer`).
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.networks.convolutions import Conv2D
from flexae_tf.networks.layers import Dense, SpectralConv2D, SpectralDense

SLOPE = 0.2  # of leaky ReLUs below 0


class _Equalized(keras.layers.Layer):
    """Mixed into a layer with a kernel and without an activation of its own.

    Args:
      gain: of the activation that follows, sqrt(2) for a leaky ReLU.
      rate_multiplier: r.
    """

    def __init__(
        self, *size: int, gain: float = 2**0.5, rate_multiplier: float = 1.0, **chosen: Any
    ) -> None:
        initial = keras.initializers.RandomNormal(stddev=1 / rate_multiplier)
        super().__init__(*size, kernel_initializer=initial, **chosen)
        self.gain, self.rate_multiplier = gain, rate_multiplier

    def _equalized(self, call, inputs):
        # Inputs and outputs are smaller than the kernel.
        c = self.gain / math.sqrt(math.prod(self.kernel.shape[:-1]))
        outputs = call(c * inputs)
        return outputs if self.rate_multiplier == 1 else self.rate_multiplier * outputs


class EqualizedDense(_Equalized, Dense):
    """A dense layer with an equalised learning rate."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return self._equalized(functools.partial(super().call, training=training), inputs)


class EqualizedConv2D(_Equalized, Conv2D):
    """A convolution with an equalised learning rate."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self._equalized(super().call, inputs)


class PixelNorm(keras.layers.Layer):
    """x / sqrt(mean of x^2 over the last axis + 1e-8); any shape."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = tf.cast(inputs, tf.float32)  # in float16 small squares would be 0
        scale = tf.math.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + 1e-8)
        return tf.cast(x * scale, inputs.dtype)


@dataclasses.dataclass(frozen=True)
class Linear:
    """Makes a network's linear layers: equalised ones, or spectrally normalized ones instead.

    To divide a kernel by its largest singular value leaves nothing of its size to equalise.
    """

    spectral_norm: bool = False

    def dense(self, units: int, **equalized: Any) -> keras.layers.Layer:
        """A dense layer; `equalized` as of `EqualizedDense`."""
        return self._made(SpectralDense, EqualizedDense, equalized)(units)

    def conv(self, filters: int, kernel: int, bias: bool = True, **equalized: Any) -> Callable:
        """A convolution of stride 1; `equalized` as of `EqualizedConv2D`."""
        layer = self._made(SpectralConv2D, EqualizedConv2D, equalized)
        return layer(filters, kernel, padding="same", use_bias=bias)

    def hidden(self, *units: int, **equalized: Any) -> list[keras.layers.Layer]:
        """Dense layers with a leaky ReLU each."""
        made = []
        for number in units:
            made += [self.dense(number, **equalized), keras.layers.LeakyReLU(SLOPE)]
        return made

    def _made(self, spectral, equal, equalized):
        return spectral if self.spectral_norm else functools.partial(equal, **equalized)
