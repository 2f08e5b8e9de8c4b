"""FactorVAE: its two objectives against NumPy, and the permuted codes."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.methods import factor_vae
from tests import tiny

RANDOM = np.random.default_rng(0)


def test_the_objectives():
    method = tiny.builder("factor_vae", beta=2.0, total_correlation_weight=3.0)()
    drawn = tiny.drawn(method)[0]
    reported = method.play(drawn)
    mu, sigma = (
        t.numpy()
        for t in method.autoencoder.posterior(method.networks["encoder"](drawn.x, training=True))
    )
    z = mu + sigma * drawn.epsilon.numpy()
    error = ((method.networks["decoder"](z, training=True) - drawn.x).numpy() ** 2).sum((1, 2, 3))
    distortion = error.mean() / 2 + 32 * np.log(2 * np.pi)
    rate = (mu**2 + sigma**2 - 2 * np.log(sigma) - 1).sum(1).mean() / 2
    odds = method.latent_critic(z).numpy()
    expected = distortion + 2 * rate + 3 * odds.mean()
    assert float(reported["autoencoder"]) == pytest.approx(expected, rel=1e-4)
    order = np.argsort(drawn.order, axis=0)
    permuted = np.stack([z[order[:, j], j] for j in range(4)], 1)
    critic = np.log1p(np.exp(-odds)).mean() / 2
    critic += np.log1p(np.exp(method.latent_critic(permuted).numpy())).mean() / 2
    assert float(reported["latent_critic"]) == pytest.approx(critic, rel=1e-4)


def test_components_are_permuted_each_for_itself():
    z = np.arange(5000 * 2).reshape(5000, 2).astype(np.float32)
    order = RANDOM.standard_normal(z.shape).astype(np.float32)
    permuted = factor_vae.permuted_components(tf.constant(z), tf.constant(order)).numpy()
    np.testing.assert_array_equal(np.sort(permuted, axis=0), z)
    assert abs(np.corrcoef(permuted.T)[0, 1]) < 0.05
    assert abs(np.corrcoef(permuted[:, 0], z[:, 0])[0, 1]) < 0.05
