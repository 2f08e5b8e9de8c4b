"""The two terms of a VAE's objective: log-likelihood and divergence of Gaussians.

Kingma and Welling, "Auto-Encoding Variational Bayes". Sums are over the pixels or latent dimensions
of an example, means over the batch.
"""

from __future__ import annotations

import math

import tensorflow as tf

from flexae_tf.algorithm.objectives import squared_error
from flexae_tf.model import StandardNormal


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


# How an encoder's last m outputs s become sigma; `networks.SIGMAS` says which paper does which.
DEVIATIONS = {
    "softplus": lambda s: tf.math.softplus(s) + 1e-6,
    "exp": lambda s: tf.exp(s),
    "exp_tanh": lambda s: tf.exp(5 * tf.tanh(s)),
}


def posterior(encoded: tf.Tensor, sigma: float | str) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and standard deviation [B, m] of q(z|x).

    Args:
      encoded: an encoder's output, [B, m] with a constant sigma, else [B, 2m].
      sigma: the constant, or one of DEVIATIONS.
    """
    if not isinstance(sigma, str):
        return encoded, tf.fill(tf.shape(encoded), sigma)
    mu, deviation = tf.split(encoded, 2, axis=1)
    return mu, DEVIATIONS[sigma](deviation)


def drawn_log_density(epsilon: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """log q(z|x) of z = mu + sigma epsilon, [...]. epsilon: [..., m]. sigma: broadcast to it.

    By z itself the deviation from mu would be lost to rounding where sigma is small beside mu.
    """
    standard = StandardNormal(epsilon.shape[-1]).log_density(epsilon)
    return standard - tf.reduce_sum(tf.math.log(sigma), axis=-1)


def gaussian_log_density(z: tf.Tensor, mu: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """log N(z; mu, diag sigma^2), [...]. All arguments: [..., m], broadcast."""
    return drawn_log_density((z - mu) / sigma, sigma)


def mixture_log_density(z: tf.Tensor, mu: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """log 1/K sum_k N(z; mu_k, diag sigma_k^2), [B]. z: [B, m]. mu, sigma: [K, m]."""
    of_each = gaussian_log_density(z[:, None], mu, sigma)  # [B, K]
    return tf.reduce_logsumexp(of_each, axis=1) - math.log(mu.shape[0])


def kl_to_standard_normal(mu: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """KL(N(mu, diag sigma^2) || N(0, I)), mean over the batch. mu, sigma: [B, m]."""
    terms = tf.square(mu) + tf.square(sigma) - 2 * tf.math.log(sigma) - 1
    return tf.reduce_mean(tf.reduce_sum(terms, axis=1)) / 2
