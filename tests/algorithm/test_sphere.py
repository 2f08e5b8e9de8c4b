"""Codes on the unit sphere, against NumPy and what is known of the uniform distribution."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import sphere
from flexae_tf.data import draws

Z = np.random.default_rng(0).standard_normal((6, 3)) * [0.5, 1, 2] + [1, 0, -1]


def test_the_divergence_is_that_of_normal_distributions():
    """By integration: KL(N(mean, variance) || N(0, 1)) of each component, and their mean."""
    grid = np.linspace(-30, 30, 200_001)
    expected = []
    for column in Z.T:
        q = np.exp(-((grid - column.mean()) ** 2) / (2 * column.var()))
        q /= np.sqrt(2 * np.pi * column.var())
        log_ratio = np.log(np.maximum(q, 1e-300)) + grid**2 / 2 + np.log(2 * np.pi) / 2
        expected.append(np.trapezoid(q * log_ratio, grid))
    received = sphere.batch_divergence(tf.constant(Z, tf.float32))
    assert float(received) == pytest.approx(np.mean(expected), rel=1e-4)


def test_the_divergence_of_standardized_codes_is_0():
    z = (Z - Z.mean(0)) / Z.std(0)
    assert float(sphere.batch_divergence(tf.constant(z, tf.float32))) == pytest.approx(0, abs=1e-6)


def test_codes_that_are_all_the_same_have_a_finite_divergence():
    """Of mean 1 and variance 0 but for the epsilon: (1 - log 1e-8 - 1) / 2."""
    received = sphere.batch_divergence(tf.ones([4, 2]))
    assert float(received) == pytest.approx(4 * np.log(10), rel=1e-5)


def test_the_cosine_distance():
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (Z, Z[::-1]))
    expected = np.mean([1 - np.dot(p, q) for p, q in zip(a, b, strict=True)])
    received = sphere.cosine_distance(*(tf.constant(x, tf.float32) for x in (a, b)))
    assert float(received) == pytest.approx(expected, rel=1e-5)


def test_the_prior_is_uniform_on_the_sphere():
    """Of m = 4 components means are 0, E z_j^2 = 1 / 4 and E z_j^4 = 3 / (4 * 6)."""
    density = sphere.UniformOnSphere(4)
    noise = density.noise(draws.key(0, draws.PICTURES, 0), 50_000)
    z = density.prior(noise).numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(z.mean(0), 0, atol=0.01)
    np.testing.assert_allclose(z.T @ z / len(z), np.eye(4) / 4, atol=0.005)
    np.testing.assert_allclose((z**4).mean(0), 1 / 8, atol=0.005)
