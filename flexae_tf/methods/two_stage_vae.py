"""Two-stage VAE: a VAE with learned variance, then a second VAE of its codes.

Dai and Wipf, "Diagnosing and Enhancing VAE Models". The first `first_stage_steps` iterations train
the first stage; the others leave it as it is and train the second on codes z = mu + sigma epsilon,
drawn anew each time. Sampling: u ~ N(0, I), z = z_hat(u) + gamma_z epsilon, x_hat = D(z).
"""

import functools

import tensorflow as tf

from flexae_tf.algorithm import second_stage
from flexae_tf.algorithm.method import (
    Method,
    Player,
    Setting,
    adam_from,
    adam_settings,
    halving_setting,
)
from flexae_tf.data import draws
from flexae_tf.methods import vae


def settings(variant):
    """The rates of the paper's program; a third of the iterations is the first stage's."""
    del variant
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "first_stage_steps": Setting(43_000, "Iterations of the first stage."),
        **adam_settings("autoencoder", 1e-4, 0.9, 0.999),
        **adam_settings("second_stage", 1e-4, 0.9, 0.999),
        **halving_setting(),
        "second_stage_halve_every_steps": Setting(0, "The same for the second stage alone."),
    }


def build(nets, settings):
    """Two-stage VAE with encoder (2m outputs) and decoder of `nets` and the paper's MLPs."""
    latent_dim = settings["latent_dim"]
    halving = {"halve_rates_every_steps": settings["second_stage_halve_every_steps"]}
    return TwoStageVae(
        first=vae.Vae(
            encoder=nets.encoder(2 * latent_dim),
            decoder=nets.decoder(latent_dim),
            latent_dim=latent_dim,
            optimizer=functools.partial(adam_from, settings),
            likelihood="learned_variance",
        ),
        second_encoder=second_stage.network(latent_dim, 2 * latent_dim),
        second_decoder=second_stage.network(latent_dim, latent_dim),
        optimizer=functools.partial(adam_from, settings | halving),
        first_stage_steps=settings["first_stage_steps"],
    )


class TwoStageVae(Method):
    """Two-stage VAE.

    Args:
      first: the first stage, a `vae.Vae`.
      second_encoder, second_decoder: Keras models z -> [B, 2m] (mean and log of the deviation),
        u -> z_hat.
      optimizer: function from a player's name to its optimizer.
      first_stage_steps: iterations of the first stage.
    """

    def __init__(self, *, first, second_encoder, second_decoder, optimizer, first_stage_steps):
        self.first, self.first_stage_steps = first, first_stage_steps
        self.second_encoder, self.second_decoder = second_encoder, second_decoder
        self.log_gamma = vae.LogGamma()
        second = {
            "second_encoder": second_encoder,
            "second_decoder": second_decoder,
            "second_log_gamma": self.log_gamma,
        }
        player = Player("second_stage", second.values(), optimizer("second_stage"))
        (latent_dim,) = second_decoder.input_shape[1:]
        spec = first.draw_spec | {"epsilon_u": draws.noise("normal", latent_dim)}
        super().__init__(
            first.networks | second,
            [*first.players.values(), player],
            spec,
            1,
            noise=draws.noise("normal", 2 * latent_dim),
        )

    def step_at(self, iteration):
        return self.step if iteration <= self.first_stage_steps else self.second_step

    def step(self, drawn):
        """One update of the first stage."""
        return self.update(self.first.negative_elbo, drawn[0])

    def second_step(self, drawn):
        """One update of the second stage."""
        return self.update(self.second_negative_elbo, drawn[0])

    def second_negative_elbo(self, drawn):
        """The negative ELBO of codes moves the second stage."""
        mu, sigma = self.posterior(self.first.encoder(drawn.x, training=True))
        z = tf.stop_gradient(mu + sigma * drawn.epsilon)  # [B, m]
        distortion, rate = second_stage.negative_elbo(
            self.second_encoder, self.second_decoder, self.log_gamma.value, z, drawn.epsilon_u
        )
        return {
            "second_stage": distortion + rate,
            "second_elbo/distortion": distortion,
            "second_elbo/rate": rate,
        }

    def prior(self, n):
        u, epsilon = tf.split(n, 2, axis=1)
        z_hat = self.second_decoder(u, training=False)  # [B, m]
        return z_hat + tf.exp(self.log_gamma.value) * epsilon

    def encode_batch(self, x, training=False):
        return self.first.encode_batch(x, training)

    def encode_distribution(self, x):
        return self.first.encode_distribution(x)

    def posterior(self, encoded):
        """mu and sigma [B, m] of the encoder's output."""
        return self.first.posterior(encoded)

    def decoded_codes(self, drawn, z, z_prime):
        mu, sigma = self.posterior(z)
        return [mu + sigma * tf.split(drawn.n, 2, axis=1)[0]]
