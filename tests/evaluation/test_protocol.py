"""What the two protocols do to a model's images, and what they report."""

import dataclasses
import json

import numpy as np
import pytest

from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.evaluation.features import pixels
from flexae_tf.evaluation.protocol import PROTOCOLS, RAE, RELEASED, STANDARD, stretch


def test_standard_rounds_to_uint8_and_does_not_stretch():
    x_hat = np.float32([0.1, 0.5, 0.9, -0.2]).reshape(1, 2, 2, 1)
    prepared = STANDARD.prepare(x_hat)
    assert prepared.dtype == np.uint8
    assert prepared.ravel().tolist() == [26, 128, 230, 0]  # 25.5 and 127.5 to even


def test_rae_cuts_to_bytes():
    x_hat = np.float32([0.1, 0.5, 0.999, 1.2]).reshape(1, 2, 2, 1)
    assert RAE.prepare(x_hat).ravel().tolist() == [25, 127, 254, 255]


def test_images_are_of_the_protocols_splits():
    test, validation = np.arange(30), np.arange(100, 120)
    dataset = Dataset("made_up", np.arange(9), test, None, None, (), "0", validation)
    assert sorted(RAE.images(dataset)) == sorted(test)
    assert sorted(RAE.images(dataset, reconstructed=True)) == sorted(validation)
    assert sorted(STANDARD.images(dataset, reconstructed=True)) == sorted(test)
    by_validation = dataclasses.replace(STANDARD, split="validation", count=5)
    assert set(by_validation.images(dataset)) <= set(validation)
    assert list(by_validation.images(dataset)) != list(by_validation.images(dataset, draw=1))
    without = dataclasses.replace(dataset, validation=None)
    with pytest.raises(UserError, match=r"no validation images of made_up.*--validation_images"):
        RAE.images(without, reconstructed=True)


def test_released_stretches_each_image_and_does_not_round():
    x_hat = np.float32([[0.2, 0.4, 0.6, 0.3], [0, 0.5, 0.25, 0.1]]).reshape(2, 2, 2, 1)
    prepared = RELEASED.prepare(x_hat)
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(
        prepared.reshape(2, 4), [[0, 0.5, 1, 0.25], [0, 1, 0.5, 0.2]], atol=1e-6
    )


def test_stretch_is_over_all_channels_and_leaves_a_constant_image():
    images = np.zeros((2, 1, 1, 3))
    images[0, 0, 0] = 0.2, 0.3, 0.4
    images[1] = 0.7
    np.testing.assert_allclose(stretch(images)[0].ravel(), [0, 0.5, 1])
    np.testing.assert_array_equal(stretch(images)[1], images[1])


def test_many_images_are_prepared_in_chunks_alike():
    x_hat = np.random.default_rng(0).random((2300, 2, 2, 3), dtype=np.float32)
    np.testing.assert_array_equal(STANDARD.prepare(x_hat), np.rint(x_hat * 255).astype(np.uint8))


def test_vectors_are_left_alone():
    vectors = np.float32([[-3, 5]])
    assert RELEASED.prepare(vectors) is vectors


def test_rows_are_random_distinct_and_repeatable():
    protocol = dataclasses.replace(STANDARD, count=50)
    rows = protocol.rows(80)
    assert len(set(rows.tolist())) == 50
    np.testing.assert_array_equal(rows, protocol.rows(80))
    assert set(rows.tolist()) != set(protocol.rows(80, draw=1).tolist())
    assert sorted(protocol.rows(30).tolist()) == list(range(30))


def test_description_carries_what_is_needed_to_repeat():
    record = STANDARD.description(
        counts={"real": 5}, split="test", extractor=pixels(), checkpoint=1000
    )
    assert json.loads(json.dumps(record)) == record
    assert record["protocol"]["seed"] == 42
    assert record["protocol"]["count"] == 10_000
    assert record["extractor"]["fingerprint"] == "pixels"
    assert record["versions"]["tensorflow"]
    assert record["checkpoint"] == 1000
    assert set(PROTOCOLS) == {"standard", "released", "mask_aae", "rae"}
