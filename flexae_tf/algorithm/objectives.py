"""The objectives of FlexAE and FlexAE-SR (Eq. 5 to 10), and others', as functions of tensors.

Symbols: x data, z = E(x) codes, z_hat = G(n) prior samples, x_inp = D(z_inp) decoded
interpolations, C a critic (a function from a batch to [B, 1]). Every function returns a scalar
that is a mean over the batch, so the mean over replicas of equal batches is the value for the
global batch.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from flexae_tf.networks import layers_of

# The released program has no epsilon here and its gradient is NaN where the critic is flat.
_NORM_EPSILON = 1e-12


def squared_error(x: tf.Tensor, x_hat: tf.Tensor) -> tf.Tensor:
    """Eq. 5, L_AE: sum of squares per example, mean over the batch. x, x_hat: [B, ...]."""
    return _mean_per_example(tf.math.squared_difference(x, x_hat), tf.reduce_sum)


def mean_squared_error(x: tf.Tensor, x_hat: tf.Tensor) -> tf.Tensor:
    """Mean of squares over components and batch. x, x_hat: [B, ...]."""
    return _mean_per_example(tf.math.squared_difference(x, x_hat), tf.reduce_mean)


def absolute_error(x: tf.Tensor, x_hat: tf.Tensor) -> tf.Tensor:
    """Mean absolute error over pixels and batch, as the released program's `mae`."""
    return _mean_per_example(tf.abs(x - x_hat), tf.reduce_mean)


def binary_cross_entropy(x: tf.Tensor, x_hat: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy, mean over pixels and batch, as the released program's `bce`.

    x, x_hat: [B, ...] in [0, 1]. x_hat is clipped to [1e-7, 1 - 1e-7], as Keras does where it sees
    no logits. TF 1.15 finds those of the program's sigmoid, which makes a difference beyond: a
    pixel as wrong as that has a gradient there and none here.
    """
    x_hat = tf.clip_by_value(x_hat, 1e-7, 1 - 1e-7)
    entropy = -x * tf.math.log(x_hat) - (1 - x) * tf.math.log(1 - x_hat)
    return _mean_per_example(entropy, tf.reduce_mean)


RECONSTRUCTION_LOSSES = {
    "mse": squared_error,
    "mae": absolute_error,
    "bce": binary_cross_entropy,
}


def interpolate(first: tf.Tensor, second: tf.Tensor, coefficient: tf.Tensor) -> tf.Tensor:
    """coefficient * first + (1 - coefficient) * second, one coefficient per example.

    Args:
      first, second: [B, ...].
      coefficient: [B] in [0, 1].
    """
    coefficient = tf.reshape(coefficient, [-1] + [1] * (first.shape.rank - 1))
    return coefficient * first + (1 - coefficient) * second


def gradient_penalty(critic: Callable, points: tf.Tensor) -> tf.Tensor:
    """Mean of (||grad C(points)||_2 - 1)^2, the last term of Eq. 6 and 9.

    Args:
      critic: function [B, ...] -> [B, 1].
      points: [B, ...], drawn on the segments between real and generated examples.
    """
    _, slopes = verdicts_and_slopes(critic, points)
    return tf.reduce_mean(tf.square(tf.sqrt(slopes + _NORM_EPSILON) - 1))


def verdicts_and_slopes(critic: Callable, points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """C(points) [B, 1], and ||grad C(points)||_2^2 [B], by each point. Arguments as above."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        verdict = critic(points)
    return verdict, squared_norms(tape.gradient(verdict, points))


def squared_norms(examples: tf.Tensor) -> tf.Tensor:
    """Sum of squares of each example, [B]. examples: [B, ...]."""
    return tf.reduce_sum(tf.square(examples), axis=range(1, examples.shape.rank))


def verdicts(critic: Callable, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """C(real) and C(fake), [B, 1] each.

    Both go through the critic as one batch, which is the same for a critic without batch
    normalization (the gradient penalty forbids it) and halves the passes over its weights.
    """
    return tf.split(critic(tf.concat([real, fake], 0)), 2)


def critic_gap(critic: Callable, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """mean C(real) - mean C(fake): the critic's estimate of the Wasserstein distance."""
    verdict_real, verdict_fake = verdicts(critic, real, fake)
    return tf.reduce_mean(verdict_real) - tf.reduce_mean(verdict_fake)


def critic_loss(gap: tf.Tensor, penalty: tf.Tensor, penalty_weight: float) -> tf.Tensor:
    """Eq. 6 (L_Critic) and Eq. 9 (L_Reg): -gap + beta * penalty."""
    return penalty_weight * penalty - gap


def raise_verdict(critic: Callable[[tf.Tensor], tf.Tensor], examples: tf.Tensor) -> tf.Tensor:
    """Eq. 7 (L_Gen, of z_hat) and Eq. 10 (L_AEReg, of x_inp): -mean C(examples)."""
    return -tf.reduce_mean(critic(examples))


def lower_verdict(critic: Callable[[tf.Tensor], tf.Tensor], examples: tf.Tensor) -> tf.Tensor:
    """Eq. 8 (L_Enc, of z): mean C(examples)."""
    return tf.reduce_mean(critic(examples))


def moment_discrepancy(z: tf.Tensor, z_hat: tf.Tensor) -> tf.Tensor:
    """Mean squared differences of means and of covariances, what WAE's program pre-trains with.

    Args:
      z, z_hat: codes and samples of the prior, [B, m].
    """
    means = [tf.reduce_mean(a, axis=0) for a in (z, z_hat)]
    covariances = [_covariance(a, mean) for a, mean in zip((z, z_hat), means, strict=True)]
    differences = tf.math.squared_difference(*means), tf.math.squared_difference(*covariances)
    return tf.add_n([tf.reduce_mean(d) for d in differences])


def squared_kernels(network: keras.Model, layers: type) -> tf.Tensor:
    """Sum of the squares of the kernels of a network's layers of a class."""
    kernels = [layer.kernel for layer in layers_of([network], layers) if hasattr(layer, "kernel")]
    return tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])


def _covariance(a, mean):
    count = tf.cast(tf.shape(a)[0], tf.float32)
    return tf.matmul(a - mean, a - mean, transpose_a=True) / (count - 1)  # [m, m]


def _mean_per_example(values, reduce):
    return tf.reduce_mean(reduce(values, axis=range(1, values.shape.rank)))


def perplexity(counts: tf.Tensor) -> tf.Tensor:
    """exp of the entropy of indices that occur so often, a scalar in [1, K]. counts: [K]."""
    p = counts / tf.reduce_sum(counts)
    return tf.exp(-tf.reduce_sum(tf.math.xlogy(p, p)))
