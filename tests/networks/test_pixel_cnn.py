"""The gated PixelCNN: what it sees, and what it samples."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from flexae_tf.networks.pixel_cnn import PixelCnn, quantiles

SIZE, GRID, DEPTH = 5, (4, 5), 2


@pytest.fixture(scope="module")
def pixel_cnn():
    """One that is not uniform: its last kernel is not 0."""
    made = PixelCnn(SIZE, GRID, DEPTH, width=6)
    draw = np.random.default_rng(0)
    for weight in made.weights:
        weight.assign(draw.standard_normal(weight.shape) / 2)
    return made


def test_a_logit_sees_every_index_before_it_and_no_other(pixel_cnn):
    """A gradient by what is not before is exactly zero, by everything before it is not.

    Two layers see 4 places to either side and 5 upwards, so the whole of this grid.
    """
    draw = np.random.default_rng(1)
    e = tf.Variable(np.float32(draw.standard_normal((1, *GRID, 6))))
    places = GRID[0] * GRID[1]

    @tf.function
    def seen():
        with tf.GradientTape() as tape:
            logits = pixel_cnn.logits(e, pixel_cnn.above(e))  # [1, h, w, K]
            flat = tf.reshape(logits, [places * SIZE])
        return tape.jacobian(flat, e)

    gradients = seen().numpy().reshape(places, SIZE, places, 6)
    largest = np.abs(gradients).max(-1)  # [place, logit, place of the index]
    before = np.tril(np.ones((places, places)), -1).astype(bool)
    assert np.all(largest.transpose(0, 2, 1)[~before] == 0)
    assert np.all(largest.transpose(0, 2, 1)[before] > 0)


def test_samples_are_the_quantiles_of_each_place_in_turn(pixel_cnn):
    u = np.random.default_rng(2).random((3, *GRID), np.float32)
    drawn = tf.function(pixel_cnn.sample)(u).numpy()
    assert drawn.dtype == np.int32
    p = scipy.special.softmax(pixel_cnn(drawn).numpy().astype(np.float64), axis=-1)
    above = p.cumsum(-1)
    chosen = np.take_along_axis(above, drawn[..., None], -1)[..., 0]
    below = chosen - np.take_along_axis(p, drawn[..., None], -1)[..., 0]
    assert np.all((below <= u + 1e-5) & (u < chosen + 1e-5))
    assert len(np.unique(drawn)) > 1


def test_an_untrained_prior_is_uniform():
    made = PixelCnn(SIZE, GRID, DEPTH, width=6)
    indices = np.random.default_rng(3).integers(SIZE, size=(2, *GRID))
    np.testing.assert_array_equal(made(indices), np.zeros((2, *GRID, SIZE)))


def test_quantiles():
    logits = np.log(np.float32([[0.5, 0.25, 0.25]] * 5))
    u = tf.constant([0.0, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_array_equal(quantiles(tf.constant(logits), u), [0, 0, 1, 2, 2])
