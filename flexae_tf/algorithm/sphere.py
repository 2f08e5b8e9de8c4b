"""Codes on the unit sphere: the uniform distribution there, and what PIONEER measures of codes."""

from __future__ import annotations

import tensorflow as tf

from flexae_tf.data import draws
from flexae_tf.model import Density

# The program has none. A component that is the same of all codes would make the divergence
# infinite; one of codes on a sphere of 512 dimensions has a variance of about 2e-3.
_VARIANCE_EPSILON = 1e-8


class UniformOnSphere(Density):
    """Codes n / |n| for noise n ~ N(0, I) [B, m]: uniform on the unit sphere.

    Args:
      dim: m.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(draws.noise("normal", dim))

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return tf.math.l2_normalize(n, axis=1)


def batch_divergence(z: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, variance) || N(0, 1)) of the components of codes, their mean, a scalar.

    Mean and (biased) variance are those of the batch, as in AGE (Ulyanov et al., 2018).

    Args:
      z: all codes of the global minibatch, [B, m].
    """
    mean, variance = tf.nn.moments(z, axes=0)
    log_variance = tf.math.log(variance + _VARIANCE_EPSILON)
    return tf.reduce_mean(variance + tf.square(mean) - log_variance - 1) / 2


def cosine_distance(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """1 - cos of the angle between codes on the unit sphere, mean over the batch. a, b: [B, m]."""
    return 1 - tf.reduce_mean(tf.reduce_sum(a * b, axis=1))
