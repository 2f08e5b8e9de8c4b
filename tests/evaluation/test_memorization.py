"""Memorization scores by hand, on MNIST, and how long they take."""

import os
import resource

import numpy as np
import pytest

from flexae_tf import data
from flexae_tf.errors import UserError
from flexae_tf.evaluation.memorization import memorization_score


def test_memorization_score_by_hand():
    real = np.array([[0.0, 0], [10, 0]])
    generated = np.array([[3.0, 4], [10, 1]])
    assert memorization_score(real=real, generated=generated) == pytest.approx((5 + 1) / 2)


def test_memorization_has_a_direction():
    real, generated = np.array([[0.0], [100.0]]), np.array([[1.0], [2.0]])
    assert memorization_score(real=real, generated=generated) == pytest.approx(1.5)
    assert memorization_score(real=generated, generated=real) == pytest.approx((1 + 98) / 2)


def test_copies_score_exactly_zero():
    real = np.random.default_rng(0).normal(size=(1500, 30)).astype(np.float32)
    assert memorization_score(real=real, generated=real[::-1]) == 0


def test_unequal_sets_are_refused():
    with pytest.raises(UserError, match="received 10 and 5"):
        memorization_score(real=np.zeros((10, 2)), generated=np.zeros((5, 2)))


@pytest.mark.slow
@pytest.mark.skipif("TFDS_DATA_DIR" not in os.environ, reason="needs MNIST in TFDS_DATA_DIR")
def test_mnist_scores_are_the_papers(tmp_path):
    mnist = data.load("mnist", data_dir=os.environ["TFDS_DATA_DIR"], cache_dir=tmp_path)

    def pixels(images, rows):
        return data.to_unit(data.gather(images, rows)).reshape(len(rows), -1)

    order = np.random.default_rng(0).permutation(len(mnist.train))
    train, other = pixels(mnist.train, order[:10000]), pixels(mnist.train, order[10000:20000])
    test = pixels(mnist.test, np.arange(10000))
    # The paper has 4.72 and 4.77; other draws of the train images move ours by 0.01.
    assert memorization_score(real=train, generated=other) == pytest.approx(4.715, abs=0.02)
    assert memorization_score(real=test, generated=train) == pytest.approx(4.756, abs=0.02)


@pytest.mark.slow
def test_ten_thousand_colour_images_take_1_gb_at_most():
    real, generated = (
        np.random.default_rng(seed).random((10000, 3072), dtype=np.float32) for seed in (0, 1)
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memorization_score(real=real, generated=generated)
    added_gb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e9
    assert added_gb + (real.nbytes + generated.nbytes) / 1e9 < 1
