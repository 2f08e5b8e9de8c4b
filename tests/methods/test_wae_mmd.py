"""WAE-MMD: the discrepancy against the double sum, and what it does to codes."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.data import draws
from flexae_tf.methods import wae_mmd
from tests import tiny

RANDOM = np.random.default_rng(0)
Q = RANDOM.standard_normal((6, 3)) + 1
P = RANDOM.standard_normal((6, 3))


def double_sum(kernel, q, p):
    n = len(q)
    same = sum(kernel(a[i], a[j]) for a in (q, p) for i in range(n) for j in range(n) if i != j)
    mixed = sum(kernel(p[i], q[j]) for i in range(n) for j in range(n))
    return same / (n * (n - 1)) - 2 * mixed / n**2


@pytest.mark.parametrize("variance", [1.0, 2.0])
def test_the_inverse_multiquadratic_discrepancy(variance):
    def kernel(a, b):
        bases = [2 * 3 * variance * scale for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
        return sum(base / (base + ((a - b) ** 2).sum()) for base in bases)

    received = wae_mmd.mmd_imq(tf.constant(Q, tf.float32), tf.constant(P, tf.float32), variance)
    assert float(received) == pytest.approx(double_sum(kernel, Q, P), rel=1e-5)


def rbf(q, p):
    """The program's, whose width is the sum of two (n^2 - n)/2-th largest distances."""

    def width(a, b):
        distances = ((a[:, None] - b[None]) ** 2).sum(2).ravel()
        return np.sort(distances)[::-1][(len(a) ** 2 - len(a)) // 2 - 1]

    both = width(p, q) + width(q, q)
    return double_sum(lambda a, b: np.exp(-((a - b) ** 2).sum() / (2 * both)), q, p)


def test_the_gaussian_discrepancy_takes_its_width_from_distances():
    received = wae_mmd.mmd_rbf(tf.constant(Q, tf.float32), tf.constant(P, tf.float32))
    assert float(received) == pytest.approx(rbf(Q, P), rel=1e-5)


def test_the_width_is_differentiated():
    q = tf.constant(Q, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(q)
        mmd = wae_mmd.mmd_rbf(q, tf.constant(P, tf.float32))
    gradient = tape.gradient(mmd, q).numpy()
    expected = np.zeros(Q.shape)
    for place in np.ndindex(*Q.shape):
        shift = np.zeros(Q.shape)
        shift[place] = 1e-6
        expected[place] = (rbf(Q + shift, P) - rbf(Q - shift, P)) / 2e-6
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("mmd", [wae_mmd.mmd_imq, wae_mmd.mmd_rbf])
def test_it_is_unbiased(mmd):
    """Zero on average for two samples of one distribution, positive for two distributions."""
    pairs = RANDOM.standard_normal((300, 2, 16, 3)).astype(np.float32)
    same = [float(mmd(tf.constant(a), tf.constant(b))) for a, b in pairs]
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(len(same))
    apart = [float(mmd(tf.constant(a + 1), tf.constant(b))) for a, b in pairs[:50]]
    assert np.mean(apart) > 10 * np.std(same) / np.sqrt(len(same))


@pytest.mark.parametrize("kernel", wae_mmd.KERNELS)
def test_the_objective_adds_it_to_the_error(kernel):
    method = tiny.builder("wae_mmd", kernel=kernel, mmd_weight=3.0)()
    drawn = tiny.drawn(method)[0]
    x = drawn.x.numpy()
    reported = method.matched_error(drawn)
    z = method.encoder(x, training=True)
    error = ((method.decoder(z, training=True).numpy() - x) ** 2).sum((1, 2, 3)).mean()
    assert float(reported["wae/error"]) == pytest.approx(error, rel=1e-4)
    mmd = float(method.mmd(z, drawn.z_hat))
    assert float(reported["wae/mmd"]) == pytest.approx(mmd, rel=1e-4)
    assert float(reported["autoencoder"]) == pytest.approx(error + 3 * mmd, rel=1e-4)


def test_the_prior_has_the_variance():
    method = tiny.builder("wae_mmd", prior_variance=2.0)()
    noise = draws.noise("normal", 4)([1, 2], 9)
    np.testing.assert_allclose(method.model.density.noise([1, 2], 9), np.sqrt(2) * noise, rtol=1e-6)
    z, z_hat = tf.constant(Q, tf.float32), tf.constant(P, tf.float32)
    expected = wae_mmd.mmd_imq(z, z_hat, 2.0)
    assert float(method.mmd(z, z_hat)) == pytest.approx(float(expected))
