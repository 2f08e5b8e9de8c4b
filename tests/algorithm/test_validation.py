"""The validation loss is a method's own objective, in inference mode and with the same noise."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import data
from flexae_tf.data import draws
from tests import tiny

HAVE = (
    *("ae", "rae", "rae:regularizer=gradient_penalty", "vae", "cv_vae"),
    *("flow_vae", "inj_flow", "wae_mmd", "vamp_prior", "vae_iop"),
)
X = tf.constant(data.to_unit(tiny.dataset().test), tf.float32)


@pytest.mark.parametrize("case", HAVE)
def test_it_is_a_function_of_the_weights(case):
    method = tiny.builder(case)()
    before = tiny.weights(method)
    loss = float(method.validation_loss(X))
    assert np.isfinite(loss)
    assert float(method.validation_loss(X)) == loss
    assert float(tf.function(method.validation_loss)(X)) == pytest.approx(loss, rel=1e-5)
    for name, value in tiny.weights(method).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    normalization = method.networks["encoder"].layers[2]
    normalization.moving_mean.assign(normalization.moving_mean + 1)
    assert float(method.validation_loss(X)) != loss


@pytest.mark.parametrize("name", ["ae", "flexae_sr", "wae_gan", "two_stage_vae"])
def test_that_of_an_autoencoder_or_of_several_players_is_the_error_on_the_images(name):
    method = tiny.builder(name)()
    error = ((method.model.reconstruct(X.numpy()) - X.numpy()) ** 2).sum((1, 2, 3)).mean()
    assert float(method.validation_loss(X)) == pytest.approx(error, rel=1e-4)


def test_without_beta_the_flow_counts_all_the_same():
    method = tiny.builder("flow_vae", beta=0.0)()
    before = float(method.validation_loss(X))
    last = method.flow.transforms[-1].network.layers[-1]
    last.bias.assign(last.bias + 0.5)
    assert float(method.validation_loss(X)) != pytest.approx(before, rel=1e-4)


def test_that_of_a_vae_is_its_negative_elbo():
    method = tiny.builder("vae", beta=2.0)()
    mu, sigma = (t.numpy() for t in method.model.encode_distribution(X))
    epsilon = draws.around(method.draw_spec, X, draws.key(0, draws.VALIDATION, 0)).epsilon
    x_hat = method.model.decode(mu + sigma * epsilon.numpy())
    error = ((x_hat - X.numpy()) ** 2).sum((1, 2, 3)).mean() / 2 + 32 * np.log(2 * np.pi)
    rate = (mu**2 + sigma**2 - 2 * np.log(sigma) - 1).sum(1).mean() / 2
    assert float(method.validation_loss(X)) == pytest.approx(error + 2 * rate, rel=1e-4)
