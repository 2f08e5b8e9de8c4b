"""What the papers' networks are built from: a linear layer, batch normalization, an activation."""

import dataclasses
from collections.abc import Callable

from keras import layers
from keras.initializers import RandomNormal, TruncatedNormal

from flexae_tf.errors import UserError
from flexae_tf.networks.layers import BatchNormalization, linear_layers


@dataclasses.dataclass(frozen=True)
class Blocks:
    """The lists of layers that a network is made of, in one paper's conventions.

    Attributes:
      spectral_norm: whether every kernel is divided by its largest singular value.
      stddev: of the kernels' initial N(0, stddev), truncated at two for convolutions; None for
        Glorot's uniform distribution.
      convolution_initializer: Keras' name of what convolutions have instead of Glorot's.
      epsilon: of batch normalization.
      activation: function without arguments that makes the activation's layer.
    """

    spectral_norm: bool = False
    stddev: float | None = None
    convolution_initializer: str = "glorot_uniform"
    epsilon: float = 1e-3
    activation: Callable = layers.ReLU

    def dense(self, units: int, normalized: bool = True) -> list[layers.Layer]:
        """FC, BN, activation."""
        return [self.linear(units), *self.activated(normalized)]

    def conv(
        self, filters: int, kernel: int, stride: int, normalized: bool = True
    ) -> list[layers.Layer]:
        """Conv, BN, activation."""
        return [self.convolution(filters, kernel, stride), *self.activated(normalized)]

    def transposed(self, filters: int, kernel: int, stride: int = 2) -> list[layers.Layer]:
        """TConv, BN, activation."""
        return [self.transposed_convolution(filters, kernel, stride), *self.activated()]

    def activated(self, normalized: bool = True) -> list[layers.Layer]:
        """BN, activation."""
        norm = [BatchNormalization(epsilon=self.epsilon)] if normalized else []
        return [*norm, self.activation()]

    def linear(self, units: int) -> layers.Layer:
        """One dense layer."""
        dense, _, _ = linear_layers(self.spectral_norm)
        return dense(units, kernel_initializer=self._initializer(RandomNormal, "glorot_uniform"))

    def convolution(
        self, filters: int, kernel: int, stride: int = 1, activation: str | None = None
    ) -> layers.Layer:
        """One convolution."""
        _, conv, _ = linear_layers(self.spectral_norm)
        initializer = self._initializer(TruncatedNormal, self.convolution_initializer)
        return self._padded(conv, initializer, filters, kernel, stride, activation)

    def transposed_convolution(
        self, filters: int, kernel: int, stride: int = 2, activation: str | None = None
    ) -> layers.Layer:
        """One transposed convolution."""
        _, _, transposed = linear_layers(self.spectral_norm)
        initializer = self._initializer(RandomNormal, "glorot_uniform")
        return self._padded(transposed, initializer, filters, kernel, stride, activation)

    def _padded(self, layer, initializer, filters, kernel, stride, activation):
        return layer(
            filters,
            kernel,
            stride,
            padding="same",
            activation=activation,
            kernel_initializer=initializer,
        )

    def _initializer(self, distribution, otherwise):
        return otherwise if self.stddev is None else distribution(stddev=self.stddev)


def scaled(units: int, width_multiplier: float) -> int:
    """Units or filters of a hidden layer that a paper gives so many: at least one."""
    return max(1, round(units * width_multiplier))


def check_shape(shape: tuple[int, ...]) -> None:
    """Raises a UserError unless the networks can be built for data of this shape.

    Args:
      shape: (H, W, C) or (D,).
    """
    if len(shape) == 3 and (shape[0] % 4 or shape[1] % 4 or min(shape[:2]) < 8):
        raise UserError(
            "the networks halve an image twice and double it twice, so its height and width must "
            f"be multiples of 4 and at least 8; received {shape[0]} x {shape[1]}: choose another "
            "--image_size (data sets with a size of their own must be prepared again)"
        )


def doublings(shape: tuple[int, ...], most: int, smallest: int = 1) -> int:
    """How often a decoder doubles its first feature map to come to an image.

    Args:
      shape: (H, W, C). most: no more than so often.
      smallest: no side of the first feature map is below it.

    Returns:
      The largest such count for which the first feature map has whole sides.
    """
    count = 0
    while count < most:
        height, width = (side / 2 ** (count + 1) for side in shape[:2])
        if height % 1 or width % 1 or min(height, width) < smallest:
            break
        count += 1
    return count
