"""Fixed priors P_z of Wasserstein autoencoders, as samplers (seed, n) -> [n, m]."""

from collections.abc import Callable

import numpy as np

from flexae_tf.algorithm.method import Setting
from flexae_tf.data import draws, synthetic
from flexae_tf.errors import UserError

# Of the mixture on a circle. The FlexAE paper does not describe that of its Figure 3: the true
# mixture of the synthetic data and this one are our choice.
_COMPONENTS = 6
_RADIUS = 5.0


def settings() -> dict[str, Setting]:
    """Which prior, and its parameters."""
    return {
        "prior": Setting("normal", "P_z: N(0, s I) or a mixture of Gaussians.", ("normal", "gmm")),
        "gmm_centers": Setting(
            "auto",
            "synthetic: the true mixture of the synthetic data (m = 2 or 5); circle: six of unit "
            "variance, at distance 5 in the first two coordinates; auto: the first that applies.",
            ("auto", "synthetic", "circle"),
        ),
    }


def normal(latent_dim: int, variance: float) -> Callable:
    """A sampler of N(0, s I) for variance s."""
    standard = draws.noise("normal", latent_dim)
    return lambda seed, n: variance**0.5 * standard(seed, n)


def prior(name: str, latent_dim: int, variance: float, centers: str) -> Callable:
    """The sampler that the settings describe.

    Args:
      name: "normal" or "gmm". latent_dim: m.
      variance: of "normal". centers: of "gmm", one of "auto", "synthetic" and "circle".

    Raises:
      UserError: there is no such mixture of this dimension.
    """
    if name == "normal":
        return normal(latent_dim, variance)
    if latent_dim < 2:
        raise UserError(f"--prior=gmm needs --latent_dim of at least 2; received {latent_dim}")
    is_synthetic = latent_dim in (2, 5)
    if centers == "synthetic" and not is_synthetic:
        raise UserError(
            f"--gmm_centers=synthetic needs --latent_dim=2 or 5; received {latent_dim}: "
            "use --gmm_centers=circle"
        )
    if is_synthetic and centers != "circle":
        return draws.mixture(synthetic.MEANS[:, :latent_dim], synthetic.VARIANCES)
    angle = 2 * np.pi * np.arange(_COMPONENTS) / _COMPONENTS
    means = np.zeros([_COMPONENTS, latent_dim])
    means[:, :2] = _RADIUS * np.stack([np.cos(angle), np.sin(angle)], 1)
    return draws.mixture(means, np.ones(_COMPONENTS))
