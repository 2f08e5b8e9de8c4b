"""The "Wae" networks of the two-stage VAE's released program, made for 64 x 64 (Dai and Wipf).

They differ from the WAE program's in the encoder's first stride, 1, in kernels of side 5, Glorot
initializers and no mapping to [-1, 1]. The decoder doubles three times where the size allows it: 28
allows two. The two variants agree.
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
    return dcgan.encoder(
        _blocks(spectral_norm),
        shape,
        outputs,
        5,
        strides=(1, 2, 2, 2),
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
    return dcgan.decoder(blocks, shape, latent_dim, after_dense, 5, 3, width_multiplier)


def _blocks(spectral_norm):
    return Blocks(spectral_norm, epsilon=1e-5)
