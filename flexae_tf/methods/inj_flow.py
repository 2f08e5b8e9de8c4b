"""Injective flow: an autoencoder that maximizes a bound of the likelihood on its manifold.

Kumar, Poole and Murphy, "Regularized Autoencoders via Relaxed Injective Probability Flow", in our
reading: we had not the paper at hand, and know neither its weights nor its networks. With J the
Jacobian of the decoder D at z = E(x) and m the dimension of the codes, an injective D has the log
density log N(z; 0, I) - log det(J^T J) / 2 at D(z). For u uniform on the unit sphere

    log det(J^T J) / 2 <= m E log |J u|                       (the bound they call ln)

by the concavity of the logarithm, so that encoder and decoder minimize

    w |x - D(z)|^2 + |z|^2 / 2 + m log |J u|

with one u for each example. The default w is that of pixels with a standard deviation of 0.1. J u
is the forward-mode product, of all that D does in training mode: it is the change of a minibatch's
outputs when all of its codes move at once, through the batch statistics too. Sampling: N(0, I), or
--density=gmm.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.method import (
    Method,
    Player,
    Setting,
    adam_settings,
    halving_setting,
    optimizer_from,
)
from flexae_tf.data import draws
from flexae_tf.model import Model, StandardNormal
from flexae_tf.networks import Networks

_EPSILON = 1e-12  # beside |J u|^2, which is 0 where a decoder is flat


def settings(variant: str) -> dict[str, Setting]:
    """All of them are ours."""
    del variant
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "reconstruction_weight": Setting(50.0, "Weight w of the squared error."),
        **adam_settings("autoencoder", 1e-4, 0.9, 0.999),
        **halving_setting(),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """Injective flow with encoder and decoder of `nets`."""
    latent_dim = settings["latent_dim"]
    return InjFlow(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        latent_dim=latent_dim,
        optimizer=functools.partial(optimizer_from, settings),
        reconstruction_weight=settings["reconstruction_weight"],
    )


class InjFlow(Method):
    """Injective flow.

    Args:
      encoder, decoder: Keras models x -> z, z -> x_hat.
      latent_dim: m.
      optimizer: function from a player's name to its optimizer.
      reconstruction_weight: w.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        latent_dim: int,
        optimizer: Callable,
        reconstruction_weight: float,
    ) -> None:
        self.encoder, self.decoder = encoder, decoder
        self.latent_dim, self.reconstruction_weight = latent_dim, reconstruction_weight
        player = Player("autoencoder", [encoder, decoder], optimizer("autoencoder"))
        density = StandardNormal(latent_dim)
        spec = {"x": draws.IMAGES, "u": density.noise}
        super().__init__(Model(encoder, decoder, density), {}, [player], spec, 1)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of everything."""
        return self.update(self.negative_bound, drawn[0])

    def negative_bound(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """w |x - D(z)|^2 + |z|^2 / 2 + m log |J u| moves everything."""
        z = self.encoder(drawn.x, training=training)  # [B, m]
        u = tf.math.l2_normalize(drawn.u, axis=1)
        x_hat, moved = pushed_forward(lambda z: self.decoder(z, training=training), z, u)
        error = objectives.squared_error(drawn.x, x_hat)
        prior = tf.reduce_mean(objectives.squared_norms(z)) / 2
        stretched = objectives.squared_norms(moved)  # |J u|^2, [B]
        volume = self.latent_dim / 2 * tf.reduce_mean(tf.math.log(stretched + _EPSILON))
        return {
            "autoencoder": self.reconstruction_weight * error + prior + volume,
            "bound/error": error,
            "bound/prior": prior,
            "bound/volume": volume,
        }

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        return self._validated(self.negative_bound, x)


def pushed_forward(
    function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor, u: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """function(z) and J u, of the same shape. z, u: [B, m].

    J u is the derivative of J^T w by w, for any w. TensorFlow's forward accumulator would spare one
    pass, but loses what goes through the statistics of other replicas.
    """
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(z)
            outputs = function(z)
        w = tf.zeros_like(outputs)
        outer.watch(w)
        pulled_back = inner.gradient(outputs, z, output_gradients=w)  # J^T w, [B, m]
    return outputs, outer.gradient(pulled_back, w, output_gradients=u)
