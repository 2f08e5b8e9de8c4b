"""PRD against a plain transcription of its definition, and on generators with a known fault."""

import math

import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans

from flexae_tf.errors import UserError
from flexae_tf.evaluation.prd import histogram_curve, prd_score


def modes(which, per_mode, seed, spread=0.3):
    """Points around some of ten well separated centres."""
    centres = np.random.default_rng(99).normal(size=(10, 6)) * 10
    noise = np.random.default_rng(seed).normal(size=(len(which) * per_mode, 6)) * spread
    return np.repeat(centres[which], per_mode, axis=0) + noise


def reference_score(real, generated, seed):
    """F_8 and F_1/8, angle by angle, on the global random state as in the authors' program."""
    np.random.seed(seed)  # noqa: NPY002
    precisions, recalls = [], []
    for _ in range(10):
        clusterer = MiniBatchKMeans(n_clusters=20, n_init=10, batch_size=100)
        labels = clusterer.fit(np.vstack([generated, real])).labels_
        n = len(generated)
        q = [np.mean(labels[:n] == k) for k in range(20)]
        p = [np.mean(labels[n:] == k) for k in range(20)]
        precision, recall = [], []
        for i in range(1001):
            slope = math.tan(1e-10 + i * (math.pi / 2 - 2e-10) / 1000)
            alpha = sum(min(slope * p_k, q_k) for p_k, q_k in zip(p, q, strict=True))
            precision.append(min(alpha, 1))
            recall.append(min(alpha / slope, 1))
        precisions.append(precision)
        recalls.append(recall)
    p, r = np.mean(precisions, axis=0), np.mean(recalls, axis=0)
    f = {b: np.max((1 + b * b) * p * r / (b * b * p + r + 1e-10)) for b in (8, 1 / 8)}
    return f[8], f[1 / 8]


def test_equals_the_reference_algorithm_with_the_same_seed():
    generator = np.random.default_rng(0)
    real, generated = generator.normal(size=(900, 5)), generator.normal(size=(900, 5)) * 0.7 + 0.3
    score = prd_score(real=real, generated=generated, seed=7)
    f_8, f_1_8 = reference_score(real, generated, seed=7)
    assert score.f_8 == pytest.approx(f_8, abs=1e-6)
    assert score.f_1_8 == pytest.approx(f_1_8, abs=1e-6)
    assert prd_score(real=real, generated=generated, seed=7) == score


def test_curve_of_two_states():
    # p = (1, 0), q = (1/2, 1/2): at slope s precision is min(s, 1/2).
    precision, recall = histogram_curve(real=np.array([1.0, 0]), generated=np.array([0.5, 0.5]))
    assert precision[-1] == pytest.approx(0.5)
    assert recall[0] == pytest.approx(1)
    assert recall[500] == pytest.approx(0.5)  # 45 degrees: slope 1


def test_collapsed_generator_has_precision_and_no_recall():
    real = modes(np.arange(10), 100, seed=0)
    score = prd_score(real=real, generated=modes([3], 1000, seed=1), seed=0)
    assert score.f_1_8 > 0.8
    assert score.f_8 < 0.5


def test_over_spread_generator_has_recall_and_no_precision():
    real = modes([3], 1000, seed=0)
    score = prd_score(real=real, generated=modes(np.arange(10), 100, seed=1), seed=0)
    assert score.f_1_8 < 0.5
    assert score.f_8 > 0.8


def test_equal_sets_are_perfect():
    real = modes(np.arange(10), 50, seed=0)
    score = prd_score(real=real, generated=real, seed=0)
    assert min(score) > 0.999


def test_unequal_or_too_few_images_are_refused():
    with pytest.raises(UserError, match="equally many"):
        prd_score(real=np.zeros((30, 2)), generated=np.zeros((31, 2)), seed=0)
    with pytest.raises(UserError, match="at least 10 images"):
        prd_score(real=np.zeros((9, 2)), generated=np.ones((9, 2)), seed=0)
