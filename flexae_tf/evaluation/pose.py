"""The pose of rendered stick figures, read from pictures: where the marks on hands and feet are."""

import numpy as np

from flexae_tf.data import gather, stick_figures, to_unit

_LEAST_CHROMA = 0.1  # along a mark's own, below which it is nowhere
_LEAST_SHARE = 0.6  # of the most in a picture; of a sharp mark's, muted colours have less


def marks(images: np.ndarray) -> np.ndarray:
    """Coordinates of the four marks in pictures of stick figures, float64 [N, 4, 2].

    A mark is at the mean of the pixels that have the most of its colour in this picture, by how
    much of it they have, so that pale marks are found as well; one that is nowhere is put into the
    middle of the picture.

    Args:
      images: uint8 or float in [0, 1], [N, H, W, 3].

    Returns:
      (x, y) in [0, 1] from the upper left corner, in the order of `stick_figures.MARKED`.
    """
    chroma = _chroma(stick_figures.MARK_COLOURS)  # [4, 3]
    directions = chroma / np.linalg.norm(chroma, axis=-1, keepdims=True)
    height, width = images.shape[1:3]
    places = np.stack(
        np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height), -1
    )  # [H, W, 2]
    found = np.full((len(images), len(directions), 2), 0.5)
    for n in range(len(images)):
        amount = _chroma(to_unit(gather(images, [n])[0])) @ directions.T  # [H, W, 4]
        most = amount.max((0, 1))  # [4]
        weights = np.maximum(amount - _LEAST_SHARE * most, 0)
        total = weights.sum((0, 1))
        there = most > _LEAST_CHROMA
        means = np.einsum("hwk,hwc->kc", weights, places)[there] / total[there, None]
        found[n, there] = means
    return found


def pose_error(images: np.ndarray, joints: np.ndarray) -> float:
    """Mean distance in pixels between the marks in pictures and where they should be.

    Args:
      images: as in `marks`.
      joints: of `stick_figures.joints`, [N, 11, 2].
    """
    distances = np.linalg.norm(marks(images) - joints[:, stick_figures.MARKED], axis=-1)  # [N, 4]
    return float(distances.mean() * images.shape[1])


def _chroma(colours):
    """Colours [..., 3] without their mean over red, green and blue."""
    return colours - colours.mean(-1, keepdims=True)
