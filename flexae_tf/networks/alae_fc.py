"""The fully connected networks of ALAE's program for MNIST (its `mnist_fc`).

Encoder and generator of 1,024 and 1,024 units with leaky ReLUs and equalised learning rates, the
encoder's last layer too, so that codes w look as the mapping's, which end in one. That program's
images are in [-1, 1]: here the first layer takes them there and the last one back, and images that
are made are cut to [0, 1].
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import check_shape, scaled
from flexae_tf.networks.equalized import Linear
from flexae_tf.networks.layers import ClipToUnit

_UNITS = (1024, 1024)


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, H, W, C] -> w [B, outputs]."""
    del variant
    check_shape(shape)
    first = [keras.Input(shape), layers.Rescaling(2.0, -1.0), layers.Flatten()]
    hidden = Linear(spectral_norm).hidden(*_units(width_multiplier), outputs)
    return keras.Sequential([*first, *hidden], name="encoder")


def decoder(
    shape: tuple[int, ...],
    latent_dim: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """w -> x_hat, in inference mode in [0, 1]."""
    del variant
    check_shape(shape)
    linear = Linear(spectral_norm)
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            *linear.hidden(*_units(width_multiplier)),
            linear.dense(math.prod(shape)),
            layers.Reshape(shape),
            layers.Rescaling(0.5, 0.5),
            ClipToUnit(),
        ],
        name="decoder",
    )


def _units(width_multiplier):
    return [scaled(units, width_multiplier) for units in _UNITS]
