"""The codes of test examples beside the prior's samples."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from flexae_tf import figures
from flexae_tf.data import Dataset, gather
from flexae_tf.figures import Contours, Layer
from flexae_tf.model import ExplicitDensity
from flexae_tf.pictures.picture import Options, Picture, choose, class_name, compose
from flexae_tf.pictures.plane import GREY, Plane, by_class
from flexae_tf.runs import Run

POINTS = 2000
_SIDE = 200  # places of the grid that a density is drawn from, each way
_PARTS = (0.95, 0.9, 0.7, 0.5, 0.3, 0.1)  # of the probability, within a line each
_SHOWN = (0.5, 99.5)  # percentiles of each component that the axes reach to
_MARGIN = 0.05


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """E(x) coloured by class, and as many samples of the prior on the same axes; yields a Picture.

    Codes of more than two components are shown in the plane of the encoder's two principal ones. A
    method without a prior gets the codes alone; a density in closed form of codes of two
    components is drawn, too. The axes leave out the half per cent at either end of each component:
    a flow may send a sample far away.
    """
    run.model.require_vectors("--kind=latents")
    count = options.count or POINTS
    rows = choose(len(dataset.test), count, options.seed)
    model, labels = run.model, dataset.test_labels
    z = model.encode(gather(dataset.test, rows))  # [N, m]
    plane = Plane(z)
    points = plane(z)
    if labels is not None and labels.ndim == 1:
        codes = by_class(points, labels[rows], lambda number: class_name(dataset, number))
    else:
        codes = [Layer(points, color="C0")]
    panels: dict[str, Sequence[Layer | Contours]] = {f"E(x) of {len(z):,} test examples": codes}
    corners = None
    if model.density is not None:
        z_hat = model.sample_codes(len(z), options.seed)  # [N, m]
        source = f"density {options.density}" if options.density else "the prior"
        samples = plane(z_hat)
        corners = _corners(np.concatenate([points, samples]))
        beyond = np.sum(np.any((samples < corners[0]) | (samples > corners[1]), axis=1))
        left_out = f", {beyond} not shown" if beyond else ""
        panels[f"{len(samples):,} samples of {source}{left_out}"] = [Layer(samples, color="black")]
        if z.shape[1] == 2 and isinstance(model.density, ExplicitDensity):
            percent = ", ".join(f"{100 * part:.0f}" for part in _PARTS)
            panels[f"Lines around {percent} % of {source}"] = [
                Layer(z, color=GREY),
                contours(model.density, z_hat, corners),
            ]
    image = figures.panels(panels, plane.axis_labels, corners)
    m = z.shape[1]
    title = f"Codes of {m} {'dimension' if m == 1 else 'dimensions'}: the encoder's, and sampled"
    yield compose(options.name("latents"), image, title, run, options)


def contours(density: ExplicitDensity, z_hat: np.ndarray, corners: np.ndarray) -> Contours:
    """Lines of equal log-density of codes, each around a part of the probability.

    Args:
      density: of codes of two components.
      z_hat: samples of it [N, 2], which say how high a line around so many of them is.
      corners: of the grid, [2, 2].
    """
    x, y = (np.linspace(*corners[:, i], _SIDE, dtype=np.float32) for i in range(2))
    places = np.stack(np.meshgrid(x, y), -1)  # [H, W, 2]
    height, of_samples = (
        density.log_density(tf.constant(points.reshape(-1, 2))).numpy()
        for points in (places, z_hat)
    )
    levels = np.quantile(of_samples, [1 - part for part in _PARTS])
    return Contours(x, y, height.reshape(_SIDE, _SIDE), np.unique(levels))


def _corners(points):
    """The corners [2, 2] of what is shown of points [N, 2]."""
    corners = np.percentile(points, _SHOWN, axis=0)
    margin = _MARGIN * (corners[1] - corners[0])
    return corners + np.stack([-margin, margin])
