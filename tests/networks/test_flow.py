"""The flow: its inverse, its determinant against the whole Jacobian, and what it starts as."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.networks.flow import Flow

RANDOM = np.random.default_rng(0)


def flow(dim, depth, width):
    """A flow with random weights everywhere, far from the identity."""
    made = Flow(dim, depth, width, seed=1)
    for weight in made.weights:
        value = weight.numpy()
        if "scale" in weight.name:
            value = RANDOM.choice([-1, 1], value.shape) * RANDOM.uniform(0.7, 1.4, value.shape)
        elif not np.any(value):
            value = 0.3 * RANDOM.standard_normal(value.shape) / np.sqrt(value.shape[0])
        weight.assign(value)
    return made


@pytest.mark.parametrize(("dim", "depth"), [(64, 24), (7, 3), (2, 1)])
def test_inverse(dim, depth):
    made = flow(dim, depth, 32)
    z = RANDOM.standard_normal((50, dim)).astype(np.float32)
    z_0, log_det = made(z)
    assert np.all(np.abs(np.asarray(log_det)) > 1e-2)
    assert np.abs(z_0 - z).max() > 0.1
    np.testing.assert_allclose(made.inverse(z_0), z, atol=1e-4)
    np.testing.assert_allclose(made(made.inverse(z))[0], z, atol=1e-4)


@pytest.mark.parametrize("dim", [6, 5])
def test_log_determinant_is_that_of_the_jacobian(dim):
    made = flow(dim, 7, 32)
    z = tf.constant(RANDOM.standard_normal((20, dim)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        z_0, log_det = made(z)
    jacobian = tape.batch_jacobian(z_0, z)  # [B, d, d]
    _, expected = np.linalg.slogdet(np.float64(jacobian))
    np.testing.assert_allclose(log_det, expected, atol=1e-4)


def test_one_transform_by_hand():
    made = Flow(2, 1, 1, seed=0)
    values = [[[1]], [0], [[2]], [0], [[3, -1]], [0.5, 0]]
    for weight, value in zip(made.weights, values, strict=True):
        weight.assign(np.float32(value))
    # Both hidden units are positive: mu = 3 * 2 a + 0.5, s = -2 a of a = 0.25.
    sigma = 1 / (1 + np.exp(-1.5))
    z_0, log_det = made(tf.constant([[0.25, 1.0]]))
    np.testing.assert_allclose(z_0, [[0.25, sigma * (1 + 2)]], rtol=1e-6)
    np.testing.assert_allclose(log_det, [np.log(sigma)], rtol=1e-6)


def test_what_no_code_was_mapped_to_does_not_overflow():
    made = Flow(2, 24, 8, seed=0)
    for transform in made.transforms:
        last = transform.network.layers[-1]
        last.bias.assign([0, -1e4])  # mu and s
    z = RANDOM.standard_normal((10, 2)).astype(np.float32)
    z_0, log_det = made(z)
    np.testing.assert_allclose(z_0, z * 0.01**12, rtol=1e-4)
    np.testing.assert_allclose(log_det, 24 * np.log(0.01), rtol=1e-4)
    np.testing.assert_allclose(made.inverse(z_0), z, rtol=1e-4)


def test_it_starts_as_a_contraction():
    """The last layers are 0: sigmoid(2) each time, and each half is moved every second time."""
    z = RANDOM.standard_normal((4, 6)).astype(np.float32)
    z_0, log_det = Flow(6, 4, 8)(z)
    np.testing.assert_allclose(z_0, z / (1 + np.exp(-2)) ** 2, rtol=1e-5)
    np.testing.assert_allclose(log_det, np.full(4, -12 * np.log(1 + np.exp(-2))), rtol=1e-5)


def test_initial_weights_follow_the_seed():
    first, again, other = (Flow(4, 2, 8, seed).get_weights() for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    kernels = [w.numpy() for w in Flow(4, 2, 8, 0).weights if w.shape == (2, 8)]
    assert not np.array_equal(*kernels)


def test_a_checkpoint_holds_every_weight(tmp_path):
    made, other = flow(4, 3, 8), Flow(4, 3, 8)
    path = tf.train.Checkpoint(network=made).save(str(tmp_path / "ckpt"))
    tf.train.Checkpoint(network=other).restore(path).assert_consumed()
    assert len(made.weights) == 3 * 6 + 2
    for mine, theirs in zip(other.get_weights(), made.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_16_bits_stay_inside_the_networks():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        made = flow(4, 3, 8)
    finally:
        keras.config.set_dtype_policy("float32")
    z = tf.constant(RANDOM.standard_normal((5, 4)), tf.float32)
    z_0, log_det = made(z)
    assert z_0.dtype == log_det.dtype == tf.float32
    assert {layer.compute_dtype for layer in made.transforms[0].network.layers} == {
        "bfloat16",
        "float32",
    }
    np.testing.assert_allclose(made.inverse(z_0), z, atol=1e-4)


def test_codes_of_one_dimension_are_refused():
    with pytest.raises(UserError, match="at least 2 dimensions"):
        Flow(1, 2, 8)
