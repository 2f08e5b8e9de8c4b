"""Reconstruction error."""

import numpy as np

from flexae_tf.data import gather, to_unit
from flexae_tf.errors import UserError

CHUNK_ROWS = 1000


def squared_error(*, real: np.ndarray, generated: np.ndarray) -> float:
    """Mean over images of the sum over pixels of (x - x_hat)^2, pixels in [0, 1].

    Args:
      real: images or vectors [N, ...]; uint8, or float as it is.
      generated: their reconstructions, in the same order and shape.

    Returns:
      float >= 0. Divide by H * W * C for the mean squared error of a pixel.

    Raises:
      UserError: different shapes.
    """
    if real.shape != generated.shape:
        raise UserError(
            "reconstruction error: expected a reconstruction of every image, received shapes "
            f"{tuple(real.shape)} and {tuple(generated.shape)}"
        )
    total = 0.0
    for start in range(0, len(real), CHUNK_ROWS):
        rows = np.arange(start, min(start + CHUNK_ROWS, len(real)))
        difference = to_unit(gather(real, rows)) - to_unit(gather(generated, rows))
        total += np.sum(np.square(difference, dtype=np.float64))
    return float(total / len(real))
