"""The networks of the FlexAE paper (Tables 6, 7 and 8) and of its released program.

A data set of vectors ([B, D] in [-1, 1]) gets Table 6, one of images Tables 7 and 8.

`variant` is "paper" (the tables as printed) or "released" (the authors' TF 1.15 program). They
differ in the decoder's last two layers and in the initializers: the tables name none, so "paper"
has Keras' Glorot uniform, and the released program draws the decoder (its last layer excepted),
the generator and the latent critic from Glorot normal.
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import check_shape, scaled
from flexae_tf.networks.convolutions import Conv2D
from flexae_tf.networks.layers import BatchNormalization, Dense, linear_layers, relu

_HIDDEN = 1024  # neurons of every hidden dense layer of Tables 7 and 8
_VECTOR_HIDDEN = 128  # the same for Table 6
_PRIOR_DEPTH = 4  # hidden layers of the generator and of the latent critic


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """E_phi, x -> [B, outputs]: Table 7, or Table 6 for vectors. The two variants agree."""
    del variant
    check_shape(shape)
    if len(shape) == 1:
        hidden = [scaled(_VECTOR_HIDDEN, width_multiplier)]
        return _mlp("encoder", shape[0], hidden, outputs, spectral_norm=spectral_norm)
    dense, conv, _ = linear_layers(spectral_norm)
    return keras.Sequential(
        [
            keras.Input(shape),
            conv(scaled(64, width_multiplier), 4, 2, padding="same", activation="relu"),
            conv(scaled(128, width_multiplier), 4, 2, padding="same"),
            BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            dense(scaled(_HIDDEN, width_multiplier)),
            BatchNormalization(),
            layers.ReLU(),
            dense(outputs),
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
    """D_theta, z -> x_hat in (0, 1): Table 7; for vectors Table 6, x_hat in (-1, 1)."""
    check_shape(shape)
    dense, conv, transposed = linear_layers(spectral_norm)
    if len(shape) == 1:
        return keras.Sequential(
            [keras.Input((latent_dim,)), dense(shape[0], activation="tanh")], name="decoder"
        )
    height, width, channels = shape
    first = (height // 4, width // 4, scaled(128, width_multiplier))
    init = {"kernel_initializer": _initializer(variant)}
    last_activation, last_kernel = {"paper": (layers.ELU, 4), "released": (layers.ReLU, 3)}[variant]
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            dense(scaled(_HIDDEN, width_multiplier), **init),
            BatchNormalization(),
            layers.ReLU(),
            dense(math.prod(first), **init),
            BatchNormalization(),
            layers.ReLU(),
            layers.Reshape(first),
            transposed(first[-1], 4, 2, padding="same", **init),
            BatchNormalization(),
            layers.ReLU(),
            transposed(scaled(64, width_multiplier), 4, 2, padding="same", **init),
            BatchNormalization(),
            last_activation(),
            conv(channels, last_kernel, padding="same", activation="sigmoid"),
        ],
        name="decoder",
    )


def generator(
    shape: tuple[int, ...],
    noise_dim: int,
    latent_dim: int,
    variant: str = "paper",
    depth: int | None = None,
    width: int | None = None,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """G_psi, n -> z_hat: Table 8, or Table 6 for vectors.

    Args:
      depth, width: number of hidden layers and of their units, instead of the table's.
    """
    table_depth, table_width = (1, _VECTOR_HIDDEN) if len(shape) == 1 else (_PRIOR_DEPTH, _HIDDEN)
    hidden = [scaled(width or table_width, width_multiplier)] * (
        table_depth if depth is None else depth
    )
    return _mlp("generator", noise_dim, hidden, latent_dim, variant)


def latent_critic(
    shape: tuple[int, ...], latent_dim: int, variant: str = "paper", width_multiplier: float = 1.0
) -> keras.Model:
    """C_kappa, z -> R: Table 8, or Table 6 for vectors."""
    units, depth = (_VECTOR_HIDDEN, 2) if len(shape) == 1 else (_HIDDEN, _PRIOR_DEPTH)
    hidden = [scaled(units, width_multiplier)] * depth
    return _mlp("latent_critic", latent_dim, hidden, 1, variant, activation=relu)


def image_critic(
    shape: tuple[int, ...], variant: str = "paper", width_multiplier: float = 1.0
) -> keras.Model:
    """C_zeta, x -> R, without batch normalization: Table 8.

    Table 6 has none; for vectors this is its latent critic with x for z.
    """
    check_shape(shape)
    if len(shape) == 1:
        hidden = [scaled(_VECTOR_HIDDEN, width_multiplier)] * 2
        return _mlp("image_critic", shape[0], hidden, 1, activation=relu)
    return keras.Sequential(
        [
            keras.Input(shape),
            Conv2D(scaled(64, width_multiplier), 4, 2, padding="same", activation=relu),
            Conv2D(scaled(128, width_multiplier), 4, 2, padding="same", activation=relu),
            layers.Flatten(),
            Dense(scaled(_HIDDEN, width_multiplier), activation=relu),
            Dense(1),
        ],
        name="image_critic",
    )


def _mlp(name, inputs, hidden, outputs, variant="paper", spectral_norm=False, activation="relu"):
    dense, _, _ = linear_layers(spectral_norm)
    init = {"kernel_initializer": _initializer(variant)}
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            *[dense(units, activation=activation, **init) for units in hidden],
            dense(outputs, **init),
        ],
        name=name,
    )


def _initializer(variant):
    return {"paper": "glorot_uniform", "released": "glorot_normal"}[variant]
