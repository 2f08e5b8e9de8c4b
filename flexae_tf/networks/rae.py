"""The networks of the RAE paper, Appendix A ("From Variational to Deterministic Autoencoders").

Sides below 64 get the network of MNIST (padded to 32 x 32) and CIFAR-10, others that of CelebA. The
`variant` "paper" has BN and ReLU after the decoder's dense layer, as printed; the released program
has neither. That program maps small images to [-1, 1] before the encoder; the paper does not say.
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
    """x [B, H, W, C] -> [B, outputs]. The two variants agree."""
    del variant
    symmetric = not dcgan.is_large(shape)
    return dcgan.encoder(
        Blocks(spectral_norm),
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
    blocks = Blocks(spectral_norm)
    after_dense = {"paper": blocks.activated(), "released": []}[variant]
    return dcgan.decoder(blocks, shape, latent_dim, after_dense, width_multiplier=width_multiplier)
