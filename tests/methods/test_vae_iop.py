"""VAE-IOP: its two objectives against NumPy, and a density ratio that is known."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from flexae_tf import networks
from flexae_tf.data import draws
from flexae_tf.methods import vae_iop
from tests import tiny

MEAN, DEVIATION = np.float32([1.0, -0.5]), np.float32([0.8, 0.9])


def test_the_objectives():
    method = tiny.builder("vae_iop", beta=2.0)()
    drawn = tiny.drawn(method)[0]
    encoded = method.networks["encoder"](drawn.x, training=True)
    mu, sigma = (t.numpy() for t in method.autoencoder.posterior(encoded))
    z = mu + sigma * drawn.epsilon.numpy()
    error = ((method.networks["decoder"](z, training=True) - drawn.x).numpy() ** 2).sum((1, 2, 3))
    distortion = error.mean() / 2 + 32 * np.log(2 * np.pi)
    kl = (mu**2 + sigma**2 - 2 * np.log(sigma) - 1).sum(1).mean() / 2
    odds, of_normal = (method.latent_critic(t).numpy() for t in (z, drawn.n))
    expected = distortion + 2 * (kl - odds.mean())
    assert float(method.negative_elbo(drawn)["autoencoder"]) == pytest.approx(expected, rel=1e-4)
    critic = np.log1p(np.exp(-odds)).mean() + np.log1p(np.exp(of_normal)).mean()
    received = method.estimate_ratio(drawn)["latent_critic"]
    assert float(received) == pytest.approx(critic, rel=1e-4)


def test_it_learns_the_log_ratio_of_two_gaussians_and_samples_by_it():
    """Of an encoder that answers N(MEAN, DEVIATION^2) whatever x is."""
    keras.utils.set_random_seed(0)
    settings = tiny.settings("vae_iop", latent_dim=2, latent_critic_learning_rate=1e-3)
    method = vae_iop.build(networks.Networks((2,)), settings | {"proposals": 50})
    for weight in method.model.encoder.weights:
        weight.assign(tf.zeros_like(weight))
    bias = np.concatenate([MEAN, np.log(np.expm1(DEVIATION))])
    method.model.encoder.layers[-1].bias.assign(bias)
    images = np.zeros((1, 2), np.float32)
    pipeline = draws.pipeline(
        method.draw_spec, images, count=1, batch_size=1024, seed=0, stream=0, numbers=range(600)
    )
    for (drawn,) in pipeline:
        method.update(method.estimate_ratio, drawn)
    z = np.random.default_rng(1).standard_normal((2000, 2)).astype(np.float32)
    z[::2] = MEAN + DEVIATION * z[::2]
    exact = scipy.stats.norm.logpdf(z, MEAN, DEVIATION) - scipy.stats.norm.logpdf(z)
    estimate = method.latent_critic(z).numpy()[:, 0]
    assert np.corrcoef(estimate, exact.sum(1))[0, 1] > 0.99
    samples = method.model.sample_codes(4000)
    np.testing.assert_allclose(samples.mean(0), MEAN, atol=0.1)
    np.testing.assert_allclose(samples.std(0), DEVIATION, atol=0.1)
    # Of many proposals a part 1 / E_q (q / N(0, I)) counts, a product over components.
    variance = DEVIATION**2
    inverse = np.exp(MEAN**2 / (2 - variance)) / (DEVIATION * np.sqrt(2 - variance))
    size = method.model.density.effective_sample_size(0)
    assert size == pytest.approx(50 / inverse.prod(), rel=0.25)
