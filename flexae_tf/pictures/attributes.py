"""Test images moved along the direction of a class or an attribute (the paper's Figure 5).

v = mean of E(x) with the attribute - mean of E(x) without it, over all train images, and
z(t) = E(x) + t v. The directions are kept where an export finds them for its signature `edit`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from flexae_tf import figures
from flexae_tf.data import Dataset, gather
from flexae_tf.densities.codes import encode
from flexae_tf.errors import UserError, warn
from flexae_tf.pictures.picture import (
    CELEBA_ATTRIBUTES,
    Options,
    Picture,
    are_vectors,
    choose,
    class_name,
    compose,
)
from flexae_tf.pictures.plane import Plane, background, paths
from flexae_tf.runs import Run
from flexae_tf.serving.export import DIRECTIONS

IMAGES = 8


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """For each attribute half of the rows without it and half with it; yields a Picture of each.

    Writes <run_dir>/directions/<name>.npy, float32 [m].
    """
    run.model.require_vectors("--kind=attributes")
    names, indicator = chosen_labels(dataset, options.attributes)
    codes = encode(run.model, dataset.train).mu  # [N, m]
    found = directions(codes, indicator(dataset.train_labels))
    has = indicator(dataset.test_labels)  # [N, A]
    t = np.linspace(-options.strength, options.strength, options.columns, dtype=np.float32)
    t[len(t) // 2] = 0  # which rounding may miss
    plane = Plane(dataset.test) if are_vectors(dataset) else None
    for column, (name, file_name) in enumerate(zip(names, file_names(names), strict=True)):
        v = found[column]
        if not np.isfinite(v).all():
            warn(f"no direction of {name}: all train examples have it, or none has")
            continue
        _save(Path(run.path, DIRECTIONS, f"{file_name}.npy"), v)
        rows, texts = _choose_rows(has[:, column], options.count or IMAGES, options.seed)
        z = run.model.encode(gather(dataset.test, rows))  # [N, m]
        z = z[:, None] + t[:, None] * v  # [N, columns, m]
        x = run.model.decode(z.reshape(-1, len(v)))
        title = f"Along {name}: D(E(x) + t v), v in {DIRECTIONS}/{file_name}.npy"
        if plane:
            layers = [background(plane, dataset.test), *paths(plane, x.reshape(*z.shape[:2], -1))]
            image, labels = figures.panels({"": layers}, plane.axis_labels), {}
        else:
            image = figures.enlarge(figures.grid(x, options.columns))
            labels = {"columns": [f"{step:.2g}" for step in t], "rows": texts}
        yield compose(f"attributes-{file_name}", image, title, run, options, **labels)


def chosen_labels(
    dataset: Dataset, wanted: Sequence[str] | None
) -> tuple[tuple[str, ...], Callable[[np.ndarray], np.ndarray]]:
    """(names, function labels -> bool [N, A]) of the attributes to show.

    Args:
      dataset: a Dataset with class numbers [N] or attributes [N, A].
      wanted: names, or None for all, on CelebA the paper's five.

    Raises:
      UserError: no labels, or none of such a name.
    """
    labels = dataset.train_labels
    if labels is None:
        raise UserError(f"--kind=attributes: the data set {dataset.name} has no labels")
    are_classes = labels.ndim == 1
    numbers = np.unique(labels) if are_classes else np.arange(labels.shape[1])
    available = {class_name(dataset, number): number for number in numbers}
    if wanted is None and dataset.name == "celeb_a":
        wanted = CELEBA_ATTRIBUTES
    unknown = [name for name in wanted or () if name not in available]
    if unknown:
        raise UserError(
            f"--attributes: {dataset.name} has no {unknown[0]!r}; it has {', '.join(available)}"
        )
    names = tuple(wanted or available)
    columns = np.array([available[name] for name in names])

    def indicator(of):
        return of[:, None] == columns if are_classes else of[:, columns] == 1

    return names, indicator


def directions(z: np.ndarray, has: np.ndarray) -> np.ndarray:
    """Differences of mean codes, with the attribute minus without it.

    Args:
      z: float [N, m]. has: bool [N, A].

    Returns:
      float32 [A, m]; NaN where all or none have the attribute.
    """
    having = has.T.astype(np.float64) @ z  # [A, m]
    count = has.sum(0, dtype=np.float64)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.float32(having / count - (z.sum(0, dtype=np.float64) - having) / (len(z) - count))


def file_names(names: Sequence[str]) -> list[str]:
    """Names that every file system and the signature `edit` take, none of them twice."""
    safe = [re.sub(r"[^\w.+-]+", "_", name).strip(".")[:80] for name in names]
    return [
        name if name and safe.count(name) == 1 else f"{name}_{number}".lstrip("_")
        for number, name in enumerate(safe)
    ]


def _choose_rows(has, count, seed):
    """(row numbers, their labels): half of them without the attribute and half with it."""
    without, having = np.flatnonzero(~has), np.flatnonzero(has)
    first = without[choose(len(without), count - count // 2, seed)]
    second = having[choose(len(having), count // 2, seed)]
    return np.concatenate([first, second]), ["without"] * len(first) + ["with"] * len(second)


def _save(path, vector):
    try:
        path.parent.mkdir(exist_ok=True)
        np.save(path, vector)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
