"""Kernel distance (KID) between two sets of features (Binkowski et al., 2018)."""

import numpy as np
import tensorflow as tf

from flexae_tf.evaluation import tfgan
from flexae_tf.evaluation.validation import check_two_sets


def kernel_distance(*, real: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    """Squared maximum mean discrepancy under the kernel (x.y / d + 1)^3, through TF-GAN in float64.

    The estimate is a mean over blocks of at most 1,024 rows, so both sets must be in random order.

    Args:
      real: [N, d] features.
      generated: [M, d].

    Returns:
      (distance, standard_error): floats. The estimate is unbiased, so it may be negative; the
      error is NaN where there is only one block.

    Raises:
      UserError: see `validation.check_two_sets`.
    """
    real, generated = check_two_sets(real=real, generated=generated)
    with tf.device("/CPU:0"):
        distance, error = tfgan.evaluation().kernel_classifier_distance_and_std_from_activations(
            tf.constant(real, tf.float64), tf.constant(generated, tf.float64)
        )
    return float(distance), float(error)
