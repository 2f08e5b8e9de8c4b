"""A flow of codes: its density against the change of variables, and two moons that it learns."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from sklearn import datasets

from flexae_tf.data import draws
from flexae_tf.densities import flow, gaussians
from flexae_tf.densities.codes import Codes
from flexae_tf.evaluation.sliced_wasserstein import sliced_wasserstein
from flexae_tf.model import StandardNormal

RANDOM = np.random.default_rng(0)


def sample(density, n):
    return density.prior(density.noise(draws.key(0, draws.PICTURES, 0), n)).numpy()


def moons(n, seed):
    return np.float32(datasets.make_moons(n, noise=0.05, random_state=seed)[0])


def grid(points, side=400, margin=1.5):
    """Cell centres [side^2, 2] of a box around points, and the area of a cell."""
    low, high = points.min(0) - margin, points.max(0) + margin
    width = (high - low) / side
    axes = [low[i] + width[i] * (np.arange(side) + 0.5) for i in range(2)]
    return np.float32(np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)), width.prod()


def test_log_density_of_the_standard_normal():
    z = RANDOM.standard_normal((5, 3)).astype(np.float32)
    expected = scipy.stats.norm.logpdf(z).sum(1)
    np.testing.assert_allclose(StandardNormal(3).log_density(tf.constant(z)), expected, rtol=1e-5)


def test_a_fitted_flow_is_a_bijection_with_the_density_of_its_samples():
    codes = Codes(np.float32([100, 0.01]) * moons(500, 0) + np.float32([7, 0]), None)
    arrays = flow.fit(codes, seed=0, steps=60, depth=4, width=16)
    density = flow.load(**arrays)
    n = tf.constant(RANDOM.standard_normal((40, 2)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(n)
        z = density.prior(n)
    np.testing.assert_allclose(density.noise_of(z), n, atol=1e-4)
    _, log_det = np.linalg.slogdet(np.float64(tape.batch_jacobian(z, n)))
    expected = scipy.stats.norm.logpdf(n).sum(1) - log_det
    np.testing.assert_allclose(density.log_density(z), expected, atol=1e-3)
    again = flow.fit(codes, seed=0, steps=60, depth=4, width=16)
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, again[name])


def test_of_a_stochastic_encoder_drawn_codes_are_fitted():
    """A collapsed code, mu = 0 and sigma = 1, is N(0, I)."""
    codes = Codes(np.zeros((500, 2), np.float32), np.ones((500, 2), np.float32))
    density = flow.load(**flow.fit(codes, seed=0, steps=300, depth=2, width=32))
    drawn = sample(density, 20_000)
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.2)
    np.testing.assert_allclose(drawn.std(0), 1, atol=0.2)


@pytest.mark.slow
def test_it_learns_two_moons_better_than_a_mixture():
    train, held_out = moons(5000, 0), moons(20_000, 1)
    codes = Codes(train, None)
    learned = flow.load(**flow.fit(codes, seed=0, steps=8000, width=64))
    mixture = gaussians.Mixture(**gaussians.fit_mixture(codes, seed=0))
    points, area = grid(train)
    total = np.exp(np.float64(learned.log_density(tf.constant(points)))).sum() * area
    assert total == pytest.approx(1, abs=0.02)
    distances = [
        sliced_wasserstein(held_out, sample(density, 20_000)) for density in (learned, mixture)
    ]
    assert distances[0] < distances[1]
