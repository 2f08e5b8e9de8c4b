"""Synthetic data: latents of few dimensions behind a network.

Of the FlexAE paper (Figures 2 and 3): latents from six isotropic Gaussians of equal weight in 5 or
2 dimensions. Of the slides on MaskAAE (Figures 2 and 5): N(0, I) in 8 or 16. The data are their
images under three fixed random layers of 128 units (tanh, exp, tanh); the slides do not describe
theirs, which is the same here.

Where the paper leaves a choice: its 0.05, 0.2 and 0.1 are read as standard deviations (as variances
the exponential saturates nearly all of x at +-1), "variance" of a component as its variance, the
weights of the mixture as equal, and the component missing from its two-dimensional list as the
first two coordinates of the five-dimensional one, as all the others are.
"""

import numpy as np

DIMS = (2, 5, 8, 16)
D = 128  # units of every layer, and dimensions of x
TRAIN_COUNT, TEST_COUNT = 15_000, 10_000
MEANS = np.array(
    [
        [0, 0, 0, 0, 0],
        [5, 5, 5, 5, 5],
        [-5, 5, 3, 4.5, -6],
        [5, -1.5, -6.5, 3, 1],
        [-2, -7, 9, -1.5, -4.5],
        [-4, -3, -5.5, 2, 4],
    ]
)
VARIANCES = np.array([1, 1, 0.5, 0.95, 0.5, 0.75])
_LAYERS = ((np.tanh, 0.05), (np.exp, 0.2), (np.tanh, 0.1))  # activation, standard deviation


def generate(
    dim: int, count: int = TRAIN_COUNT + TEST_COUNT, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws examples with the latents behind them.

    Args:
      dim: n, dimensions of the latents, one of DIMS.
      count: N, examples to draw; the data sets are the first 15,000 and the last 10,000 of 25,000.
      seed: of the network and the examples, which do not share random numbers.

    Returns: x float32 [N, 128] in [-1, 1], z float64 [N, n], component int64 [N] in 0..5; for 8
      and 16 dimensions there is but one, 0.
    """
    network_rng, latent_rng = np.random.default_rng([seed, dim]).spawn(2)
    means, variances = components(dim)
    component = latent_rng.integers(len(means), size=count)  # [N]
    noise = latent_rng.standard_normal((count, dim))
    z = means[component] + np.sqrt(variances[component, np.newaxis]) * noise  # [N, n]
    x = z
    for activation, deviation in _LAYERS:
        weights = network_rng.normal(0, deviation, (x.shape[1], D))
        biases = network_rng.normal(0, deviation, D)
        x = activation(x @ weights + biases)  # [N, 128]
    return x.astype(np.float32), z, component


def components(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Means [K, n] and variances [K] of the Gaussians that latents of n dimensions come from."""
    if dim > MEANS.shape[1]:
        return np.zeros((1, dim)), np.ones(1)
    return MEANS[:, :dim], VARIANCES
