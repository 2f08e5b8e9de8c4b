"""Interpolation by hand."""

import numpy as np
import pytest

from flexae_tf.evaluation.interpolation import linear, spherical


def test_linear_interpolation():
    np.testing.assert_allclose(linear(np.zeros((1, 2)), np.array([[4.0, 8]]), 0.25), [[1, 2]])


def test_spherical_midpoint_of_codes_with_different_norms():
    a, b = np.array([[2.0, 0]]), np.array([[0, 4.0]])
    np.testing.assert_allclose(spherical(a, b, 0.5), [[np.sqrt(0.5) * 2, np.sqrt(0.5) * 4]])
    np.testing.assert_allclose(spherical(a, b, 0.0), a)
    np.testing.assert_allclose(spherical(a, b, 1.0), b, atol=1e-12)


@pytest.mark.parametrize("other", [[[2.0, 0]], [[-1.0, 0]], [[0.0, 0]]])
def test_spherical_is_linear_where_there_is_no_arc(other):
    a, b = np.array([[1.0, 0]]), np.array(other)
    np.testing.assert_allclose(spherical(a, b, 0.5), linear(a, b, 0.5))
