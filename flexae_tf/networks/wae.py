"""The networks of the WAE paper's released program (Tolstikhin et al.), MNIST's and CelebA's.

Sides below 64 get MNIST's. That program has CelebA in [-1, 1] with tanh at the end; here the input
is mapped inside the encoder and a sigmoid at the end is in [0, 1]. As tanh(h) = 2 sigmoid(2 h) - 1
and the 2 before h is left out, the same images take twice the weights in the last layer, which
begins at half their scale and is moved by Adam half as fast. The paper gives no other reading, so
the two variants agree. The noise that it adds to x is no part of the networks.
"""

import keras

from flexae_tf.networks import dcgan
from flexae_tf.networks.blocks import Blocks


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, H, W, C] -> [B, outputs]."""
    del variant
    symmetric = dcgan.is_large(shape)
    return dcgan.encoder(
        _blocks(spectral_norm),
        shape,
        outputs,
        symmetric=symmetric,
        width_multiplier=width_multiplier,
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
    blocks = _blocks(spectral_norm)
    after_dense = blocks.activated(normalized=False)
    return dcgan.decoder(blocks, shape, latent_dim, after_dense, width_multiplier=width_multiplier)


def _blocks(spectral_norm):
    return Blocks(spectral_norm, stddev=0.01, epsilon=1e-5)
