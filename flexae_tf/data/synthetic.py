"""The synthetic data of the FlexAE paper (Figures 2 and 3): a Gaussian mixture behind a network.

Latents come from six isotropic Gaussians of equal weight in 5 or 2 dimensions; the data are their
images under three fixed random layers of 128 units (tanh, exp, tanh).

Where the paper leaves a choice: its 0.05, 0.2 and 0.1 are read as standard deviations (as variances
the exponential saturates nearly all of x at +-1), "variance" of a component as its variance, the
weights of the mixture as equal, and the component missing from its two-dimensional list as the
first two coordinates of the five-dimensional one, as all the others are.
"""

import numpy as np

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
      dim: n, dimensions of the latents, 5 or 2.
      count: N, examples to draw; the data sets are the first 15,000 and the last 10,000 of 25,000.
      seed: of the network and the examples, which do not share random numbers.

    Returns: x float32 [N, 128] in [-1, 1], z float64 [N, n], component int64 [N] in 0..5.
    """
    network_rng, latent_rng = np.random.default_rng([seed, dim]).spawn(2)
    component = latent_rng.integers(len(MEANS), size=count)  # [N]
    noise = latent_rng.standard_normal((count, dim))
    z = MEANS[component, :dim] + np.sqrt(VARIANCES[component, np.newaxis]) * noise  # [N, n]
    x = z
    for activation, deviation in _LAYERS:
        weights = network_rng.normal(0, deviation, (x.shape[1], D))
        biases = network_rng.normal(0, deviation, D)
        x = activation(x @ weights + biases)  # [N, 128]
    return x.astype(np.float32), z, component
