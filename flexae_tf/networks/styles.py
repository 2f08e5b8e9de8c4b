"""What style-based networks consist of beside convolutions: Karras et al., StyleGAN; Pidhorskyi
et al., ALAE, whose encoder reads styles off where the generator puts them in.

The classes are Keras', so functions import this file (`backend.defer`).
"""

import keras
import numpy as np
import tensorflow as tf

SYNTHESIS = "synthesis"


def synthesis_of(decoder: keras.Model) -> keras.Model | None:
    """The part of a decoder from a style per layer and noise, or None if it has no such part.

    Args:
      decoder: w [B, m] -> x_hat.

    Returns:
      ([B, L, m], [B, T]) -> x_hat: the styles of its L layers, and N(0, I) for all its noise maps.
    """
    found = [layer for layer in decoder.layers if layer.name == SYNTHESIS]
    return found[0] if found else None


def moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance of every channel of every image, [B, 1, 1, C]. x: [B, H, W, C]."""
    return tf.nn.moments(x, [1, 2], keepdims=True)


class InstanceNorm(keras.layers.Layer):
    """Every channel of every image less its mean, by its standard deviation; [B, H, W, C].

    Args:
      epsilon: added to the variance.
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        mean, variance = moments(tf.cast(inputs, tf.float32))
        normalized = (tf.cast(inputs, tf.float32) - mean) * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(normalized, inputs.dtype)


class Style(keras.layers.Layer):
    """The mean and standard deviation of every channel, [B, H, W, C] -> [B, 2C].

    1e-8 is added to the variance, without which a constant channel has no gradient.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        mean, variance = moments(tf.cast(inputs, tf.float32))
        both = tf.concat([mean, tf.sqrt(variance + 1e-8)], -1)  # [B, 1, 1, 2C]
        return tf.cast(tf.reshape(both, [-1, both.shape[-1]]), inputs.dtype)


class Modulate(keras.layers.Layer):
    """(1 + s) x + t, the second half of AdaIN: x [B, H, W, C], (s, t) [B, 2C]."""

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        x, style = inputs
        scale, shift = tf.split(style[:, None, None, :], 2, axis=-1)  # [B, 1, 1, C] each
        return (1 + scale) * x + shift


class NoiseAndBias(keras.layers.Layer):
    """x + a n + b with a weight a and a bias b per channel, both 0 at first.

    Input: x [B, H, W, C] and a map of noise n [B, H, W, 1].
    """

    def build(self, input_shape: list) -> None:
        channels = input_shape[0][-1:]
        self.weight = self.add_weight(name="weight", shape=channels, initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=channels, initializer="zeros")

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        x, noise = inputs
        return x + tf.convert_to_tensor(self.weight) * noise + tf.convert_to_tensor(self.bias)


class Blur(keras.layers.Layer):
    """A filter of 3 x 3, binomial weights in both directions; [B, H, W, C], zeros around."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        line = np.array([1, 2, 1]) / 4
        kernel = np.tile(np.outer(line, line)[:, :, None, None], [1, 1, inputs.shape[-1], 1])
        kernel = tf.constant(kernel, inputs.dtype)
        return tf.nn.depthwise_conv2d(inputs, kernel, [1, 1, 1, 1], "SAME")


class Constant(keras.layers.Layer):
    """A learned [h, w, C], ones at first, for every row of the input.

    Args:
      size: (h, w, C).
    """

    def __init__(self, size: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = size

    def build(self, input_shape: tuple) -> None:
        self.map = self.add_weight(name="map", shape=self.size, initializer="ones")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.tile(tf.convert_to_tensor(self.map)[None], [tf.shape(inputs)[0], 1, 1, 1])


class FixedNoise(keras.layers.Layer):
    """The same N(0, I) [T] for every row of the input, in every process.

    Args:
      count: T.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        noise = np.random.default_rng(0).standard_normal(self.count)
        return tf.tile(tf.constant(noise, inputs.dtype)[None], [tf.shape(inputs)[0], 1])
