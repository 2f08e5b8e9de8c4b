"""Perceptual path length: how much a picture changes along a way between two codes.

Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", Section
4.1 and program: with t uniform on [0, 1],

    E 1/epsilon^2 d(x(t), x(t + epsilon)),   x(t) = D(z(t)),

without what is below the 1st or above the 99th percentile. As Morrow and Chiu have it for a learned
prior, z(t) goes straight from one code to another (z_T), or is the code of the noise on the arc
from one noise to another (z_0). d is the squared distance of an extractor's activations; theirs
is LPIPS, so that no number here compares with a published one. epsilon is 1e-3, not 1e-4, at which
the rounding of float32 shows; images are as the decoder gives them, not rounded.
"""

import numpy as np

from flexae_tf.evaluation.features import Extractor
from flexae_tf.evaluation.interpolation import codes_of, linear, points_of, spherical
from flexae_tf.model import Model

EPSILON = 1e-3
_PERCENTILES = (1, 99)


def perceptual_path_length(
    model: Model,
    extractor: Extractor,
    space: str,
    pairs: int,
    seed: int,
    epsilon: float = EPSILON,
) -> float:
    """The perceptual path length of a model's samples.

    Args:
      model: a `Model` with a density, for "z0" one whose codes are a bijection of N(0, I).
      extractor: whose activations are compared.
      space: one of `interpolation.SPACES`.
      pairs: of codes.
      seed: draws the codes and t.
      epsilon: step along the way.

    Raises:
      UserError: the model has no z0, or nothing to sample from.
    """
    a, b = np.split(points_of(model, space, model.sample_codes(2 * pairs, seed)), 2)  # [N, m]
    t = np.random.default_rng(seed).random((pairs, 1))
    way = linear if space == "zt" else spherical
    x, x_further = (
        np.clip(model.decode(codes_of(model, space, way(a, b, s))), 0, 1) for s in (t, t + epsilon)
    )
    difference = np.float64(extractor(x).activations) - extractor(x_further).activations
    distances = np.square(difference).sum(1) / epsilon**2  # [N]
    low, high = np.percentile(distances, _PERCENTILES)
    return float(distances[(distances >= low) & (distances <= high)].mean())
