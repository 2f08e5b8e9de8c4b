"""The convolutional networks of VQ-VAE (van den Oord et al., 2017), as in Sonnet's example of it.

    encoder  Conv 64/4/2, ReLU, Conv 128/4/2, ReLU, Conv 128/3/1, residual stack, Conv d/1/1
    decoder  Conv 128/3/1, residual stack, TConv 64/4/2, ReLU, TConv C/4/2

A residual stack is twice x + Conv 128/1/1 of ReLU of Conv 32/3/1 of ReLU of x, then ReLU. Codes are
a grid of vectors [B, H/4, W/4, d]; for methods whose codes are one vector each, a dense layer makes
it of that grid, with d = 64, and another the grid of it. The encoder takes pixels to [-1/2, 1/2].
The decoder is linear in training and clipped to [0, 1] else: behind a sigmoid it came to black
images within some iterations on MNIST, where the squared error has no gradient. Convolutions have
Sonnet's initial kernels, since Glorot's make the codes of grey images small (a standard deviation
of 0.02 on MNIST). The two variants agree.
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import Blocks, check_shape, scaled
from flexae_tf.networks.layers import ClipToUnit

_HIDDEN, _RESIDUAL = 128, 32
_CODE_DIM = 64
_INITIALIZER = "lecun_normal"  # truncated, of variance 1 / fan-in, as Sonnet's


def grid_encoder(
    shape: tuple[int, ...],
    code_dim: int = _CODE_DIM,
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, H, W, C] -> z_e [B, H/4, W/4, code_dim]."""
    check_shape(shape)
    blocks = Blocks(spectral_norm, convolution_initializer=_INITIALIZER)
    x = inputs = keras.Input(shape)
    x = layers.Rescaling(1.0, -0.5)(x)
    for layer in (
        *blocks.conv(scaled(_HIDDEN // 2, width_multiplier), 4, 2, normalized=False),
        *blocks.conv(scaled(_HIDDEN, width_multiplier), 4, 2, normalized=False),
        blocks.convolution(scaled(_HIDDEN, width_multiplier), 3),
    ):
        x = layer(x)
    z_e = blocks.convolution(code_dim, 1)(_residual_stack(x, blocks, width_multiplier))
    return keras.Model(inputs, z_e, name="encoder")


def grid_decoder(
    shape: tuple[int, ...],
    code_dim: int = _CODE_DIM,
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """z_q [B, H/4, W/4, code_dim] -> x_hat, in inference mode in [0, 1]."""
    check_shape(shape)
    z_q = keras.Input((shape[0] // 4, shape[1] // 4, code_dim))
    x_hat = _decoded(z_q, shape[2], spectral_norm, width_multiplier)
    return keras.Model(z_q, x_hat, name="grid_decoder")


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, H, W, C] -> [B, outputs]."""
    del variant
    grid = grid_encoder(shape, _CODE_DIM, spectral_norm, width_multiplier)
    z = Blocks(spectral_norm).linear(outputs)(layers.Flatten()(grid.output))
    return keras.Model(grid.input, z, name="encoder")


def decoder(
    shape: tuple[int, ...],
    latent_dim: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """z [B, latent_dim] -> x_hat, in inference mode in [0, 1]."""
    del variant
    check_shape(shape)
    grid = (shape[0] // 4, shape[1] // 4, _CODE_DIM)
    z = keras.Input((latent_dim,))
    z_q = layers.Reshape(grid)(Blocks(spectral_norm).linear(math.prod(grid))(z))
    x_hat = _decoded(z_q, shape[2], spectral_norm, width_multiplier)
    return keras.Model(z, x_hat, name="decoder")


def _decoded(z_q, channels, spectral_norm, width_multiplier):
    """x_hat of a grid of vectors."""
    blocks = Blocks(spectral_norm, convolution_initializer=_INITIALIZER)
    x = blocks.convolution(scaled(_HIDDEN, width_multiplier), 3)(z_q)
    x = _residual_stack(x, blocks, width_multiplier)
    x = blocks.transposed_convolution(scaled(_HIDDEN // 2, width_multiplier), 4)(x)
    x = layers.ReLU()(x)
    return ClipToUnit()(blocks.transposed_convolution(channels, 4)(x))


def _residual_stack(x, blocks, width_multiplier):
    for _ in range(2):
        hidden = blocks.convolution(scaled(_RESIDUAL, width_multiplier), 3)(layers.ReLU()(x))
        hidden = blocks.convolution(x.shape[-1], 1)(layers.ReLU()(hidden))
        x = layers.Add()([x, hidden])
    return layers.ReLU()(x)
