"""The convolutional networks of PIONEER (Heljakka et al., 2018), as its program has them.

Maps have sides that double from about 4 to the image's, and f features: 512, and from 8 times the
first side on half as many with each doubling.

    encoder  Conv f/1; from the image's side down to the second Conv f/3, Conv f'/3 and means of
             2 x 2 pixels; at the first Conv 512/3 and a dense layer
    decoder  a dense layer and Conv 512/3 at the first side; at each further one every pixel
             2 x 2 times, then Conv f/3 twice; Conv C/1

Every layer but those to and from images ends in a leaky ReLU of slope 0.2, the encoder's last one
too. The others of the encoder divide their kernels by the largest singular values. Those of the
decoder have equalized learning rates, and each pixel's features are divided by the root of their
mean square. Images are in [-1, 1] within. The decoder is linear in training and clipped to [0, 1]
else. Sides halve as long as they are even and not below 4: 28 to 7.

`growing` makes the networks of every phase (`progressive`), which share their layers; each phase
has a layer to and from its images. The two variants agree.
"""

import math

import keras
from keras import layers

from flexae_tf.networks.blocks import Blocks, check_shape, doublings, scaled
from flexae_tf.networks.equalized import SLOPE, Linear, PixelNorm
from flexae_tf.networks.layers import ClipToUnit, SpectralDense, linear_layers
from flexae_tf.networks.progressive import FadeIn, Growth

_WIDTH = 512
_SMALLEST = 4  # no side of the first map is below it
_AT_FULL_WIDTH = 3  # doublings


def encoder(
    shape: tuple[int, ...],
    outputs: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """x -> [B, outputs]."""
    del variant
    return _encoders(shape, outputs, width_multiplier, spectral_norm)[-1]


def decoder(
    shape: tuple[int, ...],
    latent_dim: int,
    variant: str = "paper",
    spectral_norm: bool = False,
    width_multiplier: float = 1.0,
) -> keras.Model:
    """z -> x_hat, in inference mode in [0, 1]."""
    del variant
    return _decoders(shape, latent_dim, width_multiplier, spectral_norm)[-1]


def growing(
    shape: tuple[int, ...], latent_dim: int, phase_steps: int, width_multiplier: float = 1.0
) -> tuple[Growth, list[keras.Model], list[keras.Model]]:
    """Networks that grow.

    Args:
      shape: (H, W, C).
      latent_dim: m.
      phase_steps: iterations of a phase.
      width_multiplier: of the features.

    Returns:
      Their `Growth`; encoders x -> z and decoders z -> x_hat, of the images of every phase. In an
      earlier phase the last ones do what that phase's do, of and to images [H, W, C].
    """
    growth = Growth(_last_phase(shape) + 1, phase_steps)
    encoders, decoders = (
        build(shape, latent_dim, width_multiplier, growth=growth)
        for build in (_encoders, _decoders)
    )
    return growth, encoders, decoders


def _encoders(shape, outputs, width_multiplier, spectral_norm=False, growth=None):
    """Those of every phase; of the last alone where nothing grows."""
    check_shape(shape)
    widths = _widths(shape, width_multiplier)
    last = len(widths) - 1
    phases = range(last + 1) if growth else [last]
    blocks = Blocks(True, convolution_initializer="he_normal", activation=_leaky_relu)
    from_images = {p: _to_or_from_images(widths[p], shape[2], spectral_norm) for p in phases}
    fades = {p: FadeIn(growth, p) for p in phases if growth and p}
    halving = {
        p: [
            *blocks.conv(widths[p], 3, 1, normalized=False),
            *blocks.conv(widths[p - 1], 3, 1, normalized=False),
            layers.AveragePooling2D(2),
        ]
        for p in range(1, last + 1)
    }
    end = [
        *blocks.conv(widths[0], 3, 1, normalized=False),
        *(layers.Flatten(), SpectralDense(outputs, kernel_initializer="he_normal"), _leaky_relu()),
    ]

    def encoder_of(phase):
        inputs = keras.Input(_shape_of_phase(shape, phase))
        x = layers.Rescaling(2.0, -1.0)(inputs)
        h = from_images[phase](x)
        for p in range(phase, 0, -1):
            h = _through(halving[p], h)
            if growth:
                x = layers.AveragePooling2D(2)(x)
                h = fades[p]([from_images[p - 1](x), h])
        return keras.Model(inputs, _through(end, h), name="encoder")

    return [encoder_of(phase) for phase in phases]


def _decoders(shape, latent_dim, width_multiplier, spectral_norm=False, growth=None):
    """Those of every phase; of the last alone where nothing grows."""
    check_shape(shape)
    widths = _widths(shape, width_multiplier)
    last = len(widths) - 1
    linear = Linear(spectral_norm)
    z = keras.Input((latent_dim,))
    first = (*_shape_of_phase(shape, 0)[:2], widths[0])
    h, x, found = layers.Reshape(first)(linear.dense(math.prod(first))(z)), None, []
    for phase in range(last + 1):
        if phase:
            h = linear.conv(widths[phase], 3)(layers.UpSampling2D()(h))
        h = _through([*_normalized(), linear.conv(widths[phase], 3), *_normalized()], h)
        if phase < last and not growth:
            continue
        of_phase = _to_or_from_images(shape[2], widths[phase], spectral_norm)(h)
        x = of_phase if x is None else FadeIn(growth, phase)([layers.UpSampling2D()(x), of_phase])
        x_hat = ClipToUnit()(layers.Rescaling(0.5, 0.5)(x))
        found.append(keras.Model(z, x_hat, name="decoder"))
    return found


def _last_phase(shape):
    return doublings(shape, max(shape[:2]), _SMALLEST)


def _shape_of_phase(shape, phase):
    halvings = _last_phase(shape) - phase
    return shape[0] >> halvings, shape[1] >> halvings, shape[2]


def _widths(shape, width_multiplier):
    """Features of the maps of every phase."""
    published = [_WIDTH >> max(0, p - _AT_FULL_WIDTH) for p in range(_last_phase(shape) + 1)]
    return [scaled(width, width_multiplier) for width in published]


def _through(sequence, h):
    for layer in sequence:
        h = layer(h)
    return h


def _leaky_relu():
    return layers.LeakyReLU(negative_slope=SLOPE)


def _normalized():
    return [PixelNorm(), _leaky_relu()]


def _to_or_from_images(filters, inputs, spectral_norm):
    """A convolution of every pixel by itself, with PyTorch's initial weights."""
    _, conv, _ = linear_layers(spectral_norm)
    limit = inputs**-0.5
    initializers = {
        f"{name}_initializer": keras.initializers.RandomUniform(-limit, limit)
        for name in ("kernel", "bias")
    }
    return conv(filters, 1, padding="same", **initializers)
