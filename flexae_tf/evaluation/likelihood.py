"""Bounds of the log-likelihood of examples that were not trained on.

With z_1, ..., z_K of q(z|x) and w_k = p(x|z_k) p(z_k) / q(z_k|x),

    ELBO = E log w_k  <=  E log 1/K sum_k w_k = IWAE bound  <=  log p(x)

(Kingma and Welling; Burda et al., "Importance Weighted Autoencoders"). Images are given uniform
noise of one grey level, x = (k + u - 1/2) / 255 of a byte k and u in [0, 1), so that with D pixels
bound - D log 255 bounds the log-probability of the bytes themselves, and its negative in bits per
pixel and channel is comparable with other models' (Theis et al., "A note on the evaluation of
generative models").
"""

import numpy as np
import scipy.special
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm.likelihoods import drawn_log_density
from flexae_tf.errors import UserError
from flexae_tf.model import ExplicitDensity, Model

GREY_LEVELS = 255
_DECODED = 1000  # codes at a time


def likelihood_bounds(
    model: Model, examples: np.ndarray, samples: int, seed: int
) -> dict[str, float]:
    """The mean bounds of examples in nats, and for images in bits per dimension.

    Args:
      model: a `Model` with a likelihood, a stochastic encoder and a density in closed form.
      examples: uint8 [N, H, W, C], or float32 [N, D], which are taken as they are.
      samples: codes for each example, K.
      seed: draws codes and noise.

    Returns:
      {"elbo", "iwae"}, of the density of x, and for images {"elbo_bits", "iwae_bits"}, upper bounds
      of the bits that a pixel and channel takes.

    Raises:
      UserError: the model is none of that.
    """
    x = data.to_unit(examples)
    is_image = examples.dtype == np.uint8
    if is_image:
        noise = np.random.default_rng(seed).random(x.shape, np.float32)
        x = x + (noise - np.float32(0.5)) / GREY_LEVELS
    log_w = log_weights(model, x, samples, seed)
    bounds = {
        "elbo": log_w.mean(),
        "iwae": (scipy.special.logsumexp(log_w, axis=1) - np.log(samples)).mean(),
    }
    if is_image:
        dimension = np.prod(x.shape[1:])
        bounds |= {
            f"{name}_bits": (np.log(GREY_LEVELS) - bound / dimension) / np.log(2)
            for name, bound in bounds.items()
        }
    return {name: float(bound) for name, bound in bounds.items()}


def log_weights(model: Model, x: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """log p(x|z) + log p(z) - log q(z|x) of `samples` codes of each example, float64 [N, K].

    Args:
      model, samples, seed: as in `likelihood_bounds`.
      x: float32 [N, ...], as the encoder takes them.

    Raises:
      UserError: as `likelihood_bounds`.
    """
    log_likelihood, density = model.log_likelihood, model.density
    if log_likelihood is None:
        raise UserError("the model has no likelihood p(x|z): only a VAE with a Gaussian one has")
    if not isinstance(density, ExplicitDensity):
        raise UserError(
            "no density is at hand of what the model samples from: "
            "give --density=standard_normal or flow"
        )

    @tf.function(reduce_retracing=True, autograph=False)
    def of_batch(batch, number):
        mu, sigma = (tf.repeat(t, samples, 0) for t in model.encode_distribution(batch))  # [B K, m]
        epsilon = tf.random.stateless_normal(tf.shape(mu), tf.stack([seed, number]), alg="philox")
        z = mu + sigma * epsilon
        log_p = log_likelihood(tf.repeat(batch, samples, 0), model.decode_batch(z))
        weights = log_p + density.log_density(z) - drawn_log_density(epsilon, sigma)  # [B K]
        return tf.reshape(weights, [-1, samples])

    size = max(1, _DECODED // samples)
    starts = range(0, len(x), size)
    parts = [of_batch(tf.constant(x[i : i + size]), tf.constant(i)) for i in starts]
    return np.float64(np.concatenate(parts))
