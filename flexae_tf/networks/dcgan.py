"""The DCGAN-style encoder and decoder that three papers share up to details.

Tolstikhin et al., "Wasserstein Auto-Encoders", made them for 28 and 64 pixels; the networks of the
RAE paper and one of those of the two-stage VAE's program are theirs with changes.
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import Blocks, check_shape, doublings, scaled

FILTERS = (128, 256, 512, 1024)
# From this side on a decoder doubles three times and kernels are larger (CelebA; else MNIST).
LARGE = 64


def is_large(shape: tuple[int, ...]) -> bool:
    """Whether images [H, W, C] get the network for CelebA's 64 x 64."""
    return min(shape[:2]) >= LARGE


def _kernel_size(shape):
    return 5 if is_large(shape) else 4


def encoder(
    blocks: Blocks,
    shape: tuple[int, ...],
    outputs: int,
    kernel: int | None = None,
    strides: tuple[int, ...] = (2, 2, 2, 2),
    symmetric: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x -> [B, outputs]: four convolutions with BN and ReLU, then one dense layer.

    Args:
      blocks: `blocks.Blocks`. shape: (H, W, C).
      kernel: side of all kernels; 5 for large images and 4 for small ones by default.
      strides: of the four convolutions.
      symmetric: maps x from [0, 1] to [-1, 1] first.
      width_multiplier: of the filters.
    """
    check_shape(shape)
    kernel = kernel or _kernel_size(shape)
    return keras.Sequential(
        [
            keras.Input(shape),
            *([layers.Rescaling(2.0, offset=-1.0)] if symmetric else []),
            *_concatenated(
                blocks.conv(scaled(n, width_multiplier), kernel, s)
                for n, s in zip(FILTERS, strides, strict=True)
            ),
            layers.Flatten(),
            blocks.linear(outputs),
        ],
        name="encoder",
    )


def decoder(
    blocks: Blocks,
    shape: tuple[int, ...],
    latent_dim: int,
    after_dense: list,
    kernel: int | None = None,
    doublings_at_most: int | None = None,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """z -> x_hat in (0, 1): one dense layer, transposed convolutions, the last of stride 1.

    Args:
      blocks: `blocks.Blocks`. shape: (H, W, C).
      after_dense: the layers between the dense layer and the first transposed convolution.
      kernel: as the encoder's.
      doublings_at_most: how many transposed convolutions of stride 2, where the size allows it; 3
        for large images and 2 for small ones by default.
      width_multiplier: of the filters.
    """
    check_shape(shape)
    height, width, channels = shape
    kernel = kernel or _kernel_size(shape)
    count = doublings(shape, doublings_at_most or (3 if is_large(shape) else 2))
    filters = [scaled(n, width_multiplier) for n in FILTERS]
    first = (height >> count, width >> count, filters[-1])
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            blocks.linear(math.prod(first)),
            *after_dense,
            layers.Reshape(first),
            *_concatenated(blocks.transposed(filters[-2 - i], kernel) for i in range(count)),
            blocks.transposed_convolution(channels, kernel, 1, activation="sigmoid"),
        ],
        name="decoder",
    )


def _concatenated(lists):
    return [layer for one in lists for layer in one]
