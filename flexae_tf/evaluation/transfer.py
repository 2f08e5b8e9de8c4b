"""Measures of a model of images given maps: reconstruction, samples, and swapped appearances.

Keys:

    reconstruction_squared_error, reconstruction_ssim   of test images from their own code and map
    sample_ssim                 of p(x|y) for their maps, against the images that have these
    sample_variance             between two samples for a map, mean square of the difference / 2
    inception_score             of these samples, where the extractor classifies

On stick_figures, whose swapped pictures can be rendered, the appearance of each test image in the
pose of the next (of a random order), the rendered one being the truth:

    pose_error                  mean distance in pixels between the marks that are found in the
                                pictures and the joints of the pose that was asked for
    pose_error_shuffled         the same with the joints of another random image
    pose_error_of_appearance    the same with the joints of the image that the appearance is of
    pose_error_rendered         the same of the truth, which is the error of the search itself
    squared_error               sum over the pixels of the difference to the truth, mean
    squared_error_shuffled      the same to the truth of another appearance in the same pose
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.conditional import ConditionalModel
from flexae_tf.data import Dataset, gather, stick_figures, to_unit
from flexae_tf.errors import UserError
from flexae_tf.evaluation.features import Extractor
from flexae_tf.evaluation.inception_score import inception_score
from flexae_tf.evaluation.pose import pose_error
from flexae_tf.evaluation.reconstruction import squared_error
from flexae_tf.model import Model

_IMAGES = 400
_SSIM_WINDOW = 11  # pixels; smaller images have none


def transfer_measures(
    model: Model, dataset: Dataset, extractor: Extractor, seed: int
) -> dict[str, float]:
    """{key: number}, see above, over at most 400 test images.

    Args:
      model: a `ConditionalModel`. dataset: of pairs.
      extractor: of the Inception score.
      seed: of the order of the images and of the samples.

    Raises:
      UserError: the model is not conditioned on maps.
    """
    if not isinstance(model, ConditionalModel):
        raise UserError("--measures=transfer is of models that are conditioned on a map")
    rows = np.random.default_rng(seed).permutation(len(dataset.test))[:_IMAGES]
    examples = gather(dataset.test, rows)
    real = model.image_of(examples)
    x_hat, samples = model.reconstruct(examples), model.sample_for(examples, seed)
    others = model.sample_for(examples, seed + 1)
    found = {
        "reconstruction_squared_error": squared_error(real=real, generated=x_hat),
        "reconstruction_ssim": ssim(real, x_hat),
        "sample_ssim": ssim(real, samples),
        "sample_variance": float(np.mean(np.square(samples - others)) / 2),
    }
    logits = extractor(samples).logits
    if logits is not None:
        found["inception_score"] = inception_score(logits)
    if dataset.name == "stick_figures":
        numbers = np.array(stick_figures.test_numbers())[rows]
        found |= _against_rendered(model, examples, numbers)
    return {key: value for key, value in found.items() if np.isfinite(value)}


def ssim(real: np.ndarray, generated: np.ndarray) -> float:
    """Mean structural similarity of pairs of images, 1 where they are the same; NaN below 11 x 11.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity".

    Args:
      real, generated: [N, H, W, C], uint8 or float in [0, 1].
    """
    if min(real.shape[1:3]) < _SSIM_WINDOW:
        return float("nan")
    real, generated = (tf.constant(to_unit(images)) for images in (real, generated))
    return float(tf.reduce_mean(tf.image.ssim(real, generated, 1.0, filter_size=_SSIM_WINDOW)))


def _against_rendered(model, examples, numbers):
    """Of the appearance of each example in the pose of the next."""
    next_pose = np.roll(numbers, -1)
    pictures = model.transfer(examples, np.roll(examples, -1, axis=0))
    size = pictures.shape[1]
    truth = stick_figures.images(numbers, next_pose, size)
    another = stick_figures.images(np.roll(numbers, -2), next_pose, size)
    errors = {
        "pose_error": (pictures, next_pose),
        "pose_error_shuffled": (pictures, np.roll(numbers, -2)),
        "pose_error_of_appearance": (pictures, numbers),
        "pose_error_rendered": (truth, next_pose),
    }
    joints = {key: stick_figures.joints(of.tolist()) for key, (_, of) in errors.items()}
    found = {key: pose_error(images, joints[key]) for key, (images, _) in errors.items()}
    return found | {
        "squared_error": squared_error(real=truth, generated=pictures),
        "squared_error_shuffled": squared_error(real=another, generated=pictures),
    }
