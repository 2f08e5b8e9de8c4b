"""Improved precision and recall by k nearest neighbours (Kynkaanniemi et al., 2019)."""

from typing import NamedTuple

import numpy as np

from flexae_tf.evaluation.neighbors import squared_distances
from flexae_tf.evaluation.validation import check_two_sets

NEIGHBORS = 3


class PrecisionRecall(NamedTuple):
    """Shares of one set that lie on the estimated manifold of the other."""

    precision: float  # of generated images on the real manifold, in [0, 1]
    recall: float  # of real images on the generated manifold, in [0, 1]


def precision_recall(*, real: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    """Improved precision and recall with k = 3.

    A set's manifold is the union of balls around its points, each reaching the point's third
    nearest neighbour within the set.

    Args:
      real: [N, d] features.
      generated: [N, d].

    Returns:
      PrecisionRecall.

    Raises:
      UserError: see `validation.check_two_sets`; different counts; fewer than 4 images.
    """
    real, generated = check_two_sets(
        real=real, generated=generated, minimum=NEIGHBORS + 1, same_count=True
    )
    return PrecisionRecall(
        precision=_share_covered(generated, manifold=real),
        recall=_share_covered(real, manifold=generated),
    )


def _share_covered(points, *, manifold):
    radii = _squared_radii(manifold)  # [N]
    covered = [(d <= radii).any(axis=1) for _, d in squared_distances(points, manifold)]
    return float(np.concatenate(covered).mean())


def _squared_radii(points):
    radii = []
    for rows, distances in squared_distances(points, points):
        distances[np.arange(len(distances)), np.arange(rows.start, rows.stop)] = np.inf  # itself
        radii.append(np.partition(distances, NEIGHBORS - 1, axis=1)[:, NEIGHBORS - 1])
    return np.concatenate(radii)
