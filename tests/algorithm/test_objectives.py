"""The objectives against NumPy, and the gradient penalty against finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import objectives

RANDOM = np.random.default_rng(0)
X, X_HAT = RANDOM.random((2, 3, 4, 5, 2))  # two batches of 3 images
WEIGHTS = RANDOM.standard_normal((4, 6))
VERDICT = RANDOM.standard_normal((6, 1))


def smooth_critic(weights=WEIGHTS):
    """A nonlinear critic [B, 4] -> [B, 1] in float64."""
    return lambda points: tf.tanh(points @ weights) @ VERDICT


def numeric_gradient(function, at, step=1e-6):
    """Central differences of a scalar function of an array."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        shift = np.zeros_like(at)
        shift[index] = step
        gradient[index] = (function(at + shift) - function(at - shift)) / (2 * step)
    return gradient


def test_squared_error_sums_over_pixels():
    expected = ((X - X_HAT) ** 2).reshape(3, -1).sum(1).mean()
    np.testing.assert_allclose(objectives.squared_error(X, X_HAT), expected)
    vectors = objectives.squared_error(np.array([[1.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2)))
    assert float(vectors) == 2.5


def test_absolute_error_averages_over_pixels():
    np.testing.assert_allclose(objectives.absolute_error(X, X_HAT), np.abs(X - X_HAT).mean())


def test_binary_cross_entropy():
    expected = -(X * np.log(X_HAT) + (1 - X) * np.log(1 - X_HAT)).mean()
    np.testing.assert_allclose(objectives.binary_cross_entropy(X, X_HAT), expected)
    np.testing.assert_allclose(
        objectives.binary_cross_entropy(X, X_HAT),
        np.mean(keras.losses.binary_crossentropy(X, X_HAT)),
        rtol=1e-6,
    )


def test_binary_cross_entropy_is_finite_where_the_logarithm_is_not():
    x, x_hat = tf.constant([[0.0, 1.0]]), tf.constant([[1.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(x_hat)
        loss = objectives.binary_cross_entropy(x, x_hat)
    # float32 has 1 - 1.19e-7 next to 1, so the two logarithms are of 1e-7 and 1.19e-7.
    np.testing.assert_allclose(loss, -np.log([1e-7, 1.19e-7]).mean(), rtol=1e-3)
    assert np.isfinite(tape.gradient(loss, x_hat)).all()
    assert float(objectives.binary_cross_entropy(x, x)) < 1e-6


def test_reconstruction_losses_by_name():
    losses = {n: float(f(X, X_HAT)) for n, f in objectives.RECONSTRUCTION_LOSSES.items()}
    assert list(losses) == ["mse", "mae", "bce"]
    assert losses["mse"] == float(objectives.squared_error(X, X_HAT))
    assert losses["mae"] == float(objectives.absolute_error(X, X_HAT))
    assert losses["bce"] == float(objectives.binary_cross_entropy(X, X_HAT))


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 2, 1)])
def test_interpolation_weighs_the_first_by_the_coefficient(shape):
    first, second = tf.ones(shape), tf.zeros(shape)
    mixed = objectives.interpolate(first, second, tf.constant([0.0, 0.25, 1.0])).numpy()
    assert mixed.shape == shape
    np.testing.assert_array_equal(mixed.reshape(3, -1)[:, 0], [0, 0.25, 1])
    # One coefficient for all of an example.
    assert (np.ptp(mixed.reshape(3, -1), axis=1) == 0).all()


def test_gradient_penalty_equals_finite_differences():
    points = RANDOM.standard_normal((5, 4))
    critic = smooth_critic()
    gradients = [
        numeric_gradient(lambda p: float(critic(p[None])[0, 0]), point) for point in points
    ]
    expected = np.mean((np.linalg.norm(gradients, axis=1) - 1) ** 2)
    penalty = objectives.gradient_penalty(critic, tf.constant(points))
    np.testing.assert_allclose(penalty, expected, rtol=1e-6)


def test_gradient_penalty_takes_the_norm_over_all_of_an_image():
    points = tf.constant(RANDOM.standard_normal((2, 2, 3, 1)))
    # The gradient of 3 * sum is 3 everywhere: norm 3 * sqrt(6).
    penalty = objectives.gradient_penalty(
        lambda p: 3 * tf.reduce_sum(p, [1, 2, 3])[:, None], points
    )
    np.testing.assert_allclose(penalty, (3 * np.sqrt(6) - 1) ** 2)


def test_gradient_penalty_is_differentiable_in_the_critic():
    points = tf.constant(RANDOM.standard_normal((5, 4)))

    def penalty(weights):
        return objectives.gradient_penalty(smooth_critic(weights), points)

    weights = tf.Variable(WEIGHTS)
    with tf.GradientTape() as tape:
        loss = penalty(weights)
    expected = numeric_gradient(lambda w: float(penalty(w)), WEIGHTS)
    np.testing.assert_allclose(tape.gradient(loss, weights), expected, rtol=1e-5, atol=1e-7)


def test_gradient_penalty_of_a_flat_critic_has_a_finite_gradient():
    critic = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")]
    )
    with tf.GradientTape() as tape:
        penalty = objectives.gradient_penalty(critic, tf.ones((4, 3)))
    np.testing.assert_allclose(penalty, 1, atol=1e-5)
    assert np.isfinite(tape.gradient(penalty, critic.trainable_variables[0])).all()


def test_critic_gap_is_real_minus_fake():
    real, fake = RANDOM.standard_normal((2, 7, 4))
    critic = smooth_critic()
    expected = float(tf.reduce_mean(critic(real)) - tf.reduce_mean(critic(fake)))
    np.testing.assert_allclose(objectives.critic_gap(critic, real, fake), expected)


def test_critic_loss_falls_with_the_gap_and_rises_with_the_penalty():
    # Eq. 6: mean C(z_hat) - mean C(z) + beta * penalty, with gap = mean C(z) - mean C(z_hat).
    assert objectives.critic_loss(gap=2.0, penalty=0.5, penalty_weight=10.0) == 3.0
    assert objectives.critic_loss(gap=3.0, penalty=0.5, penalty_weight=10.0) == 2.0


def test_the_players_against_a_critic_pull_opposite_ways():
    examples = RANDOM.standard_normal((7, 4))
    mean = float(tf.reduce_mean(smooth_critic()(examples)))
    np.testing.assert_allclose(objectives.lower_verdict(smooth_critic(), examples), mean)
    np.testing.assert_allclose(objectives.raise_verdict(smooth_critic(), examples), -mean)


def test_perplexity_is_the_number_of_equally_frequent_indices():
    np.testing.assert_allclose(objectives.perplexity(tf.constant([3.0, 0, 3, 3])), 3, rtol=1e-6)
    counts = np.array([1.0, 2, 5])
    p = counts / 8
    np.testing.assert_allclose(
        objectives.perplexity(tf.constant(counts)), np.exp(-(p * np.log(p)).sum())
    )
