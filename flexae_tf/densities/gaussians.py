"""One Gaussian, and a mixture of several, fitted to codes.

Ghosh et al., "From Variational to Deterministic Autoencoders": both with full covariance matrices,
the mixture with ten components, by EM (the paper) or with a Dirichlet prior over the components'
weights by variational inference (an option of its program, `GMM_Dirichlet`, to which comments in
its settings attribute some of the published values).
"""

from __future__ import annotations

import warnings

import numpy as np
import tensorflow as tf

from flexae_tf.data import draws
from flexae_tf.densities.codes import Codes
from flexae_tf.errors import UserError, warn
from flexae_tf.model import Density

COMPONENTS = 10
_MOST_EM_ITERATIONS = 100
# Added to the diagonals of a mixture's covariances, as a part of the codes' mean variance:
# scikit-learn's constant would drown codes of small scale. The second is for codes all alike.
_RELATIVE_REGULARIZATION = 1e-6
_LEAST_REGULARIZATION = 1e-12


class Gaussian(Density):
    """N(mean, factor factor^T).

    Args:
      mean: float32 [m].
      factor: float32 [m, m].
    """

    def __init__(self, mean: np.ndarray, factor: np.ndarray) -> None:
        super().__init__(draws.noise("normal", len(mean)))
        self._mean, self._factor = tf.constant(mean), tf.constant(factor)

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return self._mean + tf.matmul(n, self._factor, transpose_b=True)


class Mixture(Density):
    """sum_k weight_k N(mean_k, factor_k factor_k^T).

    The noise is a uniform number, which chooses the component, followed by m normal ones.

    Args:
      weights: float32 [K], summing to 1.
      means: float32 [K, m].
      factors: float32 [K, m, m].
    """

    def __init__(self, weights: np.ndarray, means: np.ndarray, factors: np.ndarray) -> None:
        dim = means.shape[1]
        super().__init__(draws.uniform_and_normal(dim))
        # Without the last, which rounding may leave below 1.
        self._bounds = tf.constant(np.cumsum(weights[:-1], dtype=np.float64), tf.float32)  # [K - 1]
        self._means = tf.constant(means)
        # All factors side by side: one product for all components, as a gathered [B, m, m] would
        # take a thousand times the memory of the codes.
        side_by_side = np.concatenate(np.swapaxes(factors, 1, 2), axis=1)  # [m, K m]
        self._factors = tf.constant(side_by_side)

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        u, epsilon = n[:, 0], n[:, 1:]
        k = tf.searchsorted(self._bounds, u, side="right")  # [B]
        components, dim = self._means.shape
        offsets = tf.reshape(tf.matmul(epsilon, self._factors), [-1, components, dim])
        return tf.gather(self._means, k) + tf.gather(offsets, k, batch_dims=1)


def fit_gaussian(codes: Codes, seed: int) -> dict[str, np.ndarray]:
    """The arrays of a `Gaussian` with the mean and covariance of codes.mu."""
    del seed
    z = np.float64(codes.mu)
    covariance = np.cov(z, rowvar=False).reshape(z.shape[1], z.shape[1])
    # Not Cholesky's factor, which does not exist where codes have collapsed to fewer dimensions.
    values, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(values, 0))
    return {"mean": np.float32(z.mean(0)), "factor": np.float32(factor)}


def fit_mixture(
    codes: Codes, seed: int, components: int = COMPONENTS, bayesian: bool = False
) -> dict[str, np.ndarray]:
    """The arrays of a `Mixture` fitted to codes.mu, from k-means seeded with `seed`.

    Warns where the fit has not converged after 100 iterations, the paper's limit and, of the
    Bayesian one, its program's (which has 2,000 for EM).

    Args:
      codes: `Codes`.
      seed: of k-means.
      components: how many, K.
      bayesian: variational inference under a Dirichlet process with concentration 1 / K, which
        empties components that the codes do not ask for, instead of EM.

    Raises:
      UserError: fewer codes than components.
    """
    # Here, because training does without scikit-learn.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

    z = np.float64(codes.mu)
    if len(z) < components:
        raise UserError(
            f"a mixture of {components} components needs at least as many train examples; "
            f"received {len(z)}"
        )
    regularization = _RELATIVE_REGULARIZATION * z.var(0).mean()
    options = {
        "n_components": components,
        "max_iter": _MOST_EM_ITERATIONS,
        "reg_covar": max(regularization, _LEAST_REGULARIZATION),
        "random_state": seed % 2**32,
    }
    if bayesian:
        mixture = BayesianGaussianMixture(weight_concentration_prior=1 / components, **options)
    else:
        mixture = GaussianMixture(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(z)
    if not mixture.converged_:
        warn(
            f"the fit of a mixture of {components} Gaussians has not converged after "
            f"{_MOST_EM_ITERATIONS} iterations: the density is a little worse than it could be"
        )
    return {
        "weights": np.float32(mixture.weights_),
        "means": np.float32(mixture.means_),
        "factors": np.float32(np.linalg.cholesky(mixture.covariances_)),
    }
