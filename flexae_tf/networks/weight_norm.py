"""Convolutions whose kernels have a length of their own, and dropout of whole channels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from flexae_tf.networks import layers_of
from flexae_tf.networks.convolutions import Conv2D

_EPSILON = 1e-10  # of a variance


class WeightNormConv2D(Conv2D):
    """A convolution by g V / |V|, the norm of each output channel's kernel, g and V learned.

    Salimans and Kingma, "Weight Normalization". Within `data_dependent_initialization` g and the
    bias become those with which every channel of the output has mean 0 and variance 1.
    """

    initializing = False

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.g = self.add_weight(
            name="g", shape=(self.filters,), initializer="ones", autocast=False
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        direction = tf.math.l2_normalize(tf.cast(self.kernel, tf.float32), [0, 1, 2])
        outputs = self.convolution_op(inputs, tf.cast(direction, inputs.dtype))
        if self.initializing:
            mean, variance = tf.nn.moments(tf.cast(outputs, tf.float32), [0, 1, 2])
            self.g.assign(tf.math.rsqrt(variance + _EPSILON))
            self.bias.assign(-mean * self.g)
        # TensorFlow's rewriting of convolution, bias, sum and ELU to one operation fails in some
        # graphs of residual blocks, with a line of log; a product in between keeps it away.
        scaled = tf.cast(self.g, inputs.dtype) * outputs
        return tf.nn.bias_add(scaled, tf.cast(self.bias, inputs.dtype))


class ChannelDropout(keras.layers.Layer):
    """Dropout of whole channels by numbers that are drawn with the minibatch (see `dropping`).

    Input and output: [B, H, W, C]. Outside of `dropping` the identity.

    Args:
      rate: the share of channels that are dropped, the others are divided by 1 - rate.
    """

    uniform: tf.Tensor | None = None  # [B, C] in [0, 1)

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self.uniform is None:
            return inputs
        scale = tf.cast(self.uniform >= self.rate, inputs.dtype) / (1 - self.rate)  # [B, C]
        return inputs * scale[:, None, None]


def dropout_width(networks: Iterable[keras.Model]) -> int:
    """Channels that all `ChannelDropout` layers of networks have together."""
    return sum(layer.input.shape[-1] for layer in layers_of(networks, ChannelDropout))


@contextlib.contextmanager
def dropping(networks: Iterable[keras.Model], uniform: tf.Tensor) -> Iterator[None]:
    """For as long as it lasts, `ChannelDropout` drops channels.

    Args:
      networks: those whose layers are meant.
      uniform: [B, dropout_width(networks)] in [0, 1).
    """
    layers = layers_of(networks, ChannelDropout)
    parts = tf.split(uniform, [layer.input.shape[-1] for layer in layers], axis=1)
    try:
        for layer, part in zip(layers, parts, strict=True):
            layer.uniform = part
        yield
    finally:
        for layer in layers:
            layer.uniform = None


@contextlib.contextmanager
def data_dependent_initialization(networks: Iterable[keras.Model]) -> Iterator[None]:
    """For as long as it lasts, what goes through the networks sets g and b of their convolutions.

    Each layer sees what those before it make of the batch once they are set.
    """
    layers = layers_of(networks, WeightNormConv2D)
    try:
        for layer in layers:
            layer.initializing = True
        yield
    finally:
        for layer in layers:
            layer.initializing = False
