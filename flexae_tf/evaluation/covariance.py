"""Normalised average off-diagonal covariance of codes, NAC (the MaskAAE slides, Table 2).

The source gives values and no formula, so both natural readings are here. Lower is closer to
independent components; 0 is a diagonal covariance.
"""

import numpy as np

from flexae_tf.evaluation.validation import check_vectors

SMALLEST_VARIANCE = 1e-8  # a component below this is inactive and left out


def nac(z: np.ndarray) -> float:
    """Mean over i != j of |C_ij| / sqrt(C_ii C_jj), C the covariance of the codes.

    Args:
      z: [N, m] codes, for instance of the test images.

    Returns:
      float in [0, 1]; NaN with fewer than two active components.

    Raises:
      UserError: see `validation.check_vectors`.
    """
    covariance = _active_covariance(z)
    deviations = np.sqrt(np.diag(covariance))
    return _mean_off_diagonal(np.abs(covariance) / np.outer(deviations, deviations))


def nac_by_mean_variance(z: np.ndarray) -> float:
    """Mean over i != j of |C_ij|, divided by the mean over i of C_ii; argument and errors as `nac`.

    Returns:
      float >= 0; NaN with fewer than two active components.
    """
    covariance = _active_covariance(z)
    mean_variance = np.trace(covariance) / max(len(covariance), 1)
    return _mean_off_diagonal(np.abs(covariance) / mean_variance)


def _active_covariance(z):
    z = check_vectors(z, "codes").astype(np.float64)
    covariance = np.atleast_2d(np.cov(z.T))
    active = np.diag(covariance) >= SMALLEST_VARIANCE
    return covariance[np.ix_(active, active)]


def _mean_off_diagonal(matrix):
    size = len(matrix)
    if size < 2:
        return float("nan")
    return float((matrix.sum() - np.trace(matrix)) / (size * (size - 1)))
