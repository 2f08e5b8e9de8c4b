"""VampPrior: its prior and objective against NumPy's mixture, and what a run begins with."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from flexae_tf.data import to_unit
from flexae_tf.errors import UserError
from flexae_tf.evaluation.likelihood import log_weights
from tests import tiny


def build(**chosen):
    return tiny.builder("vamp_prior", **chosen)()


def log_densities(z, mu, sigma):
    """log N(z_i; mu_k, diag sigma_k^2), [B, K], by SciPy."""
    z, mu, sigma = (np.asarray(t, np.float64) for t in (z, mu, sigma))
    return scipy.stats.norm.logpdf(z[:, None], mu, sigma).sum(2)


def test_where_the_pseudo_inputs_are_the_minibatch_the_prior_is_the_mixture_of_its_posteriors():
    """And these are what the encoder says of the minibatch alone, in training mode."""
    method = build(pseudo_inputs=8, beta=2.0)
    drawn = tiny.drawn(method)[0]
    method.pseudo_inputs.value.assign(drawn.x)
    reported = method.negative_elbo(drawn)
    mu, sigma = method.posterior(method.encoder(drawn.x, training=True))
    z = mu + sigma * drawn.epsilon
    log_q = log_densities(z, mu, sigma)
    log_p = scipy.special.logsumexp(log_q, axis=1) - np.log(8)
    rate = np.mean(np.diag(log_q) - log_p)
    x_hat = method.decoder(z, training=True)
    distortion = np.sum((x_hat - drawn.x) ** 2) / 8 / 2 + 32 * np.log(2 * np.pi)
    assert float(reported["elbo/rate"]) == pytest.approx(rate, rel=1e-4)
    assert float(reported["elbo/distortion"]) == pytest.approx(distortion, rel=1e-4)
    # The first of three iterations in which beta grows.
    expected = distortion + 2 / 3 * rate
    assert float(reported["autoencoder"]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_the_posterior_does_not_see_the_pseudo_inputs(training):
    method = build()
    drawn = tiny.drawn(method)[0]
    before = float(method.negative_elbo(drawn, training)["elbo/distortion"])
    method.pseudo_inputs.value.assign(tf.ones_like(method.pseudo_inputs.value))
    after = float(method.negative_elbo(drawn, training)["elbo/distortion"])
    assert after == pytest.approx(before, rel=1e-6)


def test_the_prior_at_one_image_is_its_posterior():
    """So that of this image nothing but log p(x|z) is left of the importance weights."""
    method = build(pseudo_inputs=1)
    x = tf.constant(to_unit(tiny.dataset().test[:1]))
    method.pseudo_inputs.value.assign(x)
    mu, sigma = method.model.encode_distribution(x)
    z = mu + sigma * tf.random.stateless_normal((5, 4), [0, 0], alg="philox")
    received = method.model.density.log_density(z)
    np.testing.assert_allclose(received, log_densities(z, mu, sigma)[:, 0], rtol=1e-4)
    likelihood = method.model.log_likelihood(tf.repeat(x, 5, 0), method.model.decode_batch(z))
    weights = log_weights(method.model, x.numpy(), 5, seed=0)
    np.testing.assert_allclose(weights[0], likelihood, rtol=1e-5)


def test_samples_have_the_moments_of_the_mixture():
    method = build(pseudo_inputs=3)
    method.pseudo_inputs.value.assign(to_unit(tiny.dataset().test[:3]))
    head = method.encoder.layers[-1]
    head.kernel.assign(head.kernel * ([200.0] * 4 + [1.0] * 4))  # components that are apart
    of_each = method.model.encode_distribution(method.pseudo_inputs.examples())
    mu, sigma = map(np.float64, of_each)
    z = method.model.sample_codes(20_000)
    mean, deviation = mu.mean(0), np.sqrt((sigma**2).mean(0) + mu.var(0))
    assert np.all(mu.var(0) > 0.05 * deviation**2)
    np.testing.assert_allclose((z.mean(0) - mean) / deviation, 0, atol=0.03)
    np.testing.assert_allclose(z.std(0) / deviation, 1, atol=0.03)
    log_p = scipy.special.logsumexp(log_densities(z[:50], mu, sigma), axis=1) - np.log(3)
    np.testing.assert_allclose(method.model.density.log_density(z[:50]), log_p, rtol=1e-4)


def test_beta_grows_over_the_first_iterations():
    method = build(beta=0.5, warm_up_steps=4)
    found = []
    for updates in (0, 1, 3, 4, 100):
        method.players["autoencoder"].optimizer.iterations.assign(updates)
        found.append(float(method.warmed_up_beta()))
    assert found == [0.125, 0.25, 0.5, 0.5, 0.5]
    x = tf.constant(to_unit(tiny.dataset().test))
    later = float(method.validation_loss(x))
    method.players["autoencoder"].optimizer.iterations.assign(0)
    assert float(method.validation_loss(x)) == later


def test_pseudo_inputs_begin_as_noise_or_as_train_images():
    noise = build(pseudo_inputs=200, pseudo_input_mean=0.3, pseudo_input_deviation=0.05)
    noise.initialize(tiny.dataset().train)
    value = noise.pseudo_inputs.value.numpy()
    assert value.mean() == pytest.approx(0.3, abs=0.005)
    assert value.std() == pytest.approx(0.05, rel=0.05)
    by_train = tiny.trainer("vamp_prior:pseudo_input_init=train").method
    difference = by_train.pseudo_inputs.value - to_unit(tiny.dataset().train[:6])
    assert np.std(difference) == pytest.approx(0.01, rel=0.2)
    examples = by_train.pseudo_inputs.examples().numpy()
    assert examples.min() == 0
    assert examples.max() <= 1


def test_more_pseudo_inputs_than_train_images_are_a_line():
    method = build(pseudo_inputs=201, pseudo_input_init="train")
    with pytest.raises(UserError, match="--pseudo_inputs=201 train images; there are 200"):
        method.initialize(tiny.dataset().train)
