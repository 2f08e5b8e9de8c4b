"""Divergences between the codes z ~ Q_phi and prior samples z_hat ~ P_z, as a critic sees them.

A critic scores codes high and prior samples low; the encoder lowers the scores of codes and a
learned prior raises those of its samples. Both divergences are a critic's loss and the terms that
the other two players minimize; all are means over the batch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

import tensorflow as tf

from flexae_tf.algorithm import objectives


@dataclasses.dataclass(frozen=True)
class Wasserstein:
    """The Wasserstein distance of WGAN-GP: Eq. 6 to 8 of the FlexAE paper.

    Attributes:
      penalty_weight: beta of Eq. 6.
    """

    penalty_weight: float = 10.0

    def criticize(
        self,
        name: str,
        networks: Mapping[str, Callable],
        real: tf.Tensor,
        fake: tf.Tensor,
        alpha: tf.Tensor | None,
    ) -> dict[str, tf.Tensor]:
        """What the player `name` minimizes, with gap and penalty, for a method's report.

        Args:
          name: of the player and of its critic among `networks`, [B, ...] -> [B, 1].
          real, fake: [B, ...].
          alpha: [B] in [0, 1], where the gradient penalty is taken between them.
        """
        critic = networks[name]
        gap = objectives.critic_gap(critic, real, fake)
        penalty = objectives.gradient_penalty(critic, objectives.interpolate(real, fake, alpha))
        loss = objectives.critic_loss(gap, penalty, self.penalty_weight)
        return {name: loss, f"gap/{name}": gap, f"gradient_penalty/{name}": penalty}

    def lower(self, critic: Callable, real: tf.Tensor) -> tf.Tensor:
        """What the encoder minimizes (Eq. 8)."""
        return objectives.lower_verdict(critic, real)

    def raise_(self, critic: Callable, fake: tf.Tensor) -> tf.Tensor:
        """What a learned prior minimizes (Eq. 7)."""
        return objectives.raise_verdict(critic, fake)


@dataclasses.dataclass(frozen=True)
class JensenShannon:
    """The original GAN's divergence. The critic's verdict is the logit of being a code.

    Attributes:
      saturating: whether the other players minimize the very term that the critic maximizes, as in
        the minimax game, instead of one with the same direction and a gradient where the critic is
        sure (WAE-GAN and AAE).
    """

    saturating: bool = False

    def criticize(
        self,
        name: str,
        networks: Mapping[str, Callable],
        real: tf.Tensor,
        fake: tf.Tensor,
        alpha: tf.Tensor | None,
    ) -> dict[str, tf.Tensor]:
        """As `Wasserstein.criticize`; no penalty, so `alpha` is not used."""
        del alpha
        verdict_real, verdict_fake = objectives.verdicts(networks[name], real, fake)
        loss = tf.reduce_mean(tf.math.softplus(-verdict_real) + tf.math.softplus(verdict_fake))
        return {name: loss, f"gap/{name}": tf.reduce_mean(verdict_real - verdict_fake)}

    def lower(self, critic: Callable, real: tf.Tensor) -> tf.Tensor:
        """What the encoder minimizes: -log of the probability of not being a code.

        Saturating: log of the probability of being one.
        """
        return tf.reduce_mean(self._cost(critic(real)))

    def raise_(self, critic: Callable, fake: tf.Tensor) -> tf.Tensor:
        """What a learned prior minimizes: -log of the probability of being a code.

        Saturating: log of the probability of not being one.
        """
        return tf.reduce_mean(self._cost(-critic(fake)))

    def _cost(self, logit):
        return -tf.math.softplus(-logit) if self.saturating else tf.math.softplus(logit)


def adding_prior(critic: Callable, variance: float) -> Callable:
    """The verdict z -> [B, 1] of a critic that learns a code's logit but for -log N(z; 0, s I).

    The optimal logit is log q(z) - log p(z), whose second term is known (Mescheder et al.,
    "Adversarial Variational Bayes"; WAE's program, whose constant has no power m of 2 pi). That
    program subtracts a [B] from a [B, 1]: its losses are means over all pairs of a logit learned of
    one code and a log p of another, [B, B]. Here both are of one code, as its comment has it.
    """

    def verdict(z):
        squares = tf.reduce_sum(tf.square(z), axis=1, keepdims=True) / variance
        constant = math.log(2 * math.pi) + z.shape[1] * math.log(variance)
        return critic(z) + (squares + constant) / 2

    return verdict


def divergence(name: str, penalty_weight: float) -> Wasserstein | JensenShannon:
    """The divergence of that name: wgan_gp or js."""
    return JensenShannon() if name == "js" else Wasserstein(penalty_weight)


DIVERGENCES = ("wgan_gp", "js")
