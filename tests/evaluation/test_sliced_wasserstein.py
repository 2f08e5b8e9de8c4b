"""Sliced Wasserstein distance: hand-worked cases, SciPy's distance, invariances."""

import numpy as np
import pytest
from scipy import stats

from flexae_tf.errors import UserError
from flexae_tf.evaluation.sliced_wasserstein import sliced_wasserstein, spread


def test_by_hand_in_one_dimension():
    first = np.array([[3.0], [0.0], [1.0]])
    second = np.array([[2.0], [2.0], [5.0]])
    # Sorted: 0, 1, 3 against 2, 2, 5. Every direction is 1 or -1.
    assert sliced_wasserstein(first, second) == pytest.approx((2 + 1 + 2) / 3)


def test_a_shift_costs_its_mean_projection():
    z = np.random.default_rng(0).standard_normal((50, 2))
    # Over the directions of the plane, the mean of |cos| is 2 / pi.
    assert sliced_wasserstein(z, z + np.array([3, 4]), directions=20_000) == pytest.approx(
        5 * 2 / np.pi, rel=0.01
    )


def test_is_the_mean_of_scipys_distances_of_projections():
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((200, 5)), rng.gamma(2.0, size=(200, 5))
    normal = np.random.default_rng(7).standard_normal((5, 16))
    unit = normal / np.linalg.norm(normal, axis=0)
    expected = [
        stats.wasserstein_distance(p, q)
        for p, q in zip((first @ unit).T, (second @ unit).T, strict=True)
    ]
    received = sliced_wasserstein(first, second, directions=16, seed=7)
    assert received == pytest.approx(np.mean(expected), rel=1e-12)


def test_order_does_not_matter_and_scale_does():
    rng = np.random.default_rng(2)
    first, second = rng.standard_normal((2, 300, 3)).astype(np.float32)
    distance = sliced_wasserstein(first, second)
    assert sliced_wasserstein(first[::-1], second) == distance
    assert sliced_wasserstein(second, first) == distance
    assert sliced_wasserstein(first, first) == 0
    assert sliced_wasserstein(10 * first, 10 * second) == pytest.approx(10 * distance, rel=1e-5)
    assert spread(10 * first) == pytest.approx(10 * spread(first), rel=1e-5)


def test_spread_is_the_root_mean_variance():
    z = np.array([[0.0, 5.0], [2.0, 11.0]])  # variances 1 and 9
    assert spread(z) == pytest.approx(np.sqrt(5))


def test_refuses_sets_of_other_sizes():
    with pytest.raises(UserError, match="equally many"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((4, 2)))
    with pytest.raises(UserError, match="components"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((3, 4)))
