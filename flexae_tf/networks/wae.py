"""The networks of the WAE paper's released program (Tolstikhin et al.), MNIST's and CelebA's.

Sides below 64 get MNIST's. That program has CelebA in [-1, 1] with tanh at the end; here the input
is mapped inside the encoder and a sigmoid does the same for [0, 1]. The paper gives no other
reading, so the two variants agree. The noise that it adds to x is no part of the networks.
"""

import keras

from flexae_tf.networks import dcgan
from flexae_tf.networks.blocks import Blocks


def encoder(
    shape: tuple[int, ...], outputs: int, variant: str = "paper", spectral_norm: bool = False
) -> keras.Model:
    """x [B, H, W, C] -> [B, outputs]."""
    del variant
    symmetric = dcgan.is_large(shape)
    return dcgan.encoder(_blocks(spectral_norm), shape, outputs, symmetric=symmetric)


def decoder(
    shape: tuple[int, ...], latent_dim: int, variant: str = "paper", spectral_norm: bool = False
) -> keras.Model:
    """z -> x_hat in (0, 1)."""
    del variant
    blocks = _blocks(spectral_norm)
    return dcgan.decoder(blocks, shape, latent_dim, blocks.activated(normalized=False))


def _blocks(spectral_norm):
    return Blocks(spectral_norm, stddev=0.01, epsilon=1e-5)
