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

from flexae_tf.networks.blocks import Blocks, check_shape
from flexae_tf.networks.layers import ClipToUnit

_HIDDEN, _RESIDUAL = 128, 32
_CODE_DIM = 64
_INITIALIZER = "lecun_normal"  # truncated, of variance 1 / fan-in, as Sonnet's


def grid_encoder(
    shape: tuple[int, ...], code_dim: int = _CODE_DIM, spectral_norm: bool = False
) -> keras.Model:
    """x [B, H, W, C] -> z_e [B, H/4, W/4, code_dim]."""
    check_shape(shape)
    blocks = Blocks(spectral_norm, convolution_initializer=_INITIALIZER)
    x = inputs = keras.Input(shape)
    x = layers.Rescaling(1.0, -0.5)(x)
    for layer in (
        *blocks.conv(_HIDDEN // 2, 4, 2, normalized=False),
        *blocks.conv(_HIDDEN, 4, 2, normalized=False),
        blocks.convolution(_HIDDEN, 3),
    ):
        x = layer(x)
    z_e = blocks.convolution(code_dim, 1)(_residual_stack(x, blocks))
    return keras.Model(inputs, z_e, name="encoder")


def grid_decoder(
    shape: tuple[int, ...], code_dim: int = _CODE_DIM, spectral_norm: bool = False
) -> keras.Model:
    """z_q [B, H/4, W/4, code_dim] -> x_hat, in inference mode in [0, 1]."""
    check_shape(shape)
    z_q = keras.Input((shape[0] // 4, shape[1] // 4, code_dim))
    return keras.Model(z_q, _decoded(z_q, shape[2], spectral_norm), name="grid_decoder")


def encoder(
    shape: tuple[int, ...], outputs: int, variant: str = "paper", spectral_norm: bool = False
) -> keras.Model:
    """x [B, H, W, C] -> [B, outputs]."""
    del variant
    grid = grid_encoder(shape, spectral_norm=spectral_norm)
    z = Blocks(spectral_norm).linear(outputs)(layers.Flatten()(grid.output))
    return keras.Model(grid.input, z, name="encoder")


def decoder(
    shape: tuple[int, ...], latent_dim: int, variant: str = "paper", spectral_norm: bool = False
) -> keras.Model:
    """z [B, latent_dim] -> x_hat, in inference mode in [0, 1]."""
    del variant
    check_shape(shape)
    grid = (shape[0] // 4, shape[1] // 4, _CODE_DIM)
    z = keras.Input((latent_dim,))
    z_q = layers.Reshape(grid)(Blocks(spectral_norm).linear(math.prod(grid))(z))
    return keras.Model(z, _decoded(z_q, shape[2], spectral_norm), name="decoder")


def _decoded(z_q, channels, spectral_norm):
    """x_hat of a grid of vectors."""
    blocks = Blocks(spectral_norm, convolution_initializer=_INITIALIZER)
    x = _residual_stack(blocks.convolution(_HIDDEN, 3)(z_q), blocks)
    x = layers.ReLU()(blocks.transposed_convolution(_HIDDEN // 2, 4)(x))
    return ClipToUnit()(blocks.transposed_convolution(channels, 4)(x))


def _residual_stack(x, blocks):
    for _ in range(2):
        hidden = blocks.convolution(_RESIDUAL, 3)(layers.ReLU()(x))
        hidden = blocks.convolution(_HIDDEN, 1)(layers.ReLU()(hidden))
        x = layers.Add()([x, hidden])
    return layers.ReLU()(x)
