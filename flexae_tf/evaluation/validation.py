"""What a set must be before it is measured: the one place that says no."""

import numpy as np
from numpy.typing import ArrayLike

from flexae_tf.errors import UserError, warn

# Inception's pool_3 has 2,048 components: with fewer images their covariance is singular.
SMALLEST_UNWARNED_COUNT = 2048


def check_images(images: np.ndarray, name: str) -> np.ndarray:
    """Returns `images`, or refuses them.

    Args:
      images: array-like, uint8 [N, H, W, C] or floating [N, H, W, C] in [0, 1], C = 1 or 3.
      name: what the set is called in an error.

    Raises:
      UserError: wrong rank, channels or type; a value that is not finite or not in [0, 1].
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise UserError(
            f"{name}: expected images [N, H, W, 1 or 3], received shape {tuple(images.shape)}"
        )
    if not images.size:
        raise UserError(f"{name}: expected at least one image, received none")
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise UserError(f"{name}: expected uint8 or float32 images, received {images.dtype}")
    lowest, highest = float(np.min(images)), float(np.max(images))  # NaN passes through both
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise UserError(f"{name}: expected finite pixels, received NaN or infinite ones")
    if lowest < 0 or highest > 1:
        raise UserError(
            f"{name}: expected float pixels in [0, 1], received [{lowest:g}, {highest:g}]; "
            "scale them, or give uint8 images in 0..255"
        )
    return images


def check_vectors(vectors: ArrayLike, name: str, minimum: int = 2) -> np.ndarray:
    """Returns `vectors` as an array [N, d], or refuses them.

    Args:
      vectors: array-like [N, d] of finite numbers (features, codes or flattened images).
      name: what the set is called in an error.
      minimum: smallest N that can be measured.

    Raises:
      UserError: wrong rank, too few rows, or a value that is not finite.
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise UserError(
            f"{name}: expected one row per image, [N, d], received shape {vectors.shape}"
        )
    if len(vectors) < minimum:
        raise UserError(f"{name}: expected at least {minimum} rows, received {len(vectors)}")
    # Extremes are not finite as soon as one value is not, and need no array of flags.
    if not np.isfinite([vectors.min(), vectors.max()]).all():
        raise UserError(f"{name}: expected finite values, received NaN or infinite ones")
    return vectors


def check_two_sets(
    *, real: ArrayLike, generated: ArrayLike, minimum: int = 2, same_count: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Returns (real, generated) as arrays [N, d] and [M, d], or refuses them.

    Args:
      real, generated: array-like [N, d] and [M, d].
      minimum: smallest N and M that can be measured.
      same_count: whether the protocol demands N = M.

    Raises:
      UserError: as `check_vectors`; different d; N != M where `same_count`.
    """
    real = check_vectors(real, "real", minimum)
    generated = check_vectors(generated, "generated", minimum)
    if real.shape[1] != generated.shape[1]:
        raise UserError(
            "real and generated: expected features of one extractor, received "
            f"{real.shape[1]} and {generated.shape[1]} components"
        )
    if same_count and len(real) != len(generated):
        raise UserError(
            "real and generated: expected equally many, received "
            f"{len(real)} and {len(generated)}; take the same number of each"
        )
    return real, generated


def warn_if_few(*, real: np.ndarray, generated: np.ndarray) -> None:
    """Warns if either set is too small for a trustworthy covariance."""
    count = min(len(real), len(generated))
    if count < SMALLEST_UNWARNED_COUNT:
        warn(
            f"only {count:,} images: below {SMALLEST_UNWARNED_COUNT:,} the covariance of Inception "
            "features is singular and the Frechet distance biased upwards; compare it only with "
            "scores from as many images"
        )
