"""Inception Score (Salimans et al., 2016)."""

import numpy as np
import tensorflow as tf

from flexae_tf.evaluation import tfgan
from flexae_tf.evaluation.validation import check_vectors


def inception_score(logits: np.ndarray) -> float:
    """exp of the mean KL divergence between p(y|x) and p(y), through TF-GAN in float64.

    Args:
      logits: [N, classes], unnormalised class scores of the generated images.

    Returns:
      float in [1, classes], over the whole set at once (no splits).

    Raises:
      UserError: see `validation.check_vectors`.
    """
    logits = check_vectors(logits, "logits")
    with tf.device("/CPU:0"):
        return float(tfgan.evaluation().classifier_score_from_logits(logits.astype(np.float64)))
