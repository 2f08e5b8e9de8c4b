"""WAE-MMD: the discrepancy against the double sum, and what it does to codes."""

import numpy as np
import pytest
import tensorflow as tf

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


def test_the_inverse_multiquadratic_discrepancy():
    def kernel(a, b):
        bases = [2 * 3 * scale for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
        return sum(base / (base + ((a - b) ** 2).sum()) for base in bases)

    received = wae_mmd.mmd_imq(tf.constant(Q, tf.float32), tf.constant(P, tf.float32))
    assert float(received) == pytest.approx(double_sum(kernel, Q, P), rel=1e-5)


def test_the_gaussian_discrepancy_takes_its_width_from_medians():
    def median(a, b):
        distances = ((a[:, None] - b[None]) ** 2).sum(2).ravel()
        return np.sort(distances)[::-1][len(distances) // 2 - 1]

    width = median(P, Q) + median(Q, Q)

    def kernel(a, b):
        return np.exp(-((a - b) ** 2).sum() / (2 * width))

    received = wae_mmd.mmd_rbf(tf.constant(Q, tf.float32), tf.constant(P, tf.float32))
    assert float(received) == pytest.approx(double_sum(kernel, Q, P), rel=1e-5)


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
