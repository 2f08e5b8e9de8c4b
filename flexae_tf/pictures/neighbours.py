"""Samples beside the train examples nearest to them: has the model learned its data by heart?"""

from collections.abc import Callable, Iterator

import numpy as np

from flexae_tf import figures
from flexae_tf.data import Dataset, gather, to_unit
from flexae_tf.evaluation.cache import cached_features
from flexae_tf.evaluation.features import pixels
from flexae_tf.evaluation.neighbors import squared_distances
from flexae_tf.figures import Layer, to_uint8
from flexae_tf.pictures.picture import Options, Picture, are_vectors, compose, require_prior
from flexae_tf.pictures.plane import Plane, background
from flexae_tf.runs import Run

ROWS = 15
_PIECE_BYTES = 64 * 2**20  # of train examples as float32, in memory at a time
_WHITE = 255


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """Rows of a sample and its nearest of all train images; yields Pictures.

    One is by pixels (for vectors by their components), another by features, unless there is no
    extractor of them or it is the pixels again.
    """
    require_prior(run, "neighbours")
    x_hat = run.model.sample(options.count or ROWS, options.seed)
    flat = pixels()
    index = k_nearest(
        flat(x_hat).activations, dataset.train, options.neighbours, lambda x: flat.network(x)[0]
    )
    yield _picture("pixels", x_hat, index, run, dataset, options)
    extractor = options.make_extractor and options.make_extractor(dataset.shape)
    if extractor and not extractor.is_pixels:
        generated = x_hat if are_vectors(dataset) else to_uint8(x_hat)
        known = cached_features(extractor, dataset.train, run.settings["cache_dir"]).activations
        index = k_nearest(extractor(generated).activations, known, options.neighbours)
        yield _picture("features", x_hat, index, run, dataset, options, extractor.name)


def k_nearest(
    queries: np.ndarray,
    database: np.ndarray,
    k: int,
    vectors_of: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> np.ndarray:
    """The k nearest rows for each query, nearest first, in pieces that bound the memory.

    Args:
      queries: float [Q, d].
      database: [N, ...] array or memory map.
      k: how many; N if there are fewer.
      vectors_of: function from rows of the database to float [n, d].

    Returns:
      int64 [Q, min(k, N)].
    """
    size = max(1, _PIECE_BYTES // (4 * queries.shape[1]))
    best = np.empty((len(queries), 0), np.float32)
    index = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(database), size):
        rows = np.arange(start, min(start + size, len(database)))
        piece = vectors_of(gather(database, rows))
        distances = np.concatenate([part for _, part in squared_distances(queries, piece)])
        candidates = np.concatenate([best, distances], 1)  # [Q, k + n]
        rows = np.concatenate([index, np.broadcast_to(rows, distances.shape)], 1)
        nearest = np.argsort(candidates, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(candidates, nearest, 1)
        index = np.take_along_axis(rows, nearest, 1)
    return index


def _picture(by, x_hat, index, run, dataset, options, extractor=None):
    count, k = index.shape
    near = gather(dataset.train, index.reshape(-1)).reshape(count, k, *dataset.shape)
    by_what = f"features of {extractor}" if extractor else by
    labels = {}
    if are_vectors(dataset):
        image = _stars(dataset, x_hat, near)
        title = (
            f"{count} samples and the {k} of {len(dataset.train):,} train vectors nearest to each"
        )
    else:
        x = np.concatenate([to_uint8(x_hat)[:, None], np.full_like(near[:, :1], _WHITE), near], 1)
        image = figures.enlarge(figures.grid(np.concatenate(x), k + 2))
        labels = {"columns": ["sample", "", *map(str, range(1, k + 1))]}
        title = (
            f"Samples, and the {k} of {len(dataset.train):,} train images nearest to each "
            f"by {by_what}"
        )
    return compose(options.name("neighbours", by), image, title, run, options, **labels)


def _stars(dataset, x_hat, near):
    """A line from every sample to each of its neighbours."""
    plane = Plane(dataset.test)
    sample, train = plane(x_hat), plane(to_unit(near).reshape(-1, *dataset.shape))
    ends = np.stack([np.repeat(sample, near.shape[1], 0), train], 1)  # [N k, 2, 2]
    layers = [
        background(plane, dataset.test),
        *(Layer(line, color="C0", joined=True) for line in ends),
        Layer(sample, "samples", "C1"),
    ]
    return figures.panels({"": layers}, plane.axis_labels)
