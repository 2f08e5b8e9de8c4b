"""What an extractor does with a set of images, whatever its network."""

import numpy as np
import pytest

from flexae_tf.errors import UserError
from flexae_tf.evaluation.features import Extractor, pixels


def extractor(network):
    return Extractor("stand-in", "0", "none", "none", False, network)


def test_batches_are_bounded_and_joined_in_order():
    seen = []

    def network(batch):
        seen.append(len(batch))
        return batch.reshape(len(batch), -1)[:, :2] * 1.0, batch[:, 0, 0, :1] + 1.0

    images = np.random.default_rng(0).random((120, 4, 4, 3), dtype=np.float32)
    features = extractor(network)(images)
    assert seen == [50, 50, 20]
    np.testing.assert_array_equal(features.activations, images.reshape(120, -1)[:, :2])
    np.testing.assert_array_equal(features.logits, images[:, 0, 0, :1] + 1)


def test_pooled_activations_are_flattened():
    features = extractor(lambda batch: (np.ones((len(batch), 1, 1, 7)), None))(
        np.zeros((3, 4, 4, 1), np.uint8)
    )
    assert features.activations.shape == (3, 7)
    assert features.logits is None


@pytest.mark.parametrize("shape", [(3,), (2, 5), (3, 2, 2, 5), (3, 5, 1)])
def test_wrong_shape_is_one_clear_line(shape):
    with pytest.raises(UserError, match=r"stand-in: expected features \[3, d\] of 3 images"):
        extractor(lambda batch: (np.ones(shape), None))(np.zeros((3, 4, 4, 1), np.uint8))


def test_nan_features_and_images_out_of_range_are_refused():
    with pytest.raises(UserError, match="NaN"):
        extractor(lambda batch: (np.full((len(batch), 2), np.nan), None))(
            np.zeros((3, 4, 4, 1), np.uint8)
        )
    with pytest.raises(UserError, match=r"\[0, 1\]"):
        pixels()(np.full((3, 4, 4, 1), 2.0))


def test_pixels_are_in_unit_range_and_vectors_unchanged():
    images = np.array([0, 51, 255, 102], np.uint8).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(pixels()(images).activations, [[0, 0.2, 1, 0.4]])
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    np.testing.assert_array_equal(pixels()(vectors).activations, vectors)
