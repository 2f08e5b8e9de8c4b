"""Samples of the prior, and test images above their reconstructions."""

import math
from collections.abc import Iterator

import numpy as np

from flexae_tf import figures
from flexae_tf.data import Dataset, gather
from flexae_tf.figures import Layer
from flexae_tf.pictures.picture import Options, Picture, are_vectors, choose, compose, require_prior
from flexae_tf.pictures.plane import BACKGROUND_POINTS, GREY, Plane, background
from flexae_tf.runs import Run

SAMPLES = 225
RECONSTRUCTIONS = 75
_COLUMNS = 15


def draw_samples(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """The first samples of a seed, 15 x 15 by default; yields one Picture."""
    require_prior(run, "samples")
    if are_vectors(dataset):
        count = options.count or BACKGROUND_POINTS
        image = cloud(dataset, run.model.sample(count, options.seed), "samples")
    else:
        count = options.count or SAMPLES
        x_hat = run.model.sample(count, options.seed)
        image = figures.enlarge(figures.grid(x_hat, min(count, round(math.sqrt(count)))))
    yield compose(options.name("samples"), image, f"{count:,} samples", run, options)


def draw_reconstructions(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """Test images in odd rows, reconstructions in even ones; yields one Picture.

    For vectors, a line from each of them to its reconstruction.
    """
    count = options.count or RECONSTRUCTIONS
    x = gather(dataset.test, choose(len(dataset.test), count, options.seed))
    x_hat = run.model.reconstruct(x)
    if are_vectors(dataset):
        plane = Plane(dataset.test)
        image = figures.panels({"": _moves(plane(x), plane(x_hat))}, plane.axis_labels)
        title = f"{len(x)} test vectors and their reconstructions"
        rows: tuple[str, ...] = ()
    else:
        image = figures.enlarge(figures.pairs(run.model.image_of(x), x_hat, _COLUMNS))
        title = "Odd rows: test images. Even rows: their reconstructions"
        rows = ("real", "rec.") * -(-len(x) // _COLUMNS)
    yield compose("reconstructions", image, title, run, options, rows=rows)


def cloud(dataset: Dataset, vectors: np.ndarray, label: str) -> np.ndarray:
    """Test data beside vectors [N, D] in their plane, uint8 [H, W, 3]; `label` is of the latter."""
    plane = Plane(dataset.test)
    real = background(plane, dataset.test)
    fake = Layer(plane(vectors), label, "C0")
    return figures.panels({"test data": [real], label: [fake]}, plane.axis_labels)


def _moves(real, reconstructed):
    """Layers of points [N, 2], each with a line to what became of it."""
    lines = np.stack([real, reconstructed], 1)  # [N, 2, 2]
    return [
        *(Layer(line, color=GREY, joined=True) for line in lines),
        Layer(real, "test data", "black"),
        Layer(reconstructed, "reconstructed", "C1"),
    ]
