"""VUNET: losses and ramp from the paper's equations, and the flow prior given a pose."""

import math

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import perceptual
from flexae_tf.algorithm.flow_prior import ConditionalFlowDensity
from flexae_tf.errors import UserError
from flexae_tf.methods import vunet
from flexae_tf.networks import Networks
from flexae_tf.networks.flow import Flow
from flexae_tf.networks.vunet import Sizes, pose_features
from tests import tiny

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def method():
    return tiny.builder("vunet")()


def test_the_loss_is_the_weighted_sum_of_distortion_and_divergence(method):
    (drawn,) = tiny.drawn(method)
    losses = {k: float(v) for k, v in method.objective(drawn, training=False).items()}
    mu, y = method.encoder(drawn.x), drawn.x[..., 1:]
    x_hat, mu_prior = (t.numpy() for t in method.unet([mu + drawn.epsilon, y]))
    mu = mu.numpy()
    rate = np.mean(np.sum((mu - mu_prior) ** 2, 1)) / 2
    # One size of 4 x 4 pixels: grey levels and their differences.
    x = drawn.x[..., :1].numpy() * 255
    x_hat = x_hat * 255
    distortion = np.mean(np.abs(x - x_hat))
    distortion += np.mean(np.abs(np.diff(x, axis=1) - np.diff(x_hat, axis=1)))
    distortion += np.mean(np.abs(np.diff(x, axis=2) - np.diff(x_hat, axis=2)))
    assert losses["elbo/rate"] == pytest.approx(rate, rel=1e-4)
    assert losses["elbo/distortion"] == pytest.approx(5 * distortion, rel=1e-4)
    assert losses["autoencoder"] == pytest.approx(5 * distortion + rate, rel=1e-4)


@pytest.mark.parametrize(
    ("updates", "expected"), [(0, 1e-6), (1, 1e-6), (2, 1e-6 + (1 - 1e-6) / 3), (4, 1), (9, 1)]
)
def test_the_weight_of_the_divergence(method, updates, expected):
    """From 1e-6 after one update to 1 after four."""
    iterations = method.players["autoencoder"].optimizer.iterations
    iterations.assign(updates)
    assert float(method.kl_weight()) == pytest.approx(expected)
    iterations.assign(0)


def test_dropout_is_of_training_only(method):
    (drawn,) = tiny.drawn(method)
    inference = method.pass_through(drawn, training=False)[0]
    np.testing.assert_array_equal(inference, method.model.encode_batch(drawn.x))
    dropped = drawn._replace(dropout=tf.zeros_like(drawn.dropout))
    kept = drawn._replace(dropout=tf.ones_like(drawn.dropout))
    mu = method.pass_through(dropped, training=True)[0].numpy()
    assert np.ptp(mu, axis=0).max() < np.ptp(method.pass_through(kept, True)[0], axis=0).max()


def flow_density():
    sizes = Sizes(width=2, max_width=2, latent_width=1, bottleneck=1)
    features = pose_features((4, 4, 2), sizes)
    flow = Flow(sizes.latent_dim, 3, 8, seed=0, condition_dim=features.output_shape[0][-1])
    for network in (flow, features):
        network.set_weights([w + 0.3 * RNG.standard_normal(w.shape) for w in network.get_weights()])
    return flow, features, ConditionalFlowDensity(flow, features)


def test_a_flow_given_a_pose_is_invertible_and_has_the_density_of_its_jacobian():
    flow, features, density = flow_density()
    n = tf.constant(RNG.standard_normal((4, 5)), tf.float32)
    y = tf.constant(RNG.uniform(size=(4, 4, 4, 1)), tf.float32)
    z = density.prior(n, y)
    c, mean = features(y)
    np.testing.assert_allclose(flow(z, c)[0], n + mean, atol=1e-3)
    with tf.GradientTape() as tape:
        tape.watch(z)
        z_0 = flow(z, c)[0]
    jacobian = tape.batch_jacobian(z_0, z)
    log_det = np.linalg.slogdet(jacobian)[1]
    normal = -np.sum(np.square(z_0 - mean), 1) / 2 - 2.5 * math.log(2 * math.pi)
    np.testing.assert_allclose(density.log_density(z, y), normal + log_det, rtol=1e-3)
    other = density.prior(n, tf.reverse(y, [0]))
    assert not np.allclose(z, other, atol=1e-2)


def test_gram_matrices_add_to_the_distance():
    a, b = (tf.constant(RNG.uniform(size=(2, 3, 4, 5)), tf.float32) for _ in range(2))
    x, x_hat = tf.zeros((2, 1)), tf.ones((2, 1))
    features = {0.0: [a], 1.0: [b]}
    received = perceptual.feature_distance(x, x_hat, lambda t: features[float(t[0, 0])], 0.1)

    def gram(f):
        rows = f.numpy().reshape(2, 12, 5)
        return np.einsum("bpi,bpj->bij", rows, rows) / (4 * 12)

    expected = np.mean(np.abs(a - b)) + 0.1 * np.mean(np.abs(gram(a) - gram(b)))
    assert float(received) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"unet_dropout": 1.0}, "unet_dropout must be at least 0 and below 1"),
        ({"kl_stop_steps": 1}, "kl_stop_steps must be above"),
        ({"vgg19_weights": "x.h5"}, "at least 16 pixels"),
        ({"gram_weight": 0.1}, "needs --vgg19_weights"),
        ({"bottleneck_size": 3}, "cannot be halved"),
    ],
)
def test_mistaken_settings(chosen, message):
    with pytest.raises(UserError, match=message):
        tiny.builder("vunet", **chosen)()


def test_networks_of_other_papers():
    nets = Networks((8, 8, 2), "paper", "rae")
    with pytest.raises(UserError, match="networks of its own"):
        vunet.build(nets, tiny.settings("vunet"))


def test_the_validation_error_is_a_function_of_the_weights(method):
    x = tf.constant(tiny.paired_dataset().test / np.float32(255))
    loss = float(method.validation_loss(x))
    iterations = method.players["autoencoder"].optimizer.iterations
    iterations.assign(9)
    assert float(method.validation_loss(x)) == loss
    iterations.assign(0)
