"""The ResNet of the two-stage VAE paper (Dai and Wipf).

The `variant` "paper": 32 channels at full size, a flattened feature map before the dense block, and
three scales (four from 64 x 64 on). "released", the program: 16 channels (32 from 64 x 64 on, as in
its recipe for CelebA), averages over all places, four scales. The decoder begins with a feature map
of about 2 x 2: 2 x 2 for powers of 2, 7 x 7 for 28, which the program cannot do.
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import Blocks, check_shape, doublings, scaled
from flexae_tf.networks.dcgan import is_large

_KERNEL = 3
_DEPTH = 2  # layers on the main path of a residual block
_DENSE = 512
_MOST_CHANNELS = 1024


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, H, W, C] -> [B, outputs]."""
    check_shape(shape)
    blocks = _blocks(spectral_norm)
    channels = _channels(shape, variant, width_multiplier)
    x = keras.Input(shape)
    y = blocks.convolution(channels, _KERNEL)(x)
    for scale in range({"paper": 4 if is_large(shape) else 3, "released": 4}[variant]):
        if scale:
            channels *= 2
            y = blocks.convolution(channels, _KERNEL, 2)(y)
        y = _residual(blocks, y, channels)
    y = {"paper": layers.Flatten, "released": layers.GlobalAveragePooling2D}[variant]()(y)
    y = _dense_residual(blocks, y, scaled(_DENSE, width_multiplier))
    return keras.Model(x, blocks.linear(outputs)(y), name="encoder")


def decoder(
    shape: tuple[int, ...],
    latent_dim: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """z -> x_hat in (0, 1)."""
    check_shape(shape)
    blocks = _blocks(spectral_norm)
    count = doublings(shape, most=16, smallest=2)
    channels = _channels(shape, variant, width_multiplier)
    widths = [
        min(channels << doubled, scaled(_MOST_CHANNELS, width_multiplier))
        for doubled in reversed(range(count + 1))
    ]
    first = (shape[0] >> count, shape[1] >> count, widths[0])
    z = keras.Input((latent_dim,))
    y = layers.Reshape(first)(blocks.linear(math.prod(first))(z))
    for channels in widths[1:]:
        y = blocks.transposed_convolution(channels, _KERNEL)(y)
        y = _residual(blocks, y, channels)
    y = blocks.convolution(shape[-1], _KERNEL, activation="sigmoid")(y)
    return keras.Model(z, y, name="decoder")


def _channels(shape, variant, width_multiplier):
    """Channels at full size."""
    channels = {"paper": 32, "released": 32 if is_large(shape) else 16}[variant]
    return scaled(channels, width_multiplier)


def _residual(blocks, x, channels):
    """BN, ReLU, Conv, twice, beside a convolution."""
    y = x
    for _ in range(_DEPTH):
        for layer in [*blocks.activated(), blocks.convolution(channels, _KERNEL)]:
            y = layer(y)
    return layers.add([y, blocks.convolution(channels, _KERNEL)(x)])


def _dense_residual(blocks, x, units):
    """ReLU, FC, twice, beside a dense layer."""
    y = x
    for _ in range(_DEPTH):
        y = blocks.linear(units)(layers.ReLU()(y))
    return layers.add([y, blocks.linear(units)(x)])


def _blocks(spectral_norm):
    return Blocks(spectral_norm, epsilon=1e-5)
