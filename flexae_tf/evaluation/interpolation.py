"""Codes between two codes, for figures and for the Frechet distance of decoded midpoints."""

import numpy as np

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
