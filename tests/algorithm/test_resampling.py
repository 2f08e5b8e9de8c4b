"""Importance resampling by hand."""

import keras
import numpy as np
import pytest

from flexae_tf.algorithm.resampling import ResampledDensity, effective_sample_size


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1, 1, 2], 16 / 6), ([3, 3, 3, 3], 4), ([1, 0, 0], 1), ([5], 1)],
)
@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_effective_sample_size(weights, expected, shift):
    with np.errstate(divide="ignore"):
        log_weights = np.log(np.float32([weights])) + np.float32(shift)
    assert float(effective_sample_size(log_weights)[0]) == pytest.approx(expected, rel=1e-3)


def density(proposals):
    """Of one component, whose log weight is z itself."""
    identity = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    identity.set_weights([np.ones((1, 1), np.float32)])
    return ResampledDensity(identity, proposals)


def test_a_uniform_number_chooses_among_the_proposals():
    z = np.log(np.float32([1, 1, 2]))
    u = np.float32([0.0, 0.24, 0.26, 0.49, 0.51, 0.9999])
    noise = np.concatenate([u[:, None], np.tile(z, (6, 1))], axis=1)
    received = density(3).prior(noise).numpy()[:, 0]
    np.testing.assert_array_equal(received, z[[0, 0, 1, 1, 2, 2]])


def test_one_proposal_is_the_sample():
    made = density(1)
    noise = made.noise([0, 1], 7).numpy()
    np.testing.assert_array_equal(made.prior(noise), noise[:, 1:])
