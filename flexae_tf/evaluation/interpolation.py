"""Codes between two codes, for figures, path lengths and the distance of decoded midpoints.

A prior whose codes z_T are a bijection of noise z_0 ~ N(0, I) has two spaces to interpolate in
(Morrow and Chiu, Section 6.2): "zt", that of codes, and "z0".
"""

import numpy as np
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.model import InvertibleDensity, Model

SPACES = ("z0", "zt")
SMALLEST_SINE = 1e-6  # below it the weights of the arc are rounding error


def linear(z_a: np.ndarray, z_b: np.ndarray, t: float) -> np.ndarray:
    """(1 - t) z_a + t z_b, the FlexAE paper's interpolation (Figure 5).

    Args:
      z_a, z_b: [N, m] codes.
      t: float in [0, 1]; 0.5 is the midpoint.

    Returns:
      [N, m].
    """
    return (1 - t) * z_a + t * z_b


def spherical(z_a: np.ndarray, z_b: np.ndarray, t: float) -> np.ndarray:
    """Interpolation along the arc between two codes, as in the RAE paper's program.

    The angle is that of the normalised codes, the weights apply to the codes as they are, so the
    ends are exact whatever their norms. It is linear where the codes are parallel or one is 0.

    Args:
      z_a, z_b: [N, m] codes.
      t: float in [0, 1]; 0.5 is the midpoint.

    Returns:
      [N, m].
    """
    norms = np.linalg.norm(z_a, axis=1) * np.linalg.norm(z_b, axis=1)
    cosine = np.einsum("nm,nm->n", z_a, z_b) / np.where(norms == 0, 1, norms)
    angle = np.arccos(np.clip(cosine, -1, 1))[:, None]  # [N, 1]
    sine = np.sin(angle)
    parallel = (sine < SMALLEST_SINE) | (norms == 0)[:, None]
    safe_sine = np.where(parallel, 1, sine)
    arc = (np.sin((1 - t) * angle) * z_a + np.sin(t * angle) * z_b) / safe_sine
    return np.where(parallel, linear(z_a, z_b, t), arc)


def points_of(model: Model, space: str, z: np.ndarray) -> np.ndarray:
    """The points [N, m] in one of SPACES of codes z [N, m].

    Raises:
      UserError: the model has no z0.
    """
    return z if space == "zt" else np.asarray(_density(model).noise_of(tf.constant(z)))


def codes_of(model: Model, space: str, points: np.ndarray) -> np.ndarray:
    """The codes, float32 [N, m], of points [N, m] in one of SPACES; as `points_of`, backwards."""
    points = np.float32(points)
    return points if space == "zt" else np.asarray(_density(model).prior(tf.constant(points)))


def _density(model):
    if not isinstance(model.density, InvertibleDensity):
        raise UserError(
            "the model's prior is no bijection of N(0, I), so it has no z0: "
            "give --density=standard_normal or flow"
        )
    return model.density
