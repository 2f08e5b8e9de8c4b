"""Frechet distance between Gaussians fitted to two sets of features (Heusel et al., 2017).

    FID = |mu_r - mu_g|^2 + tr(C_r + C_g - 2 (C_r C_g)^(1/2))

On Inception's pool_3 it is the FID; on raw vectors it is the paper's distance of synthetic sets.
"""

import numpy as np
import tensorflow as tf

from flexae_tf.evaluation import tfgan
from flexae_tf.evaluation.validation import check_two_sets, warn_if_few


def frechet_distance(*, real: np.ndarray, generated: np.ndarray) -> float:
    """Frechet distance between two sets, through TF-GAN in float64.

    Args:
      real: [N, d] features or vectors.
      generated: [M, d].

    Returns:
      float, >= 0 up to rounding (equal sets give less than 1e-3 in magnitude).
      Finite and right also for N or M below d.

    Raises:
      UserError: see `validation.check_two_sets`.
    """
    real, generated = check_two_sets(real=real, generated=generated)
    warn_if_few(real=real, generated=generated)
    # On the CPU because a GPU's float64 singular values are slow and differ in the last digits.
    with tf.device("/CPU:0"):
        distance = tfgan.eval.frechet_classifier_distance_from_activations(
            real.astype(np.float64), generated.astype(np.float64)
        )
    return float(distance)
