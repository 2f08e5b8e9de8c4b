"""FlexAE and FlexAE-SR: a Wasserstein autoencoder whose prior is learned with it.

"FlexAE: Flexibly Learning Latent Priors for Wasserstein Auto-Encoders", Eq. 5 to 10 and
Algorithm 1. Symbols: E encoder, D decoder, G prior generator, C latent critic, C_s image critic;
x, x_prime two independent minibatches, n noise, z = E(x), z_hat = G(n), z_inp = an interpolation of
E(x) and E(x_prime), x_inp = D(z_inp). All networks run with batch statistics.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.divergences import Wasserstein
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.data import draws
from flexae_tf.model import GeneratedDensity, Model
from flexae_tf.networks import Networks


def settings(variant: str) -> dict[str, Setting]:
    """The settings of FlexAE. The paper and its program differ in the generator's rate."""
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "noise_dim": Setting(None, "Dimension m' of the noise; the codes' by default."),
        "noise": Setting("normal", "Distribution of the noise n.", draws.SAMPLERS),
        "reconstruction_loss": Setting(
            "mse", "Or of another kind.", objectives.RECONSTRUCTION_LOSSES
        ),
        "critic_steps": Setting(5, "Critic updates per iteration (disc_training_ratio)."),
        "gradient_penalty_weight": Setting(10.0, "beta of Eq. 6 and 9."),
        "generator_layers": Setting(None, "Hidden layers of the generator; 4 (vectors: 1)."),
        "generator_width": Setting(None, "Units of each; 1024 (vectors: 128)."),
        **adam_settings("autoencoder", 2e-4, 0.9, 0.999),
        **adam_settings("latent_critic", 1e-4, 0.0, 0.9),
        **adam_settings("generator", {"paper": 1e-4, "released": 2e-4}[variant], 0.0, 0.9),
        **adam_settings("encoder", 1e-5, 0.0, 0.9),
    }


def build(
    nets: Networks, settings: Mapping[str, Any], image_critic: keras.Model | None = None
) -> Method:
    """FlexAE with the networks of Tables 6 to 8 and six Adam optimizers (four without C_s)."""
    latent_dim, noise_dim = settings["latent_dim"], settings["noise_dim"]
    noise_width = draws.noise_width(settings["noise"], noise_dim)
    capacity = settings["generator_layers"], settings["generator_width"]
    return FlexAE(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        generator=nets.generator(noise_width, latent_dim, *capacity),
        latent_critic=nets.latent_critic(latent_dim),
        image_critic=image_critic,
        optimizer=functools.partial(optimizer_from, settings),
        noise=draws.noise(settings["noise"], noise_dim),
        reconstruction_loss=objectives.RECONSTRUCTION_LOSSES[settings["reconstruction_loss"]],
        critic_steps=settings["critic_steps"],
        gradient_penalty_weight=settings["gradient_penalty_weight"],
    )


class FlexAE(Method):
    """FlexAE; with an image critic, FlexAE-SR.

    Args:
      encoder, decoder, generator, latent_critic, image_critic: Keras models x -> z, z -> x_hat,
        n -> z_hat, z -> [B, 1] and x -> [B, 1], the last for FlexAE-SR only.
      optimizer: function from a player's name to its optimizer. noise: sampler of n.
      reconstruction_loss: function (x, x_hat) -> scalar.
      critic_steps: critic updates per iteration. gradient_penalty_weight: beta of Eq. 6 and 9.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        generator: keras.Model,
        latent_critic: keras.Model,
        image_critic: keras.Model | None = None,
        optimizer: Callable,
        noise: Callable,
        reconstruction_loss: Callable = objectives.squared_error,
        critic_steps: int = 5,
        gradient_penalty_weight: float = 10.0,
    ) -> None:
        self.encoder, self.decoder, self.generator = encoder, decoder, generator
        self.latent_critic, self.image_critic = latent_critic, image_critic
        self.reconstruction_loss = reconstruction_loss
        self.divergence = Wasserstein(gradient_penalty_weight)
        moves = {"autoencoder": [encoder, decoder], "latent_critic": [latent_critic]}
        moves |= {"generator": [generator], "encoder": [encoder]}
        models = {"generator": generator, "latent_critic": latent_critic}
        if image_critic is not None:
            models["image_critic"] = image_critic
            moves |= {"image_critic": [image_critic], "smoothing": [encoder, decoder]}
        spec = {"x": draws.IMAGES, "x_prime": draws.IMAGES, "n": noise}
        spec |= dict.fromkeys(("alpha_z", "alpha_x", "gamma", "gamma_smoothing"), draws.uniform)
        players = [Player(name, models, optimizer(name)) for name, models in moves.items()]
        model = Model(encoder, decoder, GeneratedDensity(generator, noise))
        super().__init__(model, models, players, spec, 1 + critic_steps)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """Algorithm 1: one minibatch for L_AE, one for each critic update, the last one reused."""
        reported = self.update(self.reconstruct_loss, drawn[0])
        for draw in drawn[1:]:
            reported |= self.update(self.criticize, draw)
        if self.image_critic is not None:
            reported |= self.update(self.smooth, drawn[-1])
        return reported | self.update(self.match, drawn[-1])

    def reconstruct_loss(self, drawn: Any) -> dict[str, tf.Tensor]:
        """L_AE (Eq. 5) moves encoder and decoder."""
        x_hat = self.decoder(self.encoder(drawn.x, training=True), training=True)
        return {"autoencoder": self.reconstruction_loss(drawn.x, x_hat)}

    def criticize(self, drawn: Any) -> dict[str, tf.Tensor]:
        """L_Critic (Eq. 6) moves the latent critic and L_Reg (Eq. 9) the image critic."""
        z = tf.stop_gradient(self.encoder(drawn.x, training=True))  # [B, m]
        z_hat = tf.stop_gradient(self.generator(drawn.n, training=True))  # [B, m]
        criticize, critics = self.divergence.criticize, self.networks
        reported = criticize("latent_critic", critics, z, z_hat, drawn.alpha_z)
        if self.image_critic is not None:
            x_inp = tf.stop_gradient(self._decoded_interpolation(drawn, z, drawn.gamma))
            reported |= criticize("image_critic", critics, drawn.x, x_inp, drawn.alpha_x)
        return reported

    def smooth(self, drawn: Any) -> dict[str, tf.Tensor]:
        """L_AEReg (Eq. 10) moves encoder and decoder towards realistic interpolations."""
        z = self.encoder(drawn.x, training=True)
        x_inp = self._decoded_interpolation(drawn, z, drawn.gamma_smoothing)
        return {"smoothing": self.divergence.raise_(self.networks["image_critic"], x_inp)}

    def match(self, drawn: Any) -> dict[str, tf.Tensor]:
        """L_Gen (Eq. 7) moves the generator, L_Enc (Eq. 8) the encoder: neither reads the other."""
        z_hat = self.generator(drawn.n, training=True)
        z = self.encoder(drawn.x, training=True)
        return {
            "generator": self.divergence.raise_(self.latent_critic, z_hat),
            "encoder": self.divergence.lower(self.latent_critic, z),
        }

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        codes = [z, self.generator(drawn.n, training=False)]
        if self.image_critic is not None:
            codes.append(objectives.interpolate(z, z_prime, drawn.gamma))
        return codes

    def _decoded_interpolation(self, drawn, z, gamma):
        z_prime = self.encoder(drawn.x_prime, training=True)
        return self.decoder(objectives.interpolate(z, z_prime, gamma), training=True)
