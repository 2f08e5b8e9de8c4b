"""WAE-GAN: an autoencoder whose codes a critic compares with samples of a fixed prior.

Tolstikhin et al., "Wasserstein Auto-Encoders", in two readings. The FlexAE paper's WAE, the
default, is FlexAE with the generator replaced by the prior: Eq. 6's critic, FlexAE's players, rates
and order of updates. The original's, by its program, is

    --divergence=js --joint_update --critic_steps=1 --divergence_weight=LAMBDA

where |x - D(E(x))|^2 + lambda divergence moves encoder and decoder at once, and then the critic
moves on the same minibatch. The program's lambda is converted as in wae_mmd.py; undivided it also
weighs the critic's own loss, which Adam does not notice but for its epsilon: 1e-8 / 10 on MNIST and
1e-8 / 100 on CelebA here. Noise and pre-training are in `algorithm/wae.py`; the noise on x is drawn
anew for the critic there, and is the same here. The critic is Table 8's in both readings: four
layers of 1,024 units, as the program has for CelebA (512 for MNIST), with the initial weights of
`networks.flexae` instead of N(0, 0.01).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import divergences, objectives, priors, wae
from flexae_tf.algorithm.divergences import JensenShannon, Wasserstein
from flexae_tf.algorithm.method import Method, Player, Setting, optimizer_from
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.methods import flexae
from flexae_tf.model import FixedDensity, Model
from flexae_tf.networks import Networks

# Settings that are arguments of WaeGan.
_PASSED = ("divergence_weight", "joint_update", "input_noise", "pretraining_steps")


def settings(variant: str) -> dict[str, Setting]:
    """FlexAE's settings but for its generator's."""
    shared, of_generator = flexae.settings(variant), ("generator_", "noise")
    return {
        **priors.settings(),
        "divergence": Setting("wgan_gp", "Of codes and prior.", divergences.DIVERGENCES),
        "divergence_weight": Setting(1.0, "lambda, weight of the divergence for the encoder."),
        "joint_update": Setting(False, "Error and divergence move the encoder at once (WAE)."),
        "critic_adds_prior": Setting(
            False, "With js, the critic learns its logit but for -log p(z) (WAE on CelebA)."
        ),
        **wae.settings(),
        **{name: setting for name, setting in shared.items() if not name.startswith(of_generator)},
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """WAE-GAN with encoder and decoder of `nets` and Table 8's critic."""
    latent_dim, variance = settings["latent_dim"], settings["prior_variance"]
    weight = settings["gradient_penalty_weight"]
    return WaeGan(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        latent_critic=nets.latent_critic(latent_dim),
        optimizer=functools.partial(optimizer_from, settings),
        prior=priors.prior(settings["prior"], latent_dim, variance, settings["gmm_centers"]),
        divergence=divergences.divergence(settings["divergence"], weight),
        reconstruction_loss=objectives.RECONSTRUCTION_LOSSES[settings["reconstruction_loss"]],
        critic_steps=settings["critic_steps"],
        **_verdict(settings),
        **{name: settings[name] for name in _PASSED},
    )


def _verdict(settings):
    """The argument `verdict` of WaeGan."""
    if not settings["critic_adds_prior"]:
        return {}
    if (settings["divergence"], settings["prior"]) != ("js", "normal"):
        raise UserError("--critic_adds_prior needs --divergence=js and --prior=normal")
    variance = settings["prior_variance"]
    return {"verdict": functools.partial(divergences.adding_prior, variance=variance)}


class WaeGan(wae.Wae):
    """WAE-GAN.

    Args:
      encoder, decoder, latent_critic: Keras models x -> z, z -> x_hat and z -> [B, 1].
      optimizer: function from a player's name to its optimizer.
      prior: sampler of P_z, (seed, n) -> [n, m].
      divergence: of `divergences`.
      reconstruction_loss: function (x, x_hat) -> scalar.
      critic_steps: critic updates per iteration.
      divergence_weight: lambda.
      joint_update: whether one update of "autoencoder" minimizes error and divergence, so that
        there is no player "encoder".
      verdict: function from the critic to what the divergence sees of it.
      input_noise, pretraining_steps: as `wae.Wae`.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        latent_critic: keras.Model,
        optimizer: Callable,
        prior: Callable,
        divergence: Wasserstein | JensenShannon,
        reconstruction_loss: Callable = objectives.squared_error,
        critic_steps: int = 5,
        divergence_weight: float = 1.0,
        joint_update: bool = False,
        verdict: Callable = lambda critic: critic,
        input_noise: float = 0.0,
        pretraining_steps: int = 0,
    ) -> None:
        self.encoder, self.decoder, self.latent_critic = encoder, decoder, latent_critic
        self.divergence, self.reconstruction_loss = divergence, reconstruction_loss
        self.divergence_weight, self.joint_update = divergence_weight, joint_update
        self.verdict = verdict(latent_critic)
        moves = {"autoencoder": [encoder, decoder], "latent_critic": [latent_critic]}
        moves |= {} if joint_update else {"encoder": [encoder]}
        super().__init__(
            Model(encoder, decoder, FixedDensity(prior)),
            {"latent_critic": latent_critic},
            [Player(name, models, optimizer(name)) for name, models in moves.items()],
            {"x": draws.IMAGES, "z_hat": prior, "alpha": draws.uniform},
            critic_steps if joint_update else 1 + critic_steps,
            optimizer=optimizer,
            input_noise=input_noise,
            pretraining_steps=pretraining_steps,
        )

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One minibatch for the reconstruction, one for each critic update, the last one again.

        Jointly: one minibatch for each critic update, the first also for all else, before.
        """
        if self.joint_update:
            reported = self.update(self.joint_loss, drawn[0])
            for draw in drawn:
                reported |= self.update(self.criticize, draw)
            return reported
        reported = self.update(self.reconstruct_loss, drawn[0])
        for draw in drawn[1:]:
            reported |= self.update(self.criticize, draw)
        return reported | self.update(self.match, drawn[-1])

    def joint_loss(self, drawn: Any) -> dict[str, tf.Tensor]:
        """Error and divergence move encoder and decoder."""
        z = self.encode(drawn)  # [B, m]
        error = self.reconstruction_loss(drawn.x, self.decoder(z, training=True))
        divergence = self.divergence.lower(self.verdict, z)
        loss = error + self.divergence_weight * divergence
        return {"autoencoder": loss, "wae/error": error, "wae/divergence": divergence}

    def reconstruct_loss(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The reconstruction error moves encoder and decoder."""
        x_hat = self.decoder(self.encode(drawn), training=True)
        return {"autoencoder": self.reconstruction_loss(drawn.x, x_hat)}

    def criticize(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The critic tells codes from samples of the prior."""
        z = tf.stop_gradient(self.encode(drawn))  # [B, m]
        return self.divergence.criticize(
            "latent_critic", {"latent_critic": self.verdict}, z, drawn.z_hat, drawn.alpha
        )

    def match(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The encoder makes codes look like samples of the prior."""
        divergence = self.divergence.lower(self.verdict, self.encode(drawn))
        return {"encoder": self.divergence_weight * divergence}
