"""The codebook of VQ-VAE: its averages by hand, and what starts anew."""

import numpy as np
import tensorflow as tf

from flexae_tf.networks.codebook import Codebook

EPSILON = 1e-5


def codebook(e, decay=0.99, restart_share=0.0):
    e = np.float32(e)
    made = Codebook(*e.shape, decay, restart_share)
    made.e.assign(e)
    return made


def step(made, z_e):
    """One step by outputs [N, d]; returns their indices."""
    z_e = tf.constant(np.float32(z_e))
    indices = made.nearest(z_e)
    made.follow(*made.assigned(z_e, indices), candidates=z_e)
    return indices.numpy()


def test_two_steps_by_hand():
    """Two vectors of one component, decay 3/4, three outputs and then one and two."""
    made = codebook([[0.0], [10.0]], decay=0.75)
    np.testing.assert_array_equal(step(made, [[1.0], [2.0], [8.0]]), [0, 0, 1])
    # Without bias the first averages are what was seen: N = (2, 1), m = (3, 8).
    n = np.array([2, 1])
    expected = np.array([3, 8]) / ((n + EPSILON) / (3 + 2 * EPSILON) * 3)
    np.testing.assert_allclose(made.e[:, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(step(made, [[2.0], [9.0], [10.0]]), [0, 1, 1])
    # 1/4 (3/4 * 2 + 1) / (1 - (3/4)^2) = 10/7 and so on.
    n = np.array([0.75 * 2 + 1, 0.75 * 1 + 2]) / 4 / (7 / 16)
    m = np.array([0.75 * 3 + 2, 0.75 * 8 + 19]) / 4 / (7 / 16)
    np.testing.assert_allclose(n, [10 / 7, 11 / 7])
    np.testing.assert_allclose(made.e[:, 0], m / ((n + EPSILON) / (3 + 2 * EPSILON) * 3), rtol=1e-6)
    assert float(made.updates.value) == 2


def test_vectors_are_looked_up_and_found_again():
    e = np.random.default_rng(0).standard_normal((5, 3))
    made = codebook(e)
    indices = np.array([[4, 0], [2, 2]])
    z_q = made(tf.constant(indices))
    np.testing.assert_array_equal(z_q, np.float32(e)[indices])
    near = made.nearest(z_q + 0.01)
    assert near.dtype == tf.int32
    np.testing.assert_array_equal(near, indices)


def test_a_vector_out_of_use_starts_anew_with_the_least_use():
    made = codebook([[0.0], [50.0], [1.0], [60.0]], restart_share=0.5)
    step(made, [[0.0], [0.2], [1.0], [1.2]])
    # n / K = 1, of which a half is the least; the idle ones take the outputs in turn.
    np.testing.assert_allclose(made.e[:, 0], [0.1, 0.0, 1.1, 0.2], atol=1e-4)
    np.testing.assert_allclose(made.count.value / 0.01, [2, 0.5, 2, 0.5], rtol=1e-4)


def test_without_restarts_a_vector_out_of_use_goes_to_zero():
    made = codebook([[0.0], [50.0]])
    step(made, [[2.0], [4.0]])
    np.testing.assert_allclose(made.e[:, 0], [3, 0], atol=1e-4)
