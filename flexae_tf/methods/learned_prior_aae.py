"""AAE with a learned prior: a discriminator between codes and the samples of an MLP.

Morrow and Chiu's study of generative autoencoders whose latent space is not regularized: with D the
discriminator's probability of a prior sample,

    D maximizes                 E log D(z_hat) + E log(1 - D(z))
    the prior maximizes         E -log D(z_hat)
    encoder and decoder         E log p(x|z) - beta E log(1 - D(z)),   p(x|z) = N(D(z), I)

with Adam for each. The paper maximizes the three "iteratively" and its bilevel objective by
simultaneous gradient ascent, so here they take one step each at the same weights. beta = 0 leaves
the latent space to the reconstruction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import divergences, objectives
from flexae_tf.algorithm.divergences import JensenShannon, Wasserstein
from flexae_tf.algorithm.method import (
    Method,
    Player,
    Setting,
    adam_settings,
    halving_setting,
    optimizer_from,
)
from flexae_tf.data import draws
from flexae_tf.model import GeneratedDensity, Model
from flexae_tf.networks import Networks

_WIDTH = 1024
_PLAYERS = ("autoencoder", "latent_critic", "generator")


def settings(variant: str) -> dict[str, Setting]:
    """The paper's one rate for all; it does not say the dimension of the noise."""
    del variant
    rates = [adam_settings(player, 1e-4, 0.9, 0.999) for player in _PLAYERS]
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "noise_dim": Setting(None, "Dimension m' of the noise; the codes' by default."),
        "beta": Setting(1.0, "Weight of matching the codes to the prior, for the encoder."),
        "saturating": Setting(True, "The terms as printed; false: the usual ones with gradients."),
        **{name: setting for rate in rates for name, setting in rate.items()},
        **halving_setting(),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """Learned-prior AAE with encoder and decoder of `nets` and the paper's MLPs."""
    from flexae_tf.networks.layers import BatchNormalization, Dense

    latent_dim, noise_dim = settings["latent_dim"], settings["noise_dim"]
    width, hidden = nets.scaled(_WIDTH), []
    for _ in range(3):
        hidden += [Dense(width), BatchNormalization(), keras.layers.ReLU()]
    critic = [Dense(width, "relu"), Dense(width, "relu"), Dense(1)]
    return LearnedPriorAae(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        generator=keras.Sequential(
            [keras.Input((noise_dim,)), *hidden, Dense(latent_dim)],
            name="generator",
        ),
        latent_critic=keras.Sequential([keras.Input((latent_dim,)), *critic], name="latent_critic"),
        optimizer=functools.partial(optimizer_from, settings),
        noise=draws.noise("normal", noise_dim),
        beta=settings["beta"],
        divergence=divergences.JensenShannon(settings["saturating"]),
    )


class LearnedPriorAae(Method):
    """AAE with a learned prior.

    Args:
      encoder, decoder, generator, latent_critic: Keras models x -> z, z -> x_hat, n -> z_hat and
        z -> [B, 1].
      optimizer: function from a player's name to its optimizer.
      noise: sampler of n.
      beta: weight of the encoder's adversarial term.
      divergence: of `divergences`.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        generator: keras.Model,
        latent_critic: keras.Model,
        optimizer: Callable,
        noise: Callable,
        beta: float,
        divergence: Wasserstein | JensenShannon,
    ) -> None:
        self.encoder, self.decoder = encoder, decoder
        self.generator, self.latent_critic = generator, latent_critic
        self.beta, self.divergence = beta, divergence
        moves = {
            "autoencoder": [encoder, decoder],
            "latent_critic": [latent_critic],
            "generator": [generator],
        }
        players = [Player(name, models, optimizer(name)) for name, models in moves.items()]
        model = Model(encoder, decoder, GeneratedDensity(generator, noise))
        models = {"generator": generator, "latent_critic": latent_critic}
        super().__init__(model, models, players, {"x": draws.IMAGES, "n": noise}, 1)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of all three players at the same weights."""
        return self.update(self.play, drawn[0])

    def play(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The three objectives; each player's gradient is of its own loss only."""
        z = self.encoder(drawn.x, training=True)  # [B, m]
        z_hat = self.generator(drawn.n, training=True)  # [B, m]
        error = objectives.squared_error(drawn.x, self.decoder(z, training=True))
        adversarial = self.divergence.lower(self.latent_critic, z)
        reported = self.divergence.criticize("latent_critic", self.networks, z, z_hat, None)
        return reported | {
            "autoencoder": error / 2 + self.beta * adversarial,
            "generator": self.divergence.raise_(self.latent_critic, z_hat),
            "aae/error": error,
        }

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        # In training mode, for the statistics of the generator itself.
        return [z, self.generator(drawn.n, training=True)]
