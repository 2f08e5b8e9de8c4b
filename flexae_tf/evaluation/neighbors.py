"""Nearest neighbours by brute force, in chunks that bound the memory."""

from collections.abc import Iterator

import numpy as np

CHUNK_ROWS = 1000


def squared_distances(
    queries: np.ndarray, database: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields squared Euclidean distances, chunk by chunk of the queries.

    |a - b|^2 is expanded into a float32 matrix product; both sets are centred first, because the
    expansion loses digits in proportion to |a|^2.

    Args:
      queries: [Q, d].
      database: [N, d].

    Yields:
      (rows, distances): a slice of the queries and float32 [rows, N], >= 0.
    """
    centre = database.mean(axis=0, dtype=np.float64).astype(np.float32)
    database = database.astype(np.float32) - centre
    database_norms = np.einsum("nd,nd->n", database, database)
    for start in range(0, len(queries), CHUNK_ROWS):
        rows = slice(start, min(start + CHUNK_ROWS, len(queries)))
        chunk = queries[rows].astype(np.float32) - centre
        distances = chunk @ database.T  # [rows, N]
        distances *= -2
        distances += database_norms
        distances += np.einsum("qd,qd->q", chunk, chunk)[:, None]
        yield rows, np.maximum(distances, 0, out=distances)


def nearest(queries: np.ndarray, database: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest row of `database` for each query.

    Args:
      queries: [Q, d].
      database: [N, d].

    Returns:
      (index [Q] int64, distance [Q] float64): the neighbour is searched in float32, its Euclidean
      distance is computed afresh in float64.
    """
    index = np.empty(len(queries), np.int64)
    distance = np.empty(len(queries), np.float64)
    for rows, distances in squared_distances(queries, database):
        index[rows] = distances.argmin(axis=1)
        difference = queries[rows].astype(np.float64) - database[index[rows]]
        distance[rows] = np.sqrt(np.einsum("qd,qd->q", difference, difference))
    return index, distance
