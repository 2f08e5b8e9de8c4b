"""The InfoGAN-style networks of the two-stage VAE's released program (Dai and Wipf).

The encoder is spectrally normalized always, the decoder on request. Against Table 7 of the FlexAE
paper: spectral normalization, leaky ReLU of slope 0.2 in the encoder, N(0, 0.02) kernels (those of
the encoder's convolutions truncated) and no convolution after the last transposed one. The two
variants agree.
"""

import keras
from keras import layers

from flexae_tf.networks.blocks import Blocks, check_shape, scaled

_HIDDEN = 1024
_STDDEV = 0.02  # of the initial kernels
_EPSILON = 1e-5  # of batch normalization


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = True,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, H, W, C] -> [B, outputs], with spectral normalization whatever is asked for."""
    del variant, spectral_norm
    check_shape(shape)
    blocks = Blocks(
        spectral_norm=True,
        stddev=_STDDEV,
        epsilon=_EPSILON,
        activation=lambda: layers.LeakyReLU(0.2),
    )
    return keras.Sequential(
        [
            keras.Input(shape),
            *blocks.conv(scaled(64, width_multiplier), 4, 2, normalized=False),
            *blocks.conv(scaled(128, width_multiplier), 4, 2),
            layers.Flatten(),
            *blocks.dense(scaled(_HIDDEN, width_multiplier)),
            blocks.linear(outputs),
        ],
        name="encoder",
    )


def decoder(
    shape: tuple[int, ...],
    latent_dim: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """z -> x_hat in (0, 1)."""
    del variant
    check_shape(shape)
    height, width, channels = shape
    first = (height // 4, width // 4, scaled(128, width_multiplier))
    blocks = Blocks(spectral_norm, stddev=_STDDEV, epsilon=_EPSILON)
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            *blocks.dense(scaled(_HIDDEN, width_multiplier)),
            *blocks.dense(first[0] * first[1] * first[2]),
            layers.Reshape(first),
            *blocks.transposed(scaled(64, width_multiplier), 4),
            blocks.transposed_convolution(channels, 4, activation="sigmoid"),
        ],
        name="decoder",
    )
