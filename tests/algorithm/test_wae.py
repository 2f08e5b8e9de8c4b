"""What both WAEs share: noise on the encoder's input, and pre-training, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.data import draws
from tests import tiny

RANDOM = np.random.default_rng(0)
METHODS = ("wae_gan", "wae_mmd")


def test_the_discrepancy_of_moments():
    z, z_hat = 2 * RANDOM.standard_normal((7, 3)) + 1, RANDOM.standard_normal((7, 3))
    expected = ((z.mean(0) - z_hat.mean(0)) ** 2).mean()
    expected += ((np.cov(z.T) - np.cov(z_hat.T)) ** 2).mean()
    received = objectives.moment_discrepancy(
        tf.constant(z, tf.float32), tf.constant(z_hat, tf.float32)
    )
    assert float(received) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_pretraining_comes_first_and_moves_the_encoder_alone(name):
    method = tiny.builder(name, pretraining_steps=3)()
    assert [method.step_at(i) == method.step for i in (1, 3, 4)] == [False, False, True]
    drawn = tiny.drawn(method)
    z = method.encoder(drawn[0].x, training=True)
    expected = float(objectives.moment_discrepancy(z, drawn[0].z_hat))
    before = {k: network.get_weights() for k, network in method.networks.items()}
    reported = method.step_at(1)(drawn)
    assert float(reported["wae/moment_discrepancy"]) == pytest.approx(expected, rel=1e-4)
    moved = {
        k
        for k, network in method.networks.items()
        for weight, value in zip(network.weights, before[k], strict=True)
        if weight.trainable and not np.array_equal(weight, value)
    }
    assert moved == {"encoder"}


def test_pretraining_lowers_the_discrepancy():
    method = tiny.builder("wae_mmd", pretraining_steps=40, autoencoder_learning_rate=0.01)()
    drawn = tiny.drawn(method)
    found = [float(method.pretraining_step(drawn)["wae/moment_discrepancy"]) for _ in range(40)]
    assert found[0] > 0.1
    assert min(found) < 0.1


def test_the_encoder_rests_below_a_tenth():
    method = tiny.builder("wae_mmd", pretraining_steps=2)()
    drawn = tiny.drawn(method)[0]
    codes = method.encoder(drawn.x, training=True)
    before = [variable.numpy() for variable in method.encoder.trainable_variables]
    reported = method.pretraining_step([drawn._replace(z_hat=codes)])
    assert float(reported["wae/moment_discrepancy"]) < 1e-6
    assert float(reported["pretraining"]) == pytest.approx(0.1)
    for variable, value in zip(method.encoder.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_without_pretraining_there_is_no_player_for_it():
    assert "pretraining" not in tiny.builder("wae_mmd")().players
    assert "input_noise" not in tiny.builder("wae_mmd")().draw_spec


@pytest.mark.parametrize("name", METHODS)
def test_the_encoder_sees_noise_in_training_only(name):
    method = tiny.builder(name, input_noise=0.5)()
    drawn = tiny.drawn(method)[0]
    noisy = drawn.x + 0.5 * drawn.input_noise
    np.testing.assert_allclose(
        method.encode(drawn), method.encoder(noisy, training=True), atol=1e-6
    )
    np.testing.assert_allclose(
        method.encode(drawn, training=False), method.encoder(drawn.x, training=False), atol=1e-6
    )
    assert not np.allclose(method.encode(drawn), method.encoder(drawn.x, training=True))


def test_the_noise_is_a_normal_without_its_tails():
    noise = draws.truncated_normal_like((2, 3))([1, 2], 50_000).numpy()
    assert noise.shape == (50_000, 2, 3)
    assert np.abs(noise).max() <= 2
    # The variance of N(0, 1) between -2 and 2.
    assert noise.var() == pytest.approx(0.7737, rel=0.01)
