"""The networks of the variational U-Net (Esser, Sutter and Ommer, 2018), as in its program.

    encoder  [x, y] -> mean of q(z_1, z_2 | x, y): up, down
    U-Net    (z, y) -> x_hat, mean of p(z_1, z_2 | y): up of y, down

"up" halves the image until `Sizes.bottleneck` pixels are left, with two residual blocks at every
resolution; "down" doubles it again, with a block for each of those, which it is connected to.
Latents are at the two lowest resolutions: a code z is z_1 [b, b, L] and z_2 [2b, 2b, L] as one
vector. Above one pixel the prior of a latent is autoregressive over four groups, its pixels of a
2 x 2 grid; z_2 depends on z_1. Doubling is a convolution to four times the channels, which become
pixels. Convolutions are 3 x 3, but 1 x 1 where paths join, and weight-normalized; ELU; networks
compute in [-1, 1], and the image is linear in training and clipped to [0, 1] else.

The program's encoder sees the image cut into body parts, which needs the joints; here it sees image
and map. The program feeds a sample of z_1 into q(z_2); here its mean, so q is one Gaussian.
"""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf
from keras import layers

from flexae_tf.errors import UserError
from flexae_tf.networks.layers import ClipToUnit, Dense
from flexae_tf.networks.weight_norm import ChannelDropout, WeightNormConv2D

