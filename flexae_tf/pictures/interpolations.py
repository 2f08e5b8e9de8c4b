"""Decoded codes between two test images, along the line and along the arc between their codes.

Or, in the space z0, between the noise that a prior like a flow makes these codes of.
"""

from collections.abc import Iterator

import numpy as np

from flexae_tf import figures
from flexae_tf.data import Dataset, gather, to_unit
from flexae_tf.errors import UserError
from flexae_tf.evaluation.interpolation import codes_of, linear, points_of, spherical
from flexae_tf.pictures.picture import Options, Picture, are_vectors, choose, compose
from flexae_tf.pictures.plane import Plane, background, paths
from flexae_tf.runs import Run

PAIRS = 10
_SPACES = {"zt": "codes", "z0": "the noise (z0) of codes"}
_RULES = {"linear": linear, "spherical": spherical}


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """Rows from one test image to another of its class; yields a linear and a spherical Picture.

    The images themselves are at the ends; between them are the decoded codes at equal steps of t,
    the mean code in the middle of a linear row.

    Raises:
      UserError: codes are no vectors, no two test examples are of one class, or there is no z0.
    """
    run.model.require_vectors("--kind=interpolations")
    a, b = choose_pairs(
        dataset.test_labels, len(dataset.test), options.count or PAIRS, options.seed
    )
    x_a, x_b = (to_unit(gather(dataset.test, rows)) for rows in (a, b))
    model, space = run.model, options.space
    z_a, z_b = (points_of(model, space, model.encode(x)) for x in (x_a, x_b))  # [N, m]
    t = np.linspace(0, 1, options.columns)
    for name, rule in _RULES.items():
        z = np.stack([rule(z_a, z_b, step) for step in t[1:-1]], 1)  # [N, steps, m]
        x = model.decode(codes_of(model, space, z.reshape(-1, z.shape[-1])))
        x = x.reshape(*z.shape[:2], *x.shape[1:])
        x = np.concatenate([x_a[:, None], x, x_b[:, None]], 1)  # [N, columns, ...]
        title = f"{name.capitalize()} interpolation between {_SPACES[space]} of test examples"
        columns: tuple[str, ...] = ()
        if are_vectors(dataset):
            plane = Plane(dataset.test)
            layers = [background(plane, dataset.test), *paths(plane, x)]
            image = figures.panels({"": layers}, plane.axis_labels)
        else:
            image = figures.enlarge(figures.grid(np.concatenate(x), options.columns))
            columns = ("real", *(f"{step:.2g}" for step in t[1:-1]), "real")
        file_name = f"interpolations-{name}"
        if space == "z0":  # which depends on the prior
            file_name = options.name(file_name, space)
        yield compose(file_name, image, title, run, options, columns)


def choose_pairs(labels: np.ndarray | None, available: int, count: int, seed: int) -> np.ndarray:
    """Row numbers (a [n], b [n]) of at most `count` pairs, each row in one of them.

    Args:
      labels: int [N] class numbers, within which pairs are made, or anything else for any pairs.
      available: number N of rows.
      count, seed: how many, and of which draw.

    Raises:
      UserError: no two rows are of one class.
    """
    if labels is None or labels.ndim != 1:
        labels = np.zeros(available, np.int64)
    waiting, pairs = {}, []
    for row in choose(available, available, seed):
        mate = waiting.pop(labels[row], None)
        if mate is None:
            waiting[labels[row]] = row
        else:
            pairs.append((mate, row))
        if len(pairs) == count:
            break
    if not pairs:
        raise UserError("--kind=interpolations: no two test examples are of one class")
    return np.array(pairs).T
