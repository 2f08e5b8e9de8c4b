"""Sliced Wasserstein distance between two sets of codes, from their samples alone.

In one dimension the 1-Wasserstein distance of two samples of equal size is the mean distance
between the sorted values. Averaged over directions (Rabin et al., "Wasserstein Barycenter and Its
Application to Texture Mixing") it compares sets of any dimension without a critic, so that two
models' distances between codes and prior are obtained alike.
"""

import numpy as np

from flexae_tf.evaluation.validation import check_two_sets

DIRECTIONS = 256


def sliced_wasserstein(
    first: np.ndarray, second: np.ndarray, directions: int = DIRECTIONS, seed: int = 0
) -> float:
    """The 1-Wasserstein distance of projections on random directions, averaged over these.

    Args:
      first, second: [N, m], equally many; their order does not matter.
      directions: how many unit vectors, uniform on the sphere.
      seed: draws the directions.

    Returns:
      float >= 0, in the units of the codes. Two samples of one distribution are not quite at 0.

    Raises:
      UserError: see `validation.check_two_sets`, or different numbers of samples.
    """
    first, second = check_two_sets(real=first, generated=second, same_count=True)
    normal = np.random.default_rng(seed).standard_normal((first.shape[1], directions))
    unit = normal / np.linalg.norm(normal, axis=0)  # [m, directions]
    sorted_first, sorted_second = (np.sort(z @ unit, axis=0) for z in (first, second))
    return float(np.mean(np.abs(sorted_first - sorted_second)))


def spread(z: np.ndarray) -> float:
    """The codes' root mean square deviation from their mean, per dimension; z [N, m].

    A sliced distance over the spread of the codes no longer depends on the scale that an encoder
    has given its codes.
    """
    return float(np.sqrt(np.mean(np.var(z, axis=0, dtype=np.float64))))
