"""What the two protocols do to a model's images, and what they report."""

import dataclasses
import json

import numpy as np

from flexae_tf.evaluation.features import pixels
from flexae_tf.evaluation.protocol import PROTOCOLS, RELEASED, STANDARD, stretch


def test_standard_rounds_to_uint8_and_does_not_stretch():
    x_hat = np.float32([0.1, 0.5, 0.9, -0.2]).reshape(1, 2, 2, 1)
    prepared = STANDARD.prepare(x_hat)
    assert prepared.dtype == np.uint8
    assert prepared.ravel().tolist() == [26, 128, 230, 0]  # 25.5 and 127.5 to even


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
    assert set(PROTOCOLS) == {"standard", "released"}
