"""What a reconstruction of an image loses, as a viewer sees it; grey levels in 0..255.

With VGG19: the mean absolute differences of the image and of five layers' features, as in the
variational U-Net's program. Without: those of an image pyramid and of its gradients, which needs no
weights and is not the paper's loss.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

_LEAST_SIDE = 4  # of the smallest image of the pyramid


def feature_distance(
    x: tf.Tensor, x_hat: tf.Tensor, features: Callable, gram_weight: float = 0.0
) -> tf.Tensor:
    """Sum over layers of mean |f(x) - f(x_hat)| and of the weighted same of Gram matrices.

    Args:
      x, x_hat: [B, H, W, C] in [0, 1].
      features: function of these to a list of [B, h, w, c].
      gram_weight: of the matrices f^T f / (4 h w), [B, c, c].

    Returns:
      A scalar.
    """
    total = tf.constant(0.0)
    for f, f_hat in zip(features(x), features(x_hat), strict=True):
        total += _absolute_difference(f, f_hat)
        if gram_weight:
            total += gram_weight * _absolute_difference(_gram(f), _gram(f_hat))
    return total


def pyramid(x: tf.Tensor) -> list[tf.Tensor]:
    """Features without weights: the image in ever halved sizes, each with its two gradients.

    Args:
      x: [B, H, W, C] in [0, 1].

    Returns:
      A list of [B, h, w, c] in grey levels.
    """
    x = 255.0 * x
    found = []
    while min(x.shape[1:3]) >= _LEAST_SIDE:
        found += [x, x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]]
        x = tf.nn.avg_pool2d(x, 2, 2, "VALID")
    return found


def _absolute_difference(a, b):
    return tf.reduce_mean(tf.abs(a - b))


def _gram(f):
    places = f.shape[1] * f.shape[2]
    rows = tf.reshape(f, [-1, places, f.shape[3]])
    return tf.matmul(rows, rows, transpose_a=True) / (4.0 * places)
