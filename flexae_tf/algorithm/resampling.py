"""Importance resampling: samples of a density that is known up to a factor."""

from __future__ import annotations

import keras
import tensorflow as tf

from flexae_tf.data import draws
from flexae_tf.model import Density


def effective_sample_size(log_weights: tf.Tensor) -> tf.Tensor:
    """(sum_i w_i)^2 / sum_i w_i^2 in [1, P], of the last axis. log_weights: log w, [..., P].

    Kong, "A Note on Importance Sampling using Standardized Weights": with weights so unequal, P
    proposals are worth that many.
    """
    of_weights = tf.reduce_logsumexp(log_weights, axis=-1)
    return tf.exp(2 * of_weights - tf.reduce_logsumexp(2 * log_weights, axis=-1))


class ResampledDensity(Density):
    """About N(z; 0, I) exp T(z): of P proposals from N(0, I), one with probability ~ exp T(z).

    Exact for P to infinity; with P = 1 it is N(0, I). The noise is a uniform number, which chooses,
    followed by the P m components of the proposals.

    Args:
      log_weight: Keras model z -> T(z) [B, 1].
      proposals: P, for each code.
    """

    def __init__(self, log_weight: keras.Model, proposals: int) -> None:
        self._log_weight, self._proposals = log_weight, proposals
        self._dim = log_weight.input_shape[-1]
        super().__init__(draws.uniform_and_normal(proposals * self._dim))

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        z, log_weights = self._proposed(n)
        reached = tf.cumsum(tf.nn.softmax(log_weights), axis=1)  # [B, P]
        # Without the last, which rounding may leave below 1.
        chosen = tf.reduce_sum(tf.cast(reached[:, :-1] <= n[:, :1], tf.int32), axis=1)  # [B]
        return tf.gather(z, chosen, batch_dims=1)

    def effective_sample_size(self, seed: int) -> float:
        """That of a code's proposals, in the mean over 1,000 codes; draws them by the seed."""
        batches = [self.noise(draws.key(seed, draws.PICTURES, i), 100) for i in range(10)]
        sizes = [effective_sample_size(self._proposed(n)[1]) for n in batches]
        return float(tf.reduce_mean(sizes))

    def _proposed(self, n):
        """The proposals [B, P, m] in noise, and their T [B, P]."""
        z = tf.reshape(n[:, 1:], [-1, self._dim])  # [B P, m]
        log_weights = self._log_weight(z, training=False)
        return (
            tf.reshape(z, [-1, self._proposals, self._dim]),
            tf.reshape(log_weights, [-1, self._proposals]),
        )
