"""Brute-force search against scikit-learn and by the definition."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from flexae_tf.evaluation.neighbors import nearest, squared_distances


def points(n, d, seed, scale=1.0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32) * scale


def test_nearest_equals_brute_force_over_several_chunks():
    queries, database = points(2300, 20, 0), points(500, 20, 1)
    distance, index = (
        NearestNeighbors(n_neighbors=1, algorithm="brute").fit(database).kneighbors(queries)
    )
    found_index, found_distance = nearest(queries, database)
    np.testing.assert_array_equal(found_index, index[:, 0])
    np.testing.assert_allclose(found_distance, distance[:, 0], rtol=1e-6)


def test_digits_survive_a_large_offset():
    queries, database = points(50, 8, 0) + 1e3, points(60, 8, 1) + 1e3
    ((_, distances),) = squared_distances(queries, database)
    expected = ((queries[:, None].astype(float) - database[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances, expected, rtol=1e-4)
