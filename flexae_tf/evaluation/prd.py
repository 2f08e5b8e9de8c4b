"""Precision and recall of distributions, PRD (Sajjadi et al., 2018).

Both sets are clustered together; the two histograms over the clusters give a curve of
(precision, recall) pairs, one per angle, which is summarised as

    F_beta = (1 + beta^2) p r / (beta^2 p + r),   maxima over the curve of F_1/8 and F_8.

F_1/8 weighs precision (quality), F_8 weighs recall (variety). A table that says
"precision/recall" means F_1/8 / F_8.
"""

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from flexae_tf.errors import UserError
from flexae_tf.evaluation.validation import check_two_sets

CLUSTERS = 20
ANGLES = 1001
RUNS = 10
# scikit-learn's default when the measure was published; it is 1024 now.
CLUSTERING_BATCH = 100
BETA = 8
EPSILON = 1e-10


class PrdScore(NamedTuple):
    """Summary of a PRD curve."""

    f_1_8: float  # precision-like, in [0, 1]
    f_8: float  # recall-like, in [0, 1]


def prd_score(*, real: np.ndarray, generated: np.ndarray, seed: int) -> tuple[float, float]:
    """F_1/8 and F_8 of the curve averaged over 10 clusterings.

    Args:
      real: [N, d] features.
      generated: [N, d]; as many as `real`, because the larger set would draw the clusters.
      seed: int; the result is that of the authors' program after `numpy.random.seed(seed)`, with
        the k-means of the scikit-learn installed, in batches of 100.

    Returns:
      PrdScore.

    Raises:
      UserError: see `validation.check_two_sets`; fewer points than clusters.
    """
    precision, recall = prd_curve(real=real, generated=generated, seed=seed)
    return PrdScore(
        f_1_8=_max_f_beta(precision, recall, 1 / BETA), f_8=_max_f_beta(precision, recall, BETA)
    )


def prd_curve(
    *, real: np.ndarray, generated: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The averaged curve itself: (precision [1001], recall [1001]); arguments as `prd_score`."""
    from sklearn.utils import check_random_state  # here, since it takes a second to import

    real, generated = check_two_sets(real=real, generated=generated, same_count=True)
    if 2 * len(real) < CLUSTERS:
        raise UserError(
            f"PRD: expected at least {CLUSTERS // 2} images in each set, received {len(real)}"
        )
    points = np.vstack([generated, real]).astype(np.float64)
    random_state = check_random_state(seed)
    # More threads do not pay for these small steps, and on a busy machine they wait for each other.
    with threadpool_limits(1, user_api="openmp"):
        curves = [_curve_of(points, random_state) for _ in range(RUNS)]
    # The curves are averaged first and the maxima taken afterwards.
    return tuple(np.mean(curves, axis=0))


def histogram_curve(*, real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall at every angle, for two distributions over the same states.

    Args:
      real: [K] probabilities.
      generated: [K] probabilities.

    Returns:
      (precision [1001], recall [1001]) in [0, 1], from recall-heavy to precision-heavy angles.
    """
    slopes = np.tan(np.linspace(EPSILON, np.pi / 2 - EPSILON, ANGLES))
    precision = np.minimum(slopes[:, None] * real, generated).sum(axis=1)
    recall = precision / slopes
    return np.clip(precision, 0, 1), np.clip(recall, 0, 1)  # rounding leaves values just above 1


def _curve_of(points, random_state):
    from sklearn.cluster import MiniBatchKMeans

    clusterer = MiniBatchKMeans(
        n_clusters=CLUSTERS, batch_size=CLUSTERING_BATCH, n_init=10, random_state=random_state
    )
    labels = clusterer.fit(points).labels_
    count = len(points) // 2
    generated = np.bincount(labels[:count], minlength=CLUSTERS) / count
    real = np.bincount(labels[count:], minlength=CLUSTERS) / count
    return histogram_curve(real=real, generated=generated)


def _max_f_beta(precision, recall, beta):
    weighted = beta**2 * precision + recall + EPSILON
    return float(np.max((1 + beta**2) * precision * recall / weighted))
