"""The aggregated posterior: q(z|x) of train examples x that are drawn with equal probabilities."""

from __future__ import annotations

import tensorflow as tf

from flexae_tf.data import draws
from flexae_tf.densities.codes import Codes
from flexae_tf.model import Density


class Aggregated(Density):
    """1/N sum_i q(z|x_i); of a deterministic encoder the codes of train examples as they are.

    The noise is a uniform number, which chooses i, followed by m normal ones.

    Args:
      codes: `Codes` of the N train examples.
    """

    def __init__(self, codes: Codes) -> None:
        super().__init__(draws.uniform_and_normal(codes.mu.shape[1]))
        self._mu = tf.constant(codes.mu)  # [N, m]
        self._sigma = None if codes.sigma is None else tf.constant(codes.sigma)

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        i = draws.chosen(n[:, 0], self._mu.shape[0])  # [B]
        z = tf.gather(self._mu, i)  # [B, m]
        return z if self._sigma is None else z + tf.gather(self._sigma, i) * n[:, 1:]
