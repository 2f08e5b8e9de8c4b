"""What the tests of the page explore: an untrained FlexAE on 8 x 8 crops of digits."""

import numpy as np

from flexae_tf.explore import sources
from tests import tiny


class TinySource(sources.Source):
    """Two checkpoints, which are one model, and its own density."""

    title = "flexae on digits"
    checkpoints = (5, 10)
    densities = ("own",)

    def __init__(self, path):
        directions = path / "directions"
        directions.mkdir()
        np.save(directions / "one.npy", np.float32([0, 1, 0, 0]))
        self.test_images = tiny.dataset().test
        self.model = sources.RunModel(tiny.run(path), self.test_images)

    def open(self, checkpoint, density):
        return self.model
