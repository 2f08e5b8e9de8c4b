"""The AAE with a learned prior: its three objectives as printed, and whose gradient is whose."""

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("saturating", [True, False])
def test_the_objectives(saturating):
    method = tiny.builder("learned_prior_aae", beta=0.5, saturating=saturating)()
    drawn = tiny.drawn(method)[0]
    reported = method.play(drawn)
    z = method.encoder(drawn.x, training=True)
    z_hat = method.generator(drawn.n, training=True)
    # D is the probability of a sample of the prior, the verdict the logit of being a code.
    d_code, d_sample = (
        1 / (1 + np.exp(method.latent_critic(codes).numpy().astype(np.float64)))
        for codes in (z, z_hat)
    )
    error = ((method.decoder(z, training=True) - drawn.x).numpy() ** 2).sum((1, 2, 3)).mean()
    critic = -np.log(d_sample).mean() - np.log(1 - d_code).mean()
    assert float(reported["latent_critic"]) == pytest.approx(critic, rel=1e-4)
    generator = np.log(d_sample).mean() if saturating else -np.log(1 - d_sample).mean()
    assert float(reported["generator"]) == pytest.approx(generator, rel=1e-4)
    encoder = np.log(1 - d_code).mean() if saturating else -np.log(d_code).mean()
    assert float(reported["autoencoder"]) == pytest.approx(error / 2 + 0.5 * encoder, rel=1e-4)


def test_without_beta_the_reconstruction_alone_moves_the_encoder():
    method = tiny.builder("learned_prior_aae", beta=0.0)()
    drawn = tiny.drawn(method)[0]
    with tf.GradientTape(persistent=True) as tape:
        reported = method.play(drawn)
        half = reported["aae/error"] / 2
    variables = method.players["autoencoder"].variables
    for a, b in zip(
        tape.gradient(reported["autoencoder"], variables),
        tape.gradient(half, variables),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
