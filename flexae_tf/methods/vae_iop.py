"""VAE-IOP: a VAE whose prior is the aggregated posterior, by an estimate of its density ratio.

Takahashi et al., "Variational Autoencoder with Implicit Optimal Priors". The prior that maximizes
the ELBO is q(z) = E q(z|x). With T(z) the log-odds by which a critic tells codes z ~ q(z|x) from
z ~ N(0, I), whose optimum is log q(z) - log N(z; 0, I),

    encoder and decoder minimize   -log p(x|z) + beta (KL(q(z|x) || N(0, I)) - E T(z))
    the critic minimizes           E log(1 + exp(-T(z))) + E log(1 + exp(T(n))),    n ~ N(0, I),

in turn, each with the other as it is. The paper does not say how to sample: here of
`--proposals` samples of N(0, I) one is chosen with a probability in proportion to exp T
(`algorithm.resampling`); `--density=aggregated` is q(z) of the train images itself, for any model.
`tools.evaluate` reports the effective sample size of the weights.

Rates are those of `vae` and the critic is FlexAE's (Table 8), for want of the paper's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm.divergences import JensenShannon
from flexae_tf.algorithm.likelihoods import kl_to_standard_normal
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.algorithm.resampling import ResampledDensity
from flexae_tf.methods import vae
from flexae_tf.networks import Networks


def settings(variant: str) -> dict[str, Setting]:
    """All but `vae`'s are ours."""
    return {
        **vae.settings(variant),
        "critic_steps": Setting(1, "Latent critic updates per iteration."),
        "proposals": Setting(100, "Samples of N(0, I) that a code is chosen from."),
        **adam_settings("latent_critic", 1e-4, 0.9, 0.999),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """VAE-IOP with encoder (2m outputs), decoder and latent critic of `nets`."""
    return VaeIop(
        autoencoder=vae.build(nets, settings),
        latent_critic=nets.latent_critic(settings["latent_dim"]),
        optimizer=functools.partial(optimizer_from, settings),
        critic_steps=settings["critic_steps"],
        proposals=settings["proposals"],
    )


class VaeIop(Method):
    """VAE with an implicit optimal prior.

    Args:
      autoencoder: a `vae.Vae`: its networks, player, likelihood, posterior and beta.
      latent_critic: Keras model z -> T(z) [B, 1].
      optimizer: function from a player's name to its optimizer.
      critic_steps: updates of the critic per iteration.
      proposals: samples of N(0, I) that a code of the prior is chosen from.
    """

    def __init__(
        self,
        *,
        autoencoder: vae.Vae,
        latent_critic: keras.Model,
        optimizer: Callable,
        critic_steps: int,
        proposals: int,
    ) -> None:
        self.autoencoder, self.latent_critic = autoencoder, latent_critic
        critic = Player("latent_critic", [latent_critic], optimizer("latent_critic"))
        super().__init__(
            autoencoder.model.sampled_from(ResampledDensity(latent_critic, proposals)),
            autoencoder.networks | {"latent_critic": latent_critic},
            [*autoencoder.players.values(), critic],
            {**autoencoder.draw_spec, "n": autoencoder.draw_spec["epsilon"]},
            1 + critic_steps,
        )

    def step(self, drawn: tuple) -> dict[str, tf.Tensor]:
        """A minibatch for encoder and decoder, and one for each update of the critic."""
        first, *for_critic = drawn
        reported = self.update(self.negative_elbo, first)
        for draw in for_critic:
            reported |= self.update(self.estimate_ratio, draw)
        return reported

    def negative_elbo(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """-log p(x|z) + beta (KL(q(z|x) || N(0, I)) - E T(z)) moves encoder and decoder."""
        mu, sigma, z, distortion = self.autoencoder.pass_through(drawn, training)
        log_ratio = tf.reduce_mean(self.latent_critic(z))
        rate = kl_to_standard_normal(mu, sigma) - log_ratio
        return {
            "autoencoder": distortion + self.autoencoder.beta * rate,
            "elbo/distortion": distortion,
            "elbo/rate": rate,
            "elbo/log_ratio": log_ratio,
        }

    def estimate_ratio(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The critic tells codes from samples of N(0, I)."""
        mu, sigma = self.autoencoder.posterior(self.model.encoder(drawn.x, training=True))
        z = tf.stop_gradient(mu + sigma * drawn.epsilon)  # [B, m]
        return JensenShannon().criticize("latent_critic", self.networks, z, drawn.n, None)

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        return self._validated(self.negative_elbo, x)

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        return self.autoencoder.decoded_codes(drawn, z, z_prime)

    def statistics_spec(self) -> dict[str, Any]:
        return self.autoencoder.statistics_spec()
