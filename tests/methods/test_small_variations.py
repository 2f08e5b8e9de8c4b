"""Methods that are another method with other arguments: AAE and CV-VAE."""

import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.divergences import JensenShannon
from flexae_tf.data import draws
from flexae_tf.methods import cv_vae
from tests import tiny

RANDOM = np.random.default_rng(0)


def test_aae_is_wae_gan_with_the_original_divergence_and_one_step():
    method = tiny.builder("aae", critic_steps=1)()
    assert method.divergence == JensenShannon(saturating=False)
    assert method.minibatches == 2
    np.testing.assert_array_equal(
        method.model.density.noise([1, 2], 9), draws.noise("normal", 4)([1, 2], 9)
    )


def test_cv_vae_has_one_constant_deviation():
    method = tiny.builder("cv_vae", posterior_deviation=0.7)()
    x = RANDOM.random((5, 8, 8, 1)).astype(np.float32)
    mu, sigma = method.model.encode_distribution(tf.constant(x))
    np.testing.assert_allclose(sigma, np.full((5, 4), 0.7), rtol=1e-6)
    np.testing.assert_allclose(mu, method.model.encode(x), atol=1e-6)


def test_the_rate_of_cv_vae_is_half_the_norm_of_the_means_and_a_constant():
    method = tiny.builder("cv_vae", posterior_deviation=0.7)()
    x = tf.constant(RANDOM.random((8, 8, 8, 1)).astype(np.float32))
    drawn = type("Draw", (), {"x": x, "epsilon": tf.zeros((8, 4))})
    mu = method.encoder(x, training=True).numpy()
    constant = 4 * (0.7**2 - 2 * np.log(0.7) - 1) / 2
    expected = (mu**2).sum(1).mean() / 2 + constant
    np.testing.assert_allclose(method.negative_elbo(drawn)["elbo/rate"], expected, rtol=1e-4)


def test_the_rate_of_cv_vae_is_the_papers_or_its_programs():
    rates = {
        variant: cv_vae.settings(variant)["autoencoder_learning_rate"].default
        for variant in ("paper", "released")
    }
    assert rates == {"paper": 1e-3, "released": 1e-4}


def test_learning_rates_can_be_halved():
    trainer = tiny.trainer("vae")
    assert float(trainer.method.players["autoencoder"].optimizer.learning_rate) == np.float32(1e-4)
    method = tiny.builder("vae", halve_rates_every_steps=2)()
    optimizer = method.players["autoencoder"].optimizer
    rates = []
    for _ in range(5):
        rates.append(float(optimizer.learning_rate))
        optimizer.iterations.assign_add(1)
    np.testing.assert_allclose(rates, [1e-4, 1e-4, 5e-5, 5e-5, 2.5e-5], rtol=1e-6)