_LATENTS = 2
_FEATURES = 128  # of a flow prior's condition


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What a user may choose.

    Attributes:
      width: channels at the full resolution; half the resolution has twice as many.
      max_width: but no more than this.
      latent_width: channels L of the latents.
      bottleneck: pixels b of a side at the lowest resolution.
      dropout: share of the channels that a residual block drops in training.
    """

    width: int = 32
    max_width: int = 128
    latent_width: int = 128
    bottleneck: int = 4
    dropout: float = 0.1

    @property
    def latent_dim(self) -> int:
        """Components m of a code."""
        return (1 + 4) * self.bottleneck**2 * self.latent_width

    @property
    def prior_steps(self) -> int:
        """Into how many groups, each given those before it, the components of a code fall."""
        return sum(1 if self.bottleneck << level == 1 else 4 for level in range(_LATENTS))

    def scales(self, side: int) -> int:
        """How many resolutions images of a side have. Raises UserError if it cannot be halved."""
        count = 1
        while self.bottleneck << count <= side:
            count += 1
        if count < _LATENTS or self.bottleneck << (count - 1) != side:
            raise UserError(
                f"images of {side} pixels cannot be halved to --bottleneck_size={self.bottleneck}, "
                "at least once: choose another --image_size or --bottleneck_size"
            )
        return count


class Shuffle(layers.Layer):
    """Four times the channels to 2 x 2 pixels, or back. Input and output: [B, H, W, C]."""

    def __init__(self, to_depth: bool = False) -> None:
        super().__init__()
        self._operation = tf.nn.space_to_depth if to_depth else tf.nn.depth_to_space

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self._operation(inputs, 2)


def encoder(shape: tuple[int, ...], sizes: Sizes) -> keras.Model:
    """Examples [x, y] [B, H, W, 2C] -> mean of q(z|x, y), [B, m]."""
    example = keras.Input(shape)
    skipped = _up(layers.Rescaling(2, -1)(example), sizes)
    h = _one(skipped[-1].shape[-1])(skipped[-1])
    means = []
    for level in range(_LATENTS):
        h = _residual(h, sizes, skipped.pop())
        mean = _three(sizes.latent_width)(h)
        means.append(mean)
        if level + 1 < _LATENTS:
            h = _residual(h, sizes, layers.Concatenate()([skipped.pop(), mean]))
            h = _double(h, skipped[-1].shape[-1])
    return _named(keras.Model(example, _as_code(means), name="encoder"))


def unet(
    shape: tuple[int, ...], sizes: Sizes, with_prior: bool
) -> tuple[keras.Model, keras.Model, keras.Model | None]:
    """The U-Net, and its two parts.

    Args:
      shape: of an example, (H, W, 2C).
      sizes: Sizes.
      with_prior: whether it has a prior.

    Returns:
      Keras models of z [B, m] and y [B, H, W, C]: all of what follows; the decoder, x_hat
      [B, H, W, C]; and the mean of p(z|y) [B, m], whose components depend on those of z that come
      before them, or None.
    """
    height, width, channels = *shape[:2], shape[-1] // 2
    z, y = keras.Input((sizes.latent_dim,)), keras.Input((height, width, channels))
    latents, means = _as_latents(z, sizes), []
    skipped = _up(layers.Rescaling(2, -1)(y), sizes)
    h = _one(skipped[-1].shape[-1])(skipped[-1])
    while skipped:
        h = _residual(h, sizes, skipped.pop())
        if latents:
            latent = latents.pop(0)
            if with_prior:
                means.append(_prior_mean(h, latent, sizes))
            h = _one(h.shape[-1])(layers.Concatenate()([h, latent]))
        h = _residual(h, sizes, skipped.pop())
        if skipped:
            h = _double(h, skipped[-1].shape[-1])
    x_hat = layers.Rescaling(0.5, 0.5)(_three(channels)(h))
    x_hat = ClipToUnit()(x_hat)
    if not with_prior:
        decoder = _named(keras.Model([z, y], x_hat, name="decoder"))
        return decoder, decoder, None
    mean = _as_code(means)
    whole = _named(keras.Model([z, y], [x_hat, mean], name="unet"))
    prior = keras.Model([z, y], mean, name="prior")
    return whole, keras.Model([z, y], x_hat, name="decoder"), prior


def pose_features(shape: tuple[int, ...], sizes: Sizes) -> keras.Model:
    """y [B, H, W, C] -> c [B, 128] and the mean of z_0 [B, m], of which a flow prior is made."""
    y = keras.Input((*shape[:2], shape[-1] // 2))
    h = layers.Flatten()(_up(layers.Rescaling(2, -1)(y), sizes)[-1])
    c = Dense(_FEATURES, "relu")(h)
    mean = Dense(sizes.latent_dim, kernel_initializer="zeros")(c)
    return _named(keras.Model(y, [c, mean], name="pose_features"))


def _named(network):
    """The network, with names of layers that do not depend on what the process built before.

    TensorFlow rewrites sums of many terms, as the gradients of such networks are, in an order that
    depends on names: with others a resumed run would differ in the last bits.
    """
    for number, layer in enumerate(network.layers):
        layer.name = f"{network.name}_{number}"
    return network


def _up(x, sizes):
    """The outputs of the residual blocks from x down to the lowest resolution, two at each."""
    width, outputs = sizes.width, []
    h = _one(width)(x)
    scales = sizes.scales(x.shape[1])
    for scale in range(scales):
        for _ in range(2):
            h = _residual(h, sizes)
            outputs.append(h)
        if scale + 1 < scales:
            width = min(2 * width, sizes.max_width)
            h = WeightNormConv2D(width, 3, 2, padding="same")(h)
    return outputs


def _prior_mean(h, latent, sizes):
    """Mean of p(latent | what h is made of); autoregressive over four groups of its pixels."""
    if latent.shape[1] == 1:
        return _three(sizes.latent_width)(h)
    features = Shuffle(to_depth=True)(_residual(h, sizes))
    groups = layers.Reshape((*(side // 2 for side in latent.shape[1:3]), 4, sizes.latent_width))(
        Shuffle(to_depth=True)(latent)
    )
    means = []
    for i in range(4):
        if i:
            features = _residual(features, sizes, groups[:, :, :, i - 1])
        means.append(_three(sizes.latent_width)(features))
    return Shuffle()(layers.Concatenate()(means))


def _residual(h, sizes, joined=None):
    """h + convolution of h and what is joined to it."""
    channels, inside = h.shape[-1], h
    if joined is not None:
        inside = layers.Concatenate()([h, _one(channels)(layers.ELU()(joined))])
    inside = ChannelDropout(sizes.dropout)(layers.ELU()(inside))
    return layers.Add()([h, _three(channels)(inside)])


def _double(h, channels):
    return Shuffle()(_three(4 * channels)(h))


def _one(channels):
    return WeightNormConv2D(channels, 1)


def _three(channels):
    return WeightNormConv2D(channels, 3, padding="same")


def _as_code(latents):
    return layers.Concatenate()([layers.Flatten()(latent) for latent in latents])


def _as_latents(z, sizes):
    sides = [sizes.bottleneck << level for level in range(_LATENTS)]
    ends = [0, sides[0] ** 2 * sizes.latent_width, sizes.latent_dim]
    return [
        layers.Reshape((side, side, sizes.latent_width))(z[:, start:end])
        for side, start, end in zip(sides, ends[:-1], ends[1:], strict=True)
    ]
