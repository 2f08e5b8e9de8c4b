"""The DCGAN-style encoder and decoder that three papers share up to details.

Tolstikhin et al., "Wasserstein Auto-Encoders", made them for 28 and 64 pixels; the networks of the
RAE paper and one of those of the two-stage VAE's program are theirs with changes.
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import check_shape, doublings

FILTERS = (128, 256, 512, 1024)
# From this side on a decoder doubles three times and kernels are larger (CelebA; else MNIST).
LARGE = 64


def is_large(shape):
    """Whether images [H, W, C] get the network for CelebA's 64 x 64."""
    return min(shape[:2]) >= LARGE


def kernel_size(shape):
    """5 for large images, 4 for small ones."""
    return 5 if is_large(shape) else 4


def most_doublings(shape):
    """How often the decoder doubles its first feature map: 3 times for large images, else 2."""
    return 3 if is_large(shape) else 2


def encoder(blocks, shape, outputs, kernel, strides=(2, 2, 2, 2), symmetric=False):
    """x -> [B, outputs]: four convolutions with BN and ReLU, then one dense layer.

    Args:
      blocks: `blocks.Blocks`. shape: (H, W, C).
      kernel: side of all kernels. strides: of the four convolutions.
      symmetric: maps x from [0, 1] to [-1, 1] first.
    """
    check_shape(shape)
    return keras.Sequential(
        [
            keras.Input(shape),
            *([layers.Rescaling(2.0, offset=-1.0)] if symmetric else []),
            *_concatenated(
                blocks.conv(n, kernel, s) for n, s in zip(FILTERS, strides, strict=True)
            ),
            layers.Flatten(),
            blocks.linear(outputs),
        ],
        name="encoder",
    )


def decoder(blocks, shape, latent_dim, kernel, doublings_at_most, after_dense):
    """z -> x_hat in (0, 1): one dense layer, transposed convolutions, the last of stride 1.

    Args:
      blocks: `blocks.Blocks`. shape: (H, W, C).
      kernel: side of all kernels.
      doublings_at_most: how many transposed convolutions of stride 2, where the size allows it.
      after_dense: the layers between the dense layer and the first transposed convolution.
    """
    check_shape(shape)
    height, width, channels = shape
    count = doublings(shape, doublings_at_most)
    first = (height >> count, width >> count, FILTERS[-1])
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            blocks.linear(math.prod(first)),
            *after_dense,
            layers.Reshape(first),
            *_concatenated(blocks.transposed(FILTERS[-2 - i], kernel) for i in range(count)),
            blocks.transposed_convolution(channels, kernel, 1, activation="sigmoid"),
        ],
        name="decoder",
    )


def _concatenated(lists):
    return [layer for one in lists for layer in one]
