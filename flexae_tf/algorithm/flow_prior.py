"""Normalizing flows as priors: of codes, and of codes given what they are conditioned on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.conditional import ConditionalDensity
from flexae_tf.model import StandardNormal

if TYPE_CHECKING:  # a class of Keras', which is imported where one is made
    from flexae_tf.networks.flow import Flow


class FlowDensity(StandardNormal):
    """What a normalizing flow f has learned: z = mean + scale f^-1(n), n ~ N(0, I).

    Args:
      flow: a `networks.flow.Flow`, from z to n.
      mean, scale: [m] or a number, of the codes that were standardized before they went to f.
    """

    def __init__(
        self, flow: Flow, mean: np.ndarray | float = 0.0, scale: np.ndarray | float = 1.0
    ) -> None:
        super().__init__(flow.dim)
        self._flow = flow
        self._mean, self._scale = (np.full(flow.dim, t, np.float32) for t in (mean, scale))

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return self._mean + self._scale * self._flow.inverse(n)

    def noise_of(self, z: tf.Tensor) -> tf.Tensor:
        return self._flow((z - self._mean) / self._scale, training=False)[0]

    def log_density(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
        """As of any density. training: whether the flow is being trained."""
        n, log_det = self._flow((z - self._mean) / self._scale, training=training)
        log_det -= np.log(self._scale).sum()  # [B]
        return super().log_density(n) + log_det


class ConditionalFlowDensity(ConditionalDensity):
    """p(z|y): z = f^-1(n + mean(y); c(y)), n ~ N(0, I); the mean and every transform depend on y.

    Morrow and Chiu, "Benefiting Deep Latent Variable Models via Learning the Prior and Removing
    Latent Regularization", Section 7.

    Args:
      flow: a `networks.flow.Flow` with a condition c.
      features: Keras model y -> [c, mean], [B, k] and [B, m].
    """

    def __init__(self, flow: Flow, features: keras.Model) -> None:
        super().__init__(flow.dim)
        self._flow, self._features = flow, features

    def prior(self, n: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        c, mean = self._features(condition, training=False)
        return self._flow.inverse(n + mean, c)

    def log_density(self, z: tf.Tensor, condition: tf.Tensor, training: bool = False) -> tf.Tensor:
        """log p(z|y), [B]. z: [B, m]. training: whether flow and features are being trained."""
        c, mean = self._features(condition, training=training)
        n, log_det = self._flow(z, c, training=training)
        return StandardNormal(self._flow.dim).log_density(n - mean) + log_det
