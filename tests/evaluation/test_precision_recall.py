"""Improved precision and recall by hand, and on generators with a known fault."""

import numpy as np
import pytest

from flexae_tf.errors import UserError
from flexae_tf.evaluation.precision_recall import precision_recall


def points(n, d, seed, scale=1.0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32) * scale


def test_precision_recall_by_hand():
    real = np.arange(10.0)[:, None]  # third neighbour: 3 at the ends, at most 2 inside
    generated = np.array([4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8, 50, 60])[:, None]
    score = precision_recall(real=real, generated=generated)
    assert score.precision == pytest.approx(0.8)
    # 50 and 60 reach back to 4.7 and 4.6 and so cover 5 to 9; 4.1 reaches 0.3 and covers 4.
    assert score.recall == pytest.approx(0.6)


def test_tight_generator_is_precise_and_wide_one_recalls():
    wide, tight = points(1000, 4, 0, scale=3), points(1000, 4, 1, scale=0.2)
    collapsed = precision_recall(real=wide, generated=tight)
    assert collapsed.precision > 0.9
    assert collapsed.recall < 0.1
    spread = precision_recall(real=tight, generated=wide)
    assert (spread.precision, spread.recall) == (collapsed.recall, collapsed.precision)


def test_equal_sets_are_perfect():
    real = points(100, 5, 0)
    assert precision_recall(real=real, generated=real) == (1, 1)


def test_too_few_or_unequal_sets_are_refused():
    real = points(10, 5, 0)
    with pytest.raises(UserError, match="at least 4"):
        precision_recall(real=real[:3], generated=real[:3])
    with pytest.raises(UserError, match="equally many"):
        precision_recall(real=real, generated=real[:5])
