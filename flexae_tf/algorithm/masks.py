"""What MaskAAE's mask follows: the terms of its objectives, and its schedule.

alpha [m] in [0, 1) is the mask, z = E(x) [B, m] the codes before it, i = 0, 1, ... the updates that
the mask has had.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import method, objectives
from flexae_tf.algorithm.method import Setting

_ACTIVE = 0.1  # the smallest alpha of a dimension that counts as used
_LARGEST_WEIGHT = 2048.0
_PART = 0.2  # of rates or losses, after five intervals
# Of all a mean over components, which the weights are for.
ERRORS = {**objectives.RECONSTRUCTION_LOSSES, "mse": objectives.mean_squared_error}


def settings(variant: str) -> dict[str, Setting]:
    """Error, weights and schedule; "released" divides losses, as the program."""
    divided = {"paper": "rates", "released": "losses"}
    return {
        "reconstruction_loss": Setting(
            None,
            "Or of another kind.",
            objectives.RECONSTRUCTION_LOSSES,
            str,
            lambda nets: "bce" if len(nets.shape) == 3 else "mse",
        ),
        "variance_penalty_weight": Setting(100.0, "Of the variance of masked dimensions."),
        "mask_error_weight": Setting(1000.0, "Of the reconstruction error, for the mask."),
        "mask_interval_steps": Setting(None, "I of the mask's schedule; follows from m."),
        "mask_divides": Setting(
            divided[variant], "By 5 after 5 I, of autoencoder and mask.", tuple(divided.values())
        ),
    }


def optimizer_from(
    settings: Mapping[str, Any], schedule: MaskSchedule, player: str
) -> keras.optimizers.Optimizer:
    """`method.optimizer_from`, with the schedule's rates where the player has no other schedule."""
    name = f"{player}_schedule"
    if player in ("autoencoder", "mask") and settings[name] == "constant":
        settings = {**settings, name: schedule.rates}
    return method.optimizer_from(settings, player)


def active(alpha: tf.Tensor) -> tf.Tensor:
    """Which dimensions are used, bool [m]."""
    return alpha >= _ACTIVE


def variance_penalty(z: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Mean over i and j of (z_ij - mean_i z_ij)^2 exp(-10 alpha_j^2), a scalar."""
    deviations = tf.math.squared_difference(z, tf.reduce_mean(z, axis=0))  # [B, m]
    return tf.reduce_mean(deviations * tf.exp(-10 * tf.square(alpha)))


def polarization(alpha: tf.Tensor) -> tf.Tensor:
    """Sum over j of alpha_j (1 - alpha_j), a scalar: 0 where every dimension is used or not.

    The program takes absolute values, which differ at alpha = 0, in the gradient.
    """
    return tf.reduce_sum(alpha * (1 - alpha))


@dataclasses.dataclass(frozen=True)
class MaskSchedule:
    """What changes with the mask's updates.

    Attributes:
      latent_dim: m.
      interval_steps: I, or None for what the program takes for m.
      divided: what is a fifth after 5 I, for autoencoder and mask, "rates" or "losses".
    """

    latent_dim: int
    interval_steps: int | None = None
    divided: str = "rates"

    @property
    def interval(self) -> int:
        """I in iterations."""
        if self.interval_steps is not None:
            return self.interval_steps
        return 75 if self.latent_dim <= 20 else min(10_000, 1125 * self.latent_dim // 10)

    @property
    def doublings(self) -> int:
        """How often c doubles until it is at its largest."""
        return math.ceil(math.log2(_LARGEST_WEIGHT * self.latent_dim / 2))

    def weight(self, updates: tf.Tensor) -> tf.Tensor:
        """c after so many updates, an integer scalar: 2 / m, doubled every 4 I, 2048 at most."""
        doublings = tf.cast(updates // (4 * self.interval), tf.float32)
        return tf.minimum(2 / self.latent_dim * tf.pow(2.0, doublings), _LARGEST_WEIGHT)

    def loss_factor(self, updates: tf.Tensor) -> tf.Tensor:
        """What the two losses are multiplied by after so many updates, scalars."""
        if self.divided != "losses":
            return tf.constant(1.0)
        return tf.where(updates > 5 * self.interval, _PART, 1.0)

    @property
    def rates(self) -> str:
        """The two players' schedule, as text (see `schedules`)."""
        return (
            f"piecewise:{5 * self.interval + 1}={_PART}" if self.divided == "rates" else "constant"
        )
