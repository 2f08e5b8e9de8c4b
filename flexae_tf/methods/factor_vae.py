"""FactorVAE: a VAE whose codes should have independent components.

Kim and Mnih, "Disentangling by Factorising", in the form of Locatello et al.'s disentanglement_lib:
with T(z) the log-odds by which a critic tells codes from codes whose components were permuted over
the minibatch, each for itself,

    encoder and decoder minimize   -ELBO + w E T(z),     E T(z) ~ TC(z) = KL(q(z) || prod_j q(z_j))
    the critic minimizes           E log(1 + exp(-T(z))) / 2 + E log(1 + exp(T(z_perm))) / 2,

in one step each at the same weights and of the same minibatch, as in that program; the paper's
Algorithm 2 takes a second minibatch for z_perm. The weight is the one Morrow and Chiu compare with.
The critic has one output, the difference of the program's two logits. Above one replica the codes
of all are permuted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm.likelihoods import kl_to_standard_normal
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.algorithm.replicas import of_all_replicas
from flexae_tf.data import draws
from flexae_tf.methods import vae
from flexae_tf.networks import Networks

_WIDTH, _LAYERS, _SLOPE = 1000, 6, 0.2


def settings(variant: str) -> dict[str, Setting]:
    """Morrow and Chiu's weight; the critic's rate and betas are ours, for want of the program's."""
    return {
        **vae.settings(variant),
        "total_correlation_weight": Setting(40.0, "Weight of the total correlation."),
        **adam_settings("latent_critic", 1e-4, 0.5, 0.9),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """FactorVAE with encoder (2m outputs) and decoder of `nets` and the paper's critic."""
    from flexae_tf.networks.layers import Dense

    width, hidden = nets.scaled(_WIDTH), []
    for _ in range(_LAYERS):
        hidden += [Dense(width), keras.layers.LeakyReLU(_SLOPE)]
    return FactorVae(
        autoencoder=vae.build(nets, settings),
        latent_critic=keras.Sequential(
            [keras.Input((settings["latent_dim"],)), *hidden, Dense(1)], name="latent_critic"
        ),
        optimizer=functools.partial(optimizer_from, settings),
        total_correlation_weight=settings["total_correlation_weight"],
    )


class FactorVae(Method):
    """FactorVAE.

    Args:
      autoencoder: a `vae.Vae`.
      latent_critic: Keras model z -> T(z) [B, 1].
      optimizer: function from a player's name to its optimizer.
      total_correlation_weight: w.
    """

    def __init__(
        self,
        *,
        autoencoder: vae.Vae,
        latent_critic: keras.Model,
        optimizer: Callable,
        total_correlation_weight: float,
    ) -> None:
        self.autoencoder, self.latent_critic = autoencoder, latent_critic
        self.total_correlation_weight = total_correlation_weight
        critic = Player("latent_critic", [latent_critic], optimizer("latent_critic"))
        order = draws.normal_like([autoencoder.model.latent_dim])
        super().__init__(
            autoencoder.model,
            autoencoder.networks | {"latent_critic": latent_critic},
            [*autoencoder.players.values(), critic],
            {**autoencoder.draw_spec, "order": order},
            1,
        )

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of both players at the same weights."""
        return self.update(self.play, drawn[0])

    def play(self, drawn: Any) -> dict[str, tf.Tensor]:
        """-ELBO + w E T(z) moves encoder and decoder, the cross-entropy the critic."""
        mu, sigma, z, distortion = self.autoencoder.pass_through(drawn, training=True)
        rate = kl_to_standard_normal(mu, sigma)
        odds = self.latent_critic(z)  # [B, 1]
        rows = of_all_replicas(tf.concat([tf.stop_gradient(z), drawn.order], 1), self.xla)
        permuted = permuted_components(*tf.split(rows, 2, axis=1))
        losses = tf.math.softplus(-odds), tf.math.softplus(self.latent_critic(permuted))
        correlation = tf.reduce_mean(odds)
        weighted = self.total_correlation_weight * correlation
        return {
            "autoencoder": distortion + self.autoencoder.beta * rate + weighted,
            "latent_critic": tf.add_n([tf.reduce_mean(loss) for loss in losses]) / 2,
            "elbo/distortion": distortion,
            "elbo/rate": rate,
            "elbo/total_correlation": correlation,
        }

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        return self.autoencoder.decoded_codes(drawn, z, z_prime)


def permuted_components(z: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
    """Codes whose components have the order of numbers of their own. z, order, result: [B, m]."""
    places = tf.argsort(order, axis=0)  # [B, m]
    return tf.transpose(tf.gather(tf.transpose(z), tf.transpose(places), batch_dims=1))
