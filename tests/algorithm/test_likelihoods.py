"""Likelihood and divergence of Gaussians against SciPy."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from flexae_tf.algorithm import likelihoods

RANDOM = np.random.default_rng(0)
X = RANDOM.random((3, 2, 2, 1)).astype(np.float32)
X_HAT = RANDOM.uniform(0.1, 0.9, (3, 2, 2, 1)).astype(np.float32)


def test_kl_divergence_of_two_gaussians():
    # 1/2 (1 + 4 - ln 4 - 1) + 1/2 (0 + 1 - 0 - 1) = 2 - ln 2 for the first example, 0 the second.
    mu, sigma = tf.constant([[1.0, 0.0], [0.0, 0.0]]), tf.constant([[2.0, 1.0], [1.0, 1.0]])
    expected = (2 - np.log(2)) / 2
    assert float(likelihoods.kl_to_standard_normal(mu, sigma)) == pytest.approx(expected)


def test_kl_divergence_is_the_expectation_of_log_q_over_p():
    mu, sigma = np.array([0.3, -1.0]), np.array([0.5, 1.7])
    z = scipy.stats.norm(mu, sigma).rvs((200_000, 2), random_state=1)
    ratio = scipy.stats.norm(mu, sigma).logpdf(z) - scipy.stats.norm.logpdf(z)
    received = likelihoods.kl_to_standard_normal(tf.constant(mu[None]), tf.constant(sigma[None]))
    assert float(received) == pytest.approx(ratio.sum(1).mean(), rel=0.01)


def test_a_mixture_of_equal_weights():
    z, mu = RANDOM.standard_normal((4, 2)), RANDOM.standard_normal((3, 2))
    sigma = RANDOM.uniform(0.1, 2, (3, 2))
    each = scipy.stats.norm(mu, sigma).pdf(z[:, None]).prod(2)  # [4, 3]
    received = likelihoods.mixture_log_density(*map(tf.constant, (z, mu, sigma)))
    np.testing.assert_allclose(received, np.log(each.mean(1)), rtol=1e-6)


@pytest.mark.parametrize("gamma", [1.0, 0.25])
def test_gaussian_likelihood(gamma):
    expected = -scipy.stats.norm(X_HAT, gamma).logpdf(X).sum(axis=(1, 2, 3)).mean()
    received = likelihoods.gaussian_negative_log_likelihood(
        X, X_HAT, tf.constant(np.float32(np.log(gamma)))
    )
    assert float(received) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("sigma", "expected"),
    [
        ("softplus", lambda s: np.log1p(np.exp(s)) + 1e-6),
        ("exp", np.exp),
        ("exp_tanh", lambda s: np.exp(5 * np.tanh(s))),
    ],
)
def test_the_posterior_of_an_encoders_output(sigma, expected):
    encoded = RANDOM.standard_normal((5, 6)).astype(np.float32)
    mu, deviation = likelihoods.posterior(tf.constant(encoded), sigma)
    np.testing.assert_array_equal(mu, encoded[:, :3])
    np.testing.assert_allclose(deviation, expected(encoded[:, 3:]), rtol=1e-5)


def test_a_constant_deviation_takes_no_outputs():
    mu, deviation = likelihoods.posterior(tf.ones((2, 3)), 0.7)
    np.testing.assert_array_equal(mu, np.ones((2, 3)))
    np.testing.assert_allclose(deviation, np.full((2, 3), 0.7), rtol=1e-6)
