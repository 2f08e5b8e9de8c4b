"""NAC by hand."""

import numpy as np
import pytest

from flexae_tf.evaluation.covariance import nac, nac_by_mean_variance


def codes(covariance):
    """Codes whose sample covariance is exactly the given one."""
    covariance = np.array(covariance, float)
    z = np.random.default_rng(0).normal(size=(50, len(covariance)))
    z -= z.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(z.T)), z.T).T
    return white @ np.linalg.cholesky(covariance).T


def test_nac_by_hand():
    z = codes([[4, 1, 0], [1, 1, 0.5], [0, 0.5, 1]])
    # Correlations 1 / 2, 0, 1 / 2; absolute covariances 1, 0, 1 / 2 over a mean variance of 2.
    assert nac(z) == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert nac_by_mean_variance(z) == pytest.approx((1 + 0 + 0.5) / 3 / 2)


def test_inactive_components_are_left_out():
    z = codes([[4, 1], [1, 1]])
    padded = np.concatenate([z, np.full((len(z), 3), 7.0)], axis=1)
    assert nac(padded) == pytest.approx(nac(z))
    assert np.isnan(nac(padded[:, 1:]))
    assert np.isnan(nac_by_mean_variance(padded[:, 2:]))
