"""Bounds of the likelihood, against the exact one of a linear Gaussian model."""

import functools

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from flexae_tf.algorithm.likelihoods import gaussian_log_density, posterior
from flexae_tf.errors import UserError
from flexae_tf.evaluation.likelihood import likelihood_bounds, log_weights
from flexae_tf.methods import vae
from flexae_tf.model import Model, StandardNormal
from tests import tiny

RANDOM = np.random.default_rng(0)
GAMMA = 0.3
# Orthogonal columns, so that the posterior has independent components.
WEIGHTS = np.float32(np.linalg.qr(RANDOM.standard_normal((6, 2)))[0].T * [[1.0], [0.5]])  # [m, D]
OFFSET = np.float32([0.5, 0.1, -0.2, 0.3, 0.0, 1.0])


def linear(outputs, kernel, bias, inputs):
    network = keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])
    network.set_weights([np.float32(kernel), np.float32(bias)])
    return network


def model(inflated):
    """p(x|z) = N(W z + b, gamma^2 I); q has the posterior's mean and `inflated` its deviation."""
    variance = 1 / (1 + np.square(WEIGHTS).sum(1) / GAMMA**2)  # [m]
    to_mu = (variance[:, None] * WEIGHTS / GAMMA**2).T  # [D, m]
    kernel = np.concatenate([to_mu, np.zeros_like(to_mu)], 1)
    bias = np.concatenate([-OFFSET @ to_mu, np.log(inflated * np.sqrt(variance))])

    def log_likelihood(x, x_hat):
        return gaussian_log_density(x, x_hat, tf.fill(tf.shape(x), GAMMA))

    return Model(
        linear(4, kernel, bias, 6),
        linear(6, WEIGHTS, OFFSET, 2),
        StandardNormal(2),
        functools.partial(posterior, sigma="exp"),
        log_likelihood,
    )


@pytest.mark.parametrize("inflated", [1.0, 1.4])
def test_a_linear_gaussian_model(inflated):
    covariance = WEIGHTS.T @ WEIGHTS + GAMMA**2 * np.eye(6)
    exact = scipy.stats.multivariate_normal(OFFSET, covariance)
    x = np.float32(exact.rvs(200, random_state=0))
    bounds = likelihood_bounds(model(inflated), x, samples=500, seed=1)
    expected = exact.logpdf(x).mean()
    assert bounds["iwae"] == pytest.approx(expected, abs=1e-2)
    assert bounds["elbo"] <= bounds["iwae"] + 1e-6
    # KL(q || posterior) of two components whose deviation is too large by one factor.
    gap = inflated**2 - 2 * np.log(inflated) - 1
    assert bounds["elbo"] == pytest.approx(expected - gap, abs=1e-2)
    assert set(bounds) == {"elbo", "iwae"}
    assert likelihood_bounds(model(inflated), x, 500, 1) == bounds


def test_the_iwae_bound_is_not_below_the_elbo_for_any_example():
    log_w = log_weights(model(2.0), RANDOM.random((20, 6), np.float32), 500, seed=0)
    assert log_w.shape == (20, 500)
    assert np.all(
        np.log(np.exp(log_w - log_w.max(1)[:, None]).mean(1)) + log_w.max(1) >= log_w.mean(1)
    )


def test_bits_of_images_bound_those_of_bytes():
    """A decoder that always says grey 1/2 with deviation 1 takes the same bits for every image."""
    method = tiny.builder("vae")()
    for weight in method.decoder.weights:
        weight.assign(tf.zeros_like(weight))
    images = tiny.dataset().test[:4]
    bounds = likelihood_bounds(method.model, images, samples=3, seed=0)
    x = images / 255
    error = ((x - method.model.decode(np.zeros((1, 4), np.float32))) ** 2).mean()
    nats = -np.log(255) - 0.5 * np.log(2 * np.pi) - error / 2
    mu, sigma = (t.numpy() for t in method.model.encode_distribution(tf.constant(x, tf.float32)))
    rate = (mu**2 + sigma**2 - 2 * np.log(sigma) - 1).sum(1).mean() / 2
    expected = -nats / np.log(2) + rate / 64 / np.log(2)
    assert bounds["elbo_bits"] == pytest.approx(expected, rel=0.01)
    assert bounds["iwae_bits"] <= bounds["elbo_bits"]


@pytest.mark.parametrize("likelihood", ["fixed_variance", "learned_variance"])
def test_the_likelihood_of_a_vae_is_that_of_its_objective(likelihood):
    method = tiny.builder("vae", likelihood=likelihood)()
    if likelihood == "learned_variance":
        method.networks["log_gamma"].value.assign(-0.5)
    x, x_hat = (tf.constant(RANDOM.random((3, 8, 8, 1)), tf.float32) for _ in range(2))
    each = method.model.log_likelihood(x, x_hat)
    assert each.shape == (3,)
    assert -np.mean(each) == pytest.approx(float(method.distortion(x, x_hat)), rel=1e-5)


@pytest.mark.parametrize("name", ["ae", "flexae"])
def test_of_a_model_without_a_likelihood_there_is_none(name):
    with pytest.raises(UserError, match="no likelihood"):
        likelihood_bounds(tiny.builder(name)().model, tiny.dataset().test, 2, 0)


def test_what_the_likelihood_or_the_prior_cannot_answer():
    assert "cross_entropy" in vae.LIKELIHOODS
    crossed = tiny.builder("vae", likelihood="cross_entropy")().model
    with pytest.raises(UserError, match="no likelihood"):
        likelihood_bounds(crossed, tiny.dataset().test, 2, 0)
    two_stages = tiny.builder("two_stage_vae")().model
    with pytest.raises(UserError, match="no density is at hand"):
        likelihood_bounds(two_stages, tiny.dataset().test, 2, 0)
    plain = two_stages.sampled_from(StandardNormal(4))
    assert np.isfinite(likelihood_bounds(plain, tiny.dataset().test[:2], 2, 0)["elbo"])
