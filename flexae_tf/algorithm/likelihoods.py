"""The two terms of a VAE's objective: log-likelihood and divergence of Gaussians.

Kingma and Welling, "Auto-Encoding Variational Bayes". Sums are over the pixels or latent dimensions
of an example, means over the batch.
"""

import math

import tensorflow as tf

from flexae_tf.algorithm.objectives import squared_error


def gaussian_negative_log_likelihood(
    x: tf.Tensor, x_hat: tf.Tensor, log_gamma: tf.Tensor
) -> tf.Tensor:
    """-log N(x; x_hat, gamma^2 I), mean over the batch.

    Args:
      x, x_hat: [B, ...].
      log_gamma: scalar, logarithm of the standard deviation.
    """
    constant = math.prod(x.shape[1:]) * (log_gamma + 0.5 * math.log(2 * math.pi))
    return squared_error(x, x_hat) * tf.exp(-2 * log_gamma) / 2 + constant


def kl_to_standard_normal(mu: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """KL(N(mu, diag sigma^2) || N(0, I)), mean over the batch. mu, sigma: [B, m]."""
    terms = tf.square(mu) + tf.square(sigma) - 2 * tf.math.log(sigma) - 1
    return tf.reduce_mean(tf.reduce_sum(terms, axis=1)) / 2
