"""WAE-GAN: an autoencoder whose codes a critic compares with samples of a fixed prior.

Tolstikhin et al., "Wasserstein Auto-Encoders". The FlexAE paper's WAE is FlexAE with the generator
replaced by the prior, so the critic of `wgan_gp`, the default, is Eq. 6's; `js` is the original's
divergence. The players, their rates and the order of their updates are FlexAE's.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.algorithm import divergences, objectives
from flexae_tf.algorithm.divergences import JensenShannon, Wasserstein
from flexae_tf.algorithm.method import Method, Player, Setting, adam_from
from flexae_tf.data import draws, synthetic
from flexae_tf.errors import UserError
from flexae_tf.methods import flexae
from flexae_tf.model import FixedDensity, Model
from flexae_tf.networks import Networks

_COMPONENTS = 6
_RADIUS = 5.0


def settings(variant: str) -> dict[str, Setting]:
    """FlexAE's settings but for its generator's."""
    shared, of_generator = flexae.settings(variant), ("generator_", "noise")
    return {
        "prior": Setting("normal", "P_z: N(0, I) or a mixture of Gaussians.", ("normal", "gmm")),
        "gmm_centers": Setting(
            "auto",
            "synthetic: the true mixture of the synthetic data (m = 2 or 5); circle: six of unit "
            "variance, at distance 5 in the first two coordinates; auto: the first that applies.",
            ("auto", "synthetic", "circle"),
        ),
        "divergence": Setting("wgan_gp", "Of codes and prior.", divergences.DIVERGENCES),
        **{name: setting for name, setting in shared.items() if not name.startswith(of_generator)},
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """WAE-GAN with encoder and decoder of `nets` and Table 8's critic."""
    latent_dim = settings["latent_dim"]
    weight = settings["gradient_penalty_weight"]
    return WaeGan(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        latent_critic=nets.latent_critic(latent_dim),
        optimizer=functools.partial(adam_from, settings),
        prior=_prior(settings["prior"], latent_dim, settings["gmm_centers"]),
        divergence=divergences.divergence(settings["divergence"], weight),
        reconstruction_loss=objectives.RECONSTRUCTION_LOSSES[settings["reconstruction_loss"]],
        critic_steps=settings["critic_steps"],
    )


def _prior(name, latent_dim, centers):
    """The sampler of P_z."""
    if name == "normal":
        return draws.noise("normal", latent_dim)
    if latent_dim < 2:
        raise UserError(f"--prior=gmm needs --latent_dim of at least 2; received {latent_dim}")
    is_synthetic = latent_dim in (2, 5)
    if centers == "synthetic" and not is_synthetic:
        raise UserError(
            f"--gmm_centers=synthetic needs --latent_dim=2 or 5; received {latent_dim}: "
            "use --gmm_centers=circle"
        )
    if is_synthetic and centers != "circle":
        return draws.mixture(synthetic.MEANS[:, :latent_dim], synthetic.VARIANCES)
    angle = 2 * np.pi * np.arange(_COMPONENTS) / _COMPONENTS
    means = np.zeros([_COMPONENTS, latent_dim])
    means[:, :2] = _RADIUS * np.stack([np.cos(angle), np.sin(angle)], 1)
    return draws.mixture(means, np.ones(_COMPONENTS))


class WaeGan(Method):
    """WAE-GAN.

    Args:
      encoder, decoder, latent_critic: Keras models x -> z, z -> x_hat and z -> [B, 1].
      optimizer: function from a player's name to its optimizer.
      prior: sampler of P_z, (seed, n) -> [n, m].
      divergence: of `divergences`.
      reconstruction_loss: function (x, x_hat) -> scalar.
      critic_steps: critic updates per iteration.
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
    ) -> None:
        self.encoder, self.decoder, self.latent_critic = encoder, decoder, latent_critic
        self.divergence, self.reconstruction_loss = divergence, reconstruction_loss
        moves = {
            "autoencoder": [encoder, decoder],
            "latent_critic": [latent_critic],
            "encoder": [encoder],
        }
        players = [Player(name, models, optimizer(name)) for name, models in moves.items()]
        spec = {"x": draws.IMAGES, "z_hat": prior, "alpha": draws.uniform}
        model = Model(encoder, decoder, FixedDensity(prior))
        super().__init__(model, {"latent_critic": latent_critic}, players, spec, 1 + critic_steps)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One minibatch for the reconstruction, one for each critic update, the last one again."""
        reported = self.update(self.reconstruct_loss, drawn[0])
        for draw in drawn[1:]:
            reported |= self.update(self.criticize, draw)
        return reported | self.update(self.match, drawn[-1])

    def reconstruct_loss(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The reconstruction error moves encoder and decoder."""
        x_hat = self.decoder(self.encoder(drawn.x, training=True), training=True)
        return {"autoencoder": self.reconstruction_loss(drawn.x, x_hat)}

    def criticize(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The critic tells codes from samples of the prior."""
        z = tf.stop_gradient(self.encoder(drawn.x, training=True))  # [B, m]
        return self.divergence.criticize(
            "latent_critic", self.networks, z, drawn.z_hat, drawn.alpha
        )

    def match(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The encoder makes codes look like samples of the prior."""
        z = self.encoder(drawn.x, training=True)
        return {"encoder": self.divergence.lower(self.latent_critic, z)}
