"""The style-based networks of ALAE's program, without its growing in stages.

For an image of 32 x 32 (64 x 64) the generator has blocks of 4 x 4, 8 x 8, ..., of 256, 256, 128
and 64 channels (256, 256, 256, 128, 64), each of two layers with noise and AdaIN; the encoder has
the same backwards, and a code is the sum of linear maps of the mean and standard deviation of
every channel before each of its instance normalizations. Images of other sizes begin with the
smallest map of at least 3 x 3 that comes to them by doublings. That program has the last layer of
the encoder's blocks halve maps by an average, from 128 x 128 on by a stride, which is beyond the
sizes here. Equalised learning rates; images are in [-1, 1] as in `alae_fc`.
"""

import itertools

import keras
from keras import layers

from flexae_tf.networks.blocks import check_shape, doublings, scaled
from flexae_tf.networks.equalized import SLOPE, Linear
from flexae_tf.networks.layers import ClipToUnit
from flexae_tf.networks.precision import keep_output_in_float32
from flexae_tf.networks.styles import (
    SYNTHESIS,
    Blur,
    Constant,
    FixedNoise,
    InstanceNorm,
    Modulate,
    NoiseAndBias,
    Style,
)

_FIRST, _MOST = 64, 256  # channels at the size of the image, and at most


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x [B, H, W, C] -> w [B, outputs]."""
    del variant
    linear, image = Linear(spectral_norm), keras.Input(shape)
    channels = _channels(shape, width_multiplier)
    x = linear.conv(channels[0], 1)(layers.Rescaling(2.0, -1.0)(image))
    x = _leaky(_leaky(x))  # twice, as in the program
    w = []
    for here, then in itertools.pairwise(channels):
        x = _leaky(linear.conv(here, 3)(x))
        w.append(linear.dense(outputs)(Style()(x)))
        x = linear.conv(then, 3)(Blur()(InstanceNorm(1e-5)(x)))
        x = _leaky(layers.AveragePooling2D(2)(x))
        w.append(linear.dense(outputs)(Style()(x)))
        x = InstanceNorm(1e-5)(x)
    return keras.Model(image, layers.Add()(w), name="encoder")


def decoder(
    shape: tuple[int, ...],
    latent_dim: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """w -> x_hat, in inference mode in [0, 1]: w for every layer, and noise that is fixed."""
    del variant
    synthesis = _synthesis(shape, latent_dim, Linear(spectral_norm), width_multiplier)
    count, noise = synthesis.input_shape[0][1], synthesis.input_shape[1][1]
    w = keras.Input((latent_dim,))
    x_hat = synthesis([layers.RepeatVector(count)(w), FixedNoise(noise)(w)])
    return keras.Model(w, x_hat, name="decoder")


def _synthesis(shape, latent_dim, linear, width_multiplier):
    """The model of `styles.synthesis_of`."""
    channels = _channels(shape, width_multiplier)[-2::-1]
    sizes = [tuple(side >> k for side in shape[:2]) for k in reversed(range(len(channels)))]
    styles = keras.Input((2 * len(channels), latent_dim))
    noise = keras.Input((2 * sum(height * width for height, width in sizes),))
    x, begin = Constant((*sizes[0], channels[0]))(styles), 0
    for block, (size, filters) in enumerate(zip(sizes, channels, strict=True)):
        for layer in (2 * block, 2 * block + 1):
            if layer % 2:
                x = linear.conv(filters, 3, bias=False)(x)
            elif block:
                x = linear.conv(filters, 3, bias=False)(layers.UpSampling2D(2)(x))
                x = Blur()(x)
            end = begin + size[0] * size[1]
            x = NoiseAndBias()([x, layers.Reshape((*size, 1))(noise[:, begin:end])])
            x = InstanceNorm(1e-8)(_leaky(x))
            x = Modulate()([x, linear.dense(2 * filters, gain=1.0)(styles[:, layer])])
            begin = end
    x = layers.Rescaling(0.5, 0.5)(linear.conv(shape[-1], 1, gain=0.03)(x))
    synthesis = keras.Model([styles, noise], ClipToUnit()(x), name=SYNTHESIS)
    keep_output_in_float32(synthesis)
    return synthesis


def _channels(shape, width_multiplier):
    """Those of the blocks, from the image to the smallest map, and of what the encoder ends in."""
    check_shape(shape)
    count = doublings(shape, most=8, smallest=3)
    return [scaled(min(_FIRST << k, _MOST), width_multiplier) for k in range(count + 2)]


def _leaky(x):
    return layers.LeakyReLU(SLOPE)(x)
