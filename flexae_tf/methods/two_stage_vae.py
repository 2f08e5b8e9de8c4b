"""Two-stage VAE: a VAE with learned variance, then a second VAE of its codes.

Dai and Wipf, "Diagnosing and Enhancing VAE Models". The first `first_stage_steps` iterations train
the first stage; the others leave it as it is and train the second on codes z = mu + sigma epsilon
of its encoder in inference mode, drawn anew each time. Sampling: u ~ N(0, I), z = z_hat(u) +
gamma_z epsilon, x_hat = D(z).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import second_stage
from flexae_tf.algorithm.method import (
    Method,
    Player,
    Setting,
    adam_settings,
    halving_setting,
    optimizer_from,
)
from flexae_tf.data import draws
from flexae_tf.methods import vae
from flexae_tf.model import Density
from flexae_tf.networks import Networks


def settings(variant: str) -> dict[str, Setting]:
    """The rates of the paper's program; a third of the iterations is the first stage's."""
    del variant
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "first_stage_steps": Setting(43_000, "Iterations of the first stage."),
        **vae.sigma_setting(),
        **adam_settings("autoencoder", 1e-4, 0.9, 0.999),
        **adam_settings("second_stage", 1e-4, 0.9, 0.999),
        **halving_setting(),
        "second_stage_halve_every_steps": Setting(0, "The same for the second stage alone."),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """Two-stage VAE with encoder (2m outputs) and decoder of `nets` and the paper's MLPs."""
    latent_dim = settings["latent_dim"]
    width = nets.scaled(second_stage.WIDTH)
    halving = {"halve_rates_every_steps": settings["second_stage_halve_every_steps"]}
    return TwoStageVae(
        first=vae.Vae(
            encoder=nets.encoder(2 * latent_dim),
            decoder=nets.decoder(latent_dim),
            latent_dim=latent_dim,
            optimizer=functools.partial(optimizer_from, settings),
            likelihood="learned_variance",
            sigma=settings["sigma"],
        ),
        second_encoder=second_stage.network(latent_dim, 2 * latent_dim, width),
        second_decoder=second_stage.network(latent_dim, latent_dim, width),
        optimizer=functools.partial(optimizer_from, {**settings, **halving}),
        first_stage_steps=settings["first_stage_steps"],
    )


class SecondStageDensity(Density):
    """z_hat = decoder(u) + gamma epsilon for noise (u, epsilon) of 2m components.

    Args:
      decoder: Keras model u [B, m] -> [B, m].
      log_gamma: `vae.log_gamma` of its likelihood.
    """

    def __init__(self, decoder: keras.Model, log_gamma: keras.Model) -> None:
        super().__init__(draws.noise("normal", 2 * decoder.input_shape[-1]))
        self._decoder, self._log_gamma = decoder, log_gamma

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        u, epsilon = tf.split(n, 2, axis=1)
        z_hat = self._decoder(u, training=False)  # [B, m]
        return z_hat + tf.exp(self._log_gamma.value) * epsilon


class TwoStageVae(Method):
    """Two-stage VAE.

    Args:
      first: the first stage, a `vae.Vae`.
      second_encoder, second_decoder: Keras models z -> [B, 2m] (mean and log of the deviation),
        u -> z_hat.
      optimizer: function from a player's name to its optimizer.
      first_stage_steps: iterations of the first stage.
    """

    def __init__(
        self,
        *,
        first: vae.Vae,
        second_encoder: keras.Model,
        second_decoder: keras.Model,
        optimizer: Callable,
        first_stage_steps: int,
    ) -> None:
        self.first, self.first_stage_steps = first, first_stage_steps
        self.frozen_after = first_stage_steps
        self.second_encoder, self.second_decoder = second_encoder, second_decoder
        self.log_gamma = vae.log_gamma()
        second = {
            "second_encoder": second_encoder,
            "second_decoder": second_decoder,
            "second_log_gamma": self.log_gamma,
        }
        player = Player("second_stage", second.values(), optimizer("second_stage"))
        density = SecondStageDensity(second_decoder, self.log_gamma)
        spec = {**first.draw_spec, "epsilon_u": draws.noise("normal", first.model.latent_dim)}
        super().__init__(
            first.model.sampled_from(density),
            first.networks | second,
            [*first.players.values(), player],
            spec,
            1,
        )

    def step_at(self, iteration: int) -> Callable:
        return self.step if iteration <= self.first_stage_steps else self.second_step

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of the first stage."""
        return self.update(self.first.negative_elbo, drawn[0])

    def second_step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of the second stage."""
        return self.update(self.second_negative_elbo, drawn[0])

    def second_negative_elbo(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The negative ELBO of codes moves the second stage."""
        mu, sigma = self.first.model.encode_distribution(drawn.x)
        z = tf.stop_gradient(mu + sigma * drawn.epsilon)  # [B, m]
        distortion, rate = second_stage.negative_elbo(
            self.second_encoder, self.second_decoder, self.log_gamma.value, z, drawn.epsilon_u
        )
        return {
            "second_stage": distortion + rate,
            "second_elbo/distortion": distortion,
            "second_elbo/rate": rate,
        }

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        mu, sigma = self.first.posterior(z)
        return [mu + sigma * tf.split(drawn.n, 2, axis=1)[0]]
