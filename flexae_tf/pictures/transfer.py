"""The appearance of some test images in the pose of others, of a model conditioned on pose maps."""

from collections.abc import Iterator

import numpy as np

from flexae_tf import figures
from flexae_tf.algorithm.conditional import ConditionalModel
from flexae_tf.data import Dataset, gather, to_unit
from flexae_tf.errors import UserError
from flexae_tf.pictures.picture import Options, Picture, choose, compose
from flexae_tf.runs import Run

_IMAGES = 8


def draw_appearance_transfer(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """A pose in every row, an appearance in every column; yields one Picture."""
    x, y, table = _transferred(run, dataset, options, "appearance_transfer")
    title = "Every row has the pose on its left, every column the appearance above it"
    image = _with_headers(x, y, table.swapaxes(0, 1))
    yield compose("appearance_transfer", image, title, run, options)


def draw_pose_transfer(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """An appearance in every row, a pose in every column; yields one Picture."""
    x, y, table = _transferred(run, dataset, options, "pose_transfer")
    title = "Every row has the appearance on its left, every column the pose above it"
    yield compose("pose_transfer", _with_headers(y, x, table), title, run, options)


def _transferred(run, dataset, options, kind):
    """Images [A, ...], maps of other images [P, ...], and the one in the other [A, P, ...]."""
    model = run.model
    if not isinstance(model, ConditionalModel):
        raise UserError(f"--kind={kind}: {run.settings['method']} is not conditioned on a map")
    count = min(options.count or _IMAGES, len(dataset.test) // 2)
    examples = gather(dataset.test, choose(len(dataset.test), 2 * count, options.seed))
    appearances, poses = examples[:count], examples[count:]
    table = model.transfer_table(appearances, poses)
    return to_unit(model.image_of(appearances)), to_unit(model.condition_of(poses)), table


def _with_headers(above, left, table):
    """A grid of a table [R, C, H, W, C'] under one row of images and right of one column."""
    corner = np.ones_like(table[0, :1])
    rows = [np.concatenate([corner, above])]
    rows += [np.concatenate([left[i : i + 1], row]) for i, row in enumerate(table)]
    return figures.enlarge(figures.grid(np.concatenate(rows), 1 + len(above)))
