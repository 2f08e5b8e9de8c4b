"""The fully connected networks of MaskAAE's released program, which it has for MNIST.

Four layers of 1,024 ReLU units on either side; weights from Glorot's normal distribution, biases,
as TF 1 draws them where nothing is said, from his uniform one. The two variants agree. For vectors,
which the program does not have, there are as many layers of Table 6's 128 units.
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import check_shape, scaled
from flexae_tf.networks.layers import linear_layers

_DEPTH = 4
_WIDTH, _VECTOR_WIDTH = 1024, 128


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, ...] -> [B, outputs]."""
    del variant
    check_shape(shape)
    flatten = [layers.Flatten()] if len(shape) == 3 else []
    hidden = _hidden(shape, spectral_norm, width_multiplier)
    return keras.Sequential(
        [keras.Input(shape), *flatten, *hidden, _dense(outputs, spectral_norm)], name="encoder"
    )


def decoder(
    shape: tuple[int, ...],
    latent_dim: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """z -> x_hat in (0, 1); for vectors in (-1, 1)."""
    del variant
    check_shape(shape)
    hidden = _hidden(shape, spectral_norm, width_multiplier)
    if len(shape) == 1:
        last = [_dense(shape[0], spectral_norm, "tanh")]
    else:
        last = [_dense(math.prod(shape), spectral_norm, "sigmoid"), layers.Reshape(shape)]
    return keras.Sequential([keras.Input((latent_dim,)), *hidden, *last], name="decoder")


def _hidden(shape, spectral_norm, width_multiplier):
    width = scaled(_VECTOR_WIDTH if len(shape) == 1 else _WIDTH, width_multiplier)
    return [_dense(width, spectral_norm, "relu") for _ in range(_DEPTH)]


def _dense(units, spectral_norm, activation=None):
    dense, _, _ = linear_layers(spectral_norm)
    return dense(
        units,
        activation=activation,
        kernel_initializer="glorot_normal",
        bias_initializer="glorot_uniform",
    )
