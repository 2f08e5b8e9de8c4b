"""Kernel distance against TF-GAN and by the definition."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.evaluation import tfgan
from flexae_tf.evaluation.kernel import kernel_distance


def two_sets(n, d):
    generator = np.random.default_rng(0)
    return generator.normal(size=(n, d)), generator.normal(size=(n, d)) * 1.1 + 0.1


def test_equals_tf_gan():
    real, generated = two_sets(2500, 32)
    expected = tfgan.evaluation().kernel_classifier_distance_and_std_from_activations(
        tf.constant(real), tf.constant(generated)
    )
    assert kernel_distance(real=real, generated=generated) == tuple(float(e) for e in expected)


def test_equals_the_unbiased_estimate_of_one_block():
    real, generated = two_sets(40, 8)
    n = len(real)

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_off_diagonal(k):
        return (k.sum() - np.trace(k)) / (n * (n - 1))

    expected = (
        mean_off_diagonal(kernel(real, real))
        + mean_off_diagonal(kernel(generated, generated))
        - 2 * kernel(real, generated).mean()
    )
    distance, error = kernel_distance(real=real, generated=generated)
    assert distance == pytest.approx(expected, rel=1e-9)
    assert np.isnan(error)
