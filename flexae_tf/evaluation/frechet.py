"""Frechet distance between Gaussians fitted to two sets of features (Heusel et al., 2017).

    FID = |mu_r - mu_g|^2 + tr(C_r + C_g - 2 (C_r C_g)^(1/2))

On Inception's pool_3 it is the FID; on raw vectors it is the paper's distance of synthetic sets.

With factors of the covariances, C_r = F_r^T F_r and C_g = F_g^T F_g, C_r C_g has the eigenvalues of
the symmetric (F_r F_g^T) (F_r F_g^T)^T, so the trace of its root is the sum of the singular values
of F_r F_g^T.
"""

import numpy as np
import scipy.linalg

from flexae_tf.evaluation.validation import check_two_sets, warn_if_few


def frechet_distance(*, real: np.ndarray, generated: np.ndarray) -> float:
    """Frechet distance between two sets, in float64.

    Args:
      real: [N, d] features or vectors.
      generated: [M, d].

    Returns:
      float, >= 0 up to rounding (of about 1e-13 of the covariances' traces).
      Finite and right also for N or M below d.

    Raises:
      UserError: see `validation.check_two_sets`.
    """
    real, generated = check_two_sets(real=real, generated=generated)
    warn_if_few(real=real, generated=generated)
    mu_r, f_r = _mean_and_factor(real)
    mu_g, f_g = _mean_and_factor(generated)
    trace_of_root = scipy.linalg.svdvals(f_r @ f_g.T, overwrite_a=True).sum()
    spread = np.sum(f_r**2) + np.sum(f_g**2) - 2 * trace_of_root
    return float(np.sum((mu_r - mu_g) ** 2) + spread)


def _mean_and_factor(x):
    """Mean [d] of x [N, d], and F [min(N, d), d] whose F^T F is its unbiased covariance."""
    mu = x.mean(axis=0, dtype=np.float64)
    centred = (x - mu) / np.sqrt(len(x) - 1)  # [N, d], float64
    if len(x) <= x.shape[1]:
        return mu, centred
    try:
        return mu, scipy.linalg.cholesky(centred.T @ centred, overwrite_a=True)
    except np.linalg.LinAlgError:  # singular, as with a feature that is constant
        return mu, np.linalg.qr(centred, mode="r")
