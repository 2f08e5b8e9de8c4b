"""Memorization scores PMS and IMS (the FlexAE paper, Section 4.2.3 and Table 4)."""

import numpy as np

from flexae_tf.evaluation.neighbors import nearest
from flexae_tf.evaluation.validation import check_two_sets


def memorization_score(*, real: np.ndarray, generated: np.ndarray) -> float:
    """Mean Euclidean distance from each generated image to its nearest real one.

    PMS is this on pixels in [0, 1], flattened; IMS is this on Inception's pool_3 features. A model
    that memorised scores clearly below the same measure between two disjoint sets of real images:
    for such a baseline pass one of them as `generated`. The paper's Tr-Te has the train images
    there and the test images as `real`; the other way round gives a slightly smaller number.

    Args:
      real: [N, d], the set searched (the paper's B).
      generated: [N, d], the queries (the paper's A).

    Returns:
      float >= 0, in the units of the vectors. It falls as `real` grows.

    Raises:
      UserError: see `validation.check_two_sets`; different counts.
    """
    real, generated = check_two_sets(real=real, generated=generated, same_count=True)
    return float(nearest(generated, real)[1].mean())
