"""MaskAAE: an adversarial autoencoder that learns which dimensions of its codes to use.

Mondal et al., "MaskAAE: Latent Space Optimization for Adversarial Auto-Encoders", as the program
released for MNIST has it. z = E(x), n ~ N(0, I), and a mask alpha = 1 - exp(-a), a >= 0, multiplies
both: codes are alpha z and the prior's samples alpha n. The critic C tells the two apart, and of
them the others minimize (gap is mean C(alpha z) - mean C(alpha n); C is the program's -C)

    encoder         mean C(alpha z)
    autoencoder     error + 100 mean_ij (z_ij - mean_i z_ij)^2 exp(-10 alpha_j^2)
    mask            1000 error + (1 + gap)^2 + c sum_j alpha_j (1 - alpha_j)

Of the mask's updates and an interval I, which follows from m: c = 2 / m doubles every 4 I up to
2048, and after 5 I the rates of autoencoder and mask are a fifth. The program divides their losses,
which RMSProp, with steps g / sqrt(mean of g^2), undoes within some tens of updates. So does
`--variant=released`, with the program's RMSProp and rates; "paper" divides rates and has Algorithm
1's for what WAE-GAN has, too. The program's networks are `--networks=mask_aae`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import masks, objectives
from flexae_tf.algorithm.divergences import Wasserstein
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, rmsprop_settings
from flexae_tf.algorithm.replicas import of_all_replicas
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.methods import flexae
from flexae_tf.model import GeneratedDensity, Model
from flexae_tf.networks import Networks

_RATES = {"autoencoder": 5e-4, "latent_critic": 1e-4, "encoder": 1e-4, "mask": 5e-4}


def settings(variant: str) -> dict[str, Setting]:
    """The program's but for what the head of this file says."""
    shared, kept = flexae.settings(variant), ("latent_", "autoencoder_", "encoder_", "critic_")
    of_players = {name: setting for name, setting in shared.items() if name.startswith(kept)}
    of_players |= adam_settings("mask", _RATES["mask"], 0.9, 0.999)
    if variant == "released":
        for player, rate in _RATES.items():
            of_players |= rmsprop_settings(player, rate, 0.9)
    return {
        **of_players,
        "gradient_penalty_weight": shared["gradient_penalty_weight"],
        **masks.settings(variant),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """MaskAAE with networks of `nets`; the critic (Table 8's, of vectors 6's) has biases of 0."""
    from flexae_tf.networks.layers import Mask

    m, error = settings["latent_dim"], settings["reconstruction_loss"]
    if error == "bce" and len(nets.shape) == 1:
        raise UserError("--reconstruction_loss=bce is for images in [0, 1], not for vectors")
    schedule = masks.MaskSchedule(m, settings["mask_interval_steps"], settings["mask_divides"])
    return MaskAae(
        encoder=nets.encoder(m),
        decoder=nets.decoder(m),
        latent_critic=nets.latent_critic(m),
        mask=keras.Sequential([keras.Input((m,)), Mask()], name="mask"),
        schedule=schedule,
        optimizer=functools.partial(masks.optimizer_from, settings, schedule),
        reconstruction_loss=masks.ERRORS[error],
        critic_steps=settings["critic_steps"],
        **{name: value for name, value in settings.items() if name.endswith("_weight")},
    )


class MaskAae(Method):
    """MaskAAE.

    Args:
      encoder, decoder, latent_critic: Keras models x -> z, alpha z -> x_hat, alpha z -> [B, 1].
      mask: Keras model z -> alpha z, whose last layer is a `layers.Mask`. schedule: of it.
      optimizer: function from a player's name to its optimizer.
      reconstruction_loss: function (x, x_hat) -> scalar. critic_steps: per iteration.
      gradient_penalty_weight: of the critic. variance_penalty_weight, mask_error_weight: 100 and
        1000 above.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        latent_critic: keras.Model,
        mask: keras.Model,
        schedule: masks.MaskSchedule,
        optimizer: Callable,
        reconstruction_loss: Callable,
        critic_steps: int,
        gradient_penalty_weight: float,
        variance_penalty_weight: float,
        mask_error_weight: float,
    ) -> None:
        self.encoder, self.decoder, self.latent_critic = encoder, decoder, latent_critic
        self.mask, self.schedule, self.reconstruction_loss = mask, schedule, reconstruction_loss
        self.divergence = Wasserstein(gradient_penalty_weight)
        self.variance_penalty_weight = variance_penalty_weight
        self.mask_error_weight = mask_error_weight
        moves = {"autoencoder": [encoder, decoder], "latent_critic": [latent_critic]}
        moves |= {"encoder": [encoder], "mask": [mask]}
        players = [Player(name, networks, optimizer(name)) for name, networks in moves.items()]
        self._updates = players[-1].optimizer.iterations  # of the mask
        noise = draws.noise("normal", schedule.latent_dim)
        density = GeneratedDensity(mask, noise)
        masked, active = lambda z: (mask(z), None), lambda: masks.active(self.alpha)
        model = Model(encoder, decoder, density, masked, active=active)
        networks = {"latent_critic": latent_critic, "mask": mask}
        spec = {"x": draws.IMAGES, "n": noise, "gamma": draws.uniform}
        super().__init__(model, networks, players, spec, 3 + critic_steps)

    @property
    def alpha(self) -> tf.Tensor:
        """The mask, [m] in [0, 1)."""
        return self.mask.layers[-1].alpha

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """A minibatch for the error, one for each critic update, for the encoder and the mask."""
        first, *for_critic, for_encoder, for_mask = drawn
        reported = self.update(self.reconstruct_loss, first)
        for draw in for_critic:
            reported |= self.update(self.criticize, draw)
        return reported | self.update(self.match, for_encoder) | self.update(self.select, for_mask)

    def reconstruct_loss(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The error and the variance of masked dimensions move encoder and decoder."""
        z = self.encoder(drawn.x, training=True)  # [B, m]
        error = self.reconstruction_loss(drawn.x, self.decoder(self.mask(z), training=True))
        every = of_all_replicas(z, self.xla)
        penalty = masks.variance_penalty(every, self.alpha)
        loss = error + self.variance_penalty_weight * penalty
        return {
            "autoencoder": self.schedule.loss_factor(self._updates) * loss,
            "mask/variance_penalty": penalty,
            "mask/variances": tf.math.reduce_variance(every, axis=0),  # [m]
        }

    def criticize(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The critic tells masked codes from masked samples of the prior."""
        z, z_hat = map(tf.stop_gradient, (self._codes(drawn), self.mask(drawn.n)))  # [B, m] each
        return self.divergence.criticize("latent_critic", self.networks, z, z_hat, drawn.gamma)

    def match(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The encoder makes masked codes look like masked samples of the prior."""
        return {"encoder": self.divergence.lower(self.latent_critic, self._codes(drawn))}

    def select(self, drawn: Any) -> dict[str, tf.Tensor]:
        """Error, gap and polarization move the mask."""
        codes, alpha = self._codes(drawn), self.alpha  # [B, m], [m]
        error = self.reconstruction_loss(drawn.x, self.decoder(codes, training=True))
        verdicts = objectives.verdicts(self.latent_critic, codes, self.mask(drawn.n))
        real, fake = tf.unstack(of_all_replicas(tf.concat(verdicts, 1), self.xla), axis=1)
        matching = tf.square(1 + tf.reduce_mean(real - fake))
        weight, polarization = self.schedule.weight(self._updates), masks.polarization(alpha)
        loss = self.mask_error_weight * error + matching + weight * polarization
        return {
            "mask": self.schedule.loss_factor(self._updates) * loss,
            "mask/alpha": alpha,
            "mask/active_dimensions": tf.reduce_sum(tf.cast(masks.active(alpha), tf.float32)),
            "mask/polarization": polarization,
            "mask/polarization_weight": weight,
        }

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        return [self.mask(z)]

    def _codes(self, drawn):
        return self.model.encode_batch(drawn.x, training=True)
