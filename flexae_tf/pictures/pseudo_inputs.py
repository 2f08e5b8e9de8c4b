"""The pseudo-inputs that a VampPrior has learned."""

from collections.abc import Iterator

import numpy as np

from flexae_tf import figures
from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.pictures.grids import cloud
from flexae_tf.pictures.picture import Options, Picture, are_vectors, choose, compose
from flexae_tf.runs import Run

_SHOWN = 225


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """Pseudo-inputs in random order, 15 x 15 by default; yields one Picture.

    Raises:
      UserError: the run's method has none.
    """
    network = run.networks.get("pseudo_inputs")
    if network is None:
        raise UserError(f"--kind=pseudo_inputs: {run.settings['method']} has none")
    u = network.examples().numpy()  # [K, ...]
    shown = u[choose(len(u), options.count or _SHOWN, options.seed)]
    if are_vectors(dataset):
        image = cloud(dataset, shown, "pseudo-inputs")
    else:
        image = figures.enlarge(figures.grid(shown, round(np.sqrt(len(shown)))))
    title = f"{len(shown):,} of {len(u):,} pseudo-inputs"
    yield compose("pseudo_inputs", image, title, run, options)
