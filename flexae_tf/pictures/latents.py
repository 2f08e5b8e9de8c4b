"""The codes of test examples beside the prior's samples."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from flexae_tf import figures
from flexae_tf.data import Dataset, gather
from flexae_tf.figures import Contours, Layer
from flexae_tf.model import InvertibleDensity
from flexae_tf.pictures.picture import Options, Picture, choose, class_name, compose
from flexae_tf.pictures.plane import GREY, Plane, by_class
from flexae_tf.runs import Run

POINTS = 2000
_SIDE = 200  # places of the grid that a density is drawn from, each way
# Of the highest, each line a factor of sqrt(10) above the one before.
_LEVELS = np.geomspace(1e-3, 10**-0.5, 6)


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """E(x) coloured by class, and as many samples of the prior on the same axes; yields a Picture.

    Codes of more than two components are shown in the plane of the encoder's two principal ones. A
    method without a prior gets the codes alone; a density in closed form of codes of two
    components is drawn, too.
    """
    count = options.count or POINTS
    rows = choose(len(dataset.test), count, options.seed)
    model, labels = run.model, dataset.test_labels
    z = model.encode(gather(dataset.test, rows))  # [N, m]
    plane = Plane(z)
    if labels is not None and labels.ndim == 1:
        codes = by_class(plane(z), labels[rows], lambda number: class_name(dataset, number))
    else:
        codes = [Layer(plane(z), color="C0")]
    panels: dict[str, Sequence[Layer | Contours]] = {f"E(x) of {len(z):,} test examples": codes}
    if model.density is not None:
        z_hat = model.sample_codes(len(z), options.seed)  # [N, m]
        source = f"density {options.density}" if options.density else "the prior"
        panels[f"{len(z_hat):,} samples of {source}"] = [Layer(plane(z_hat), color="black")]
        if z.shape[1] == 2 and isinstance(model.density, InvertibleDensity):
            both = np.concatenate([z, z_hat])
            panels[f"Density of {source}"] = [
                Layer(z, color=GREY),
                contours(model.density, both.min(0), both.max(0)),
            ]
    image = figures.panels(panels, plane.axis_labels)
    m = z.shape[1]
    title = f"Codes of {m} {'dimension' if m == 1 else 'dimensions'}: the encoder's, and sampled"
    yield compose(options.name("latents"), image, title, run, options)


def contours(density: InvertibleDensity, low: np.ndarray, high: np.ndarray) -> Contours:
    """Lines of equal density of codes between two corners [2], down to a thousandth of the most."""
    x, y = (np.linspace(low[i], high[i], _SIDE, dtype=np.float32) for i in range(2))
    places = np.stack(np.meshgrid(x, y), -1)  # [H, W, 2]
    log_density = density.log_density(tf.constant(places.reshape(-1, 2))).numpy()
    height = np.exp(log_density.reshape(_SIDE, _SIDE) - log_density.max())
    return Contours(x, y, height, _LEVELS)
