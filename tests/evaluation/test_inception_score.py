"""Inception Score at its two ends and by the definition."""

import numpy as np
import pytest
import scipy.special

from flexae_tf.evaluation.inception_score import inception_score


def test_confident_and_diverse_gives_the_number_of_classes():
    assert inception_score(np.eye(10, dtype=np.float32)[np.arange(100) % 10] * 1000) == (
        pytest.approx(10)
    )


def test_one_class_or_no_opinion_gives_one():
    assert inception_score(np.tile([0.0, 50, 3], (20, 1))) == pytest.approx(1)
    assert inception_score(np.zeros((20, 5))) == pytest.approx(1)


def test_equals_the_definition():
    logits = np.random.default_rng(0).normal(size=(200, 7)) * 2
    p = scipy.special.softmax(logits, axis=1)
    divergence = (p * (np.log(p) - np.log(p.mean(axis=0)))).sum(axis=1)
    assert inception_score(logits) == pytest.approx(np.exp(divergence.mean()), rel=1e-9)
