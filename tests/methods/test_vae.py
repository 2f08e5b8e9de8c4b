"""The VAE's objective against NumPy, its likelihoods and its codes."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import networks
from flexae_tf.errors import UserError
from flexae_tf.methods import vae
from tests import tiny

RANDOM = np.random.default_rng(0)
X = RANDOM.random((3, 2, 2, 1)).astype(np.float32)
X_HAT = RANDOM.uniform(0.1, 0.9, (3, 2, 2, 1)).astype(np.float32)


def build(**chosen):
    return tiny.builder("vae", **chosen)()


def test_cross_entropy_likelihood_sums_over_pixels():
    expected = -(X * np.log(X_HAT) + (1 - X) * np.log(1 - X_HAT)).sum(axis=(1, 2, 3)).mean()
    method = build(likelihood="cross_entropy")
    assert float(method.distortion(tf.constant(X), tf.constant(X_HAT))) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("beta", [1.0, 25.0])
def test_the_objective_is_distortion_and_beta_times_rate(beta):
    method = build(beta=beta)
    drawn = tiny.drawn(method)[0]
    reported = method.negative_elbo(drawn)
    encoded = method.encoder(drawn.x, training=True).numpy()
    mu, sigma = encoded[:, :4], np.log1p(np.exp(encoded[:, 4:])) + 1e-6
    z = mu + sigma * drawn.epsilon.numpy()
    x_hat = method.decoder(z, training=True).numpy()
    squares = ((x_hat - drawn.x.numpy()) ** 2).sum(axis=(1, 2, 3)).mean()
    distortion = squares / 2 + 64 * 0.5 * np.log(2 * np.pi)
    rate = (mu**2 + sigma**2 - 2 * np.log(sigma) - 1).sum(axis=1).mean() / 2
    assert float(reported["elbo/distortion"]) == pytest.approx(distortion, rel=1e-4)
    assert float(reported["elbo/rate"]) == pytest.approx(rate, rel=1e-4)
    assert float(reported["autoencoder"]) == pytest.approx(distortion + beta * rate, rel=1e-4)


def test_the_learned_variance_moves_towards_the_error():
    """The best gamma is the root mean squared error, here far below the initial 1."""
    trainer = tiny.trainer("vae:likelihood=learned_variance")
    trainer.train()
    assert float(trainer.method.networks["log_gamma"].value) < 0


def test_codes_are_the_posterior_means():
    method = build()
    x = RANDOM.random((5, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(method.model.encode(x), method.encoder(x).numpy()[:, :4], atol=1e-6)


def test_cross_entropy_is_refused_for_vectors():
    nets = networks.Networks((128,))
    with pytest.raises(UserError, match="for images"):
        vae.build(nets, tiny.settings("vae", likelihood="cross_entropy"))
