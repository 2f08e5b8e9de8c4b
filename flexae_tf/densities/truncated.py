"""A density whose codes are drawn towards their mean: StyleGAN's truncation trick (Karras et al.).

ALAE's program keeps a moving average of its codes for the mean; here it is that of the density's
own first codes, so that any density has one.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from flexae_tf.model import Density, Model

_CODES = 10_000  # that the mean is taken over


class Truncated(Density):
    """mean + psi (z - mean) of the codes z of another density.

    Args:
      density: the other one.
      mean: [m], of its codes. psi: 1 leaves it as it is, 0 leaves its mean alone.
    """

    def __init__(self, density: Density, mean: np.ndarray, psi: float) -> None:
        super().__init__(density.noise)
        self._density, self._mean, self._psi = density, mean, psi

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return self._mean + self._psi * (self._density.prior(n) - self._mean)


def truncated(model: Model, psi: float) -> Density:
    """The density of a model, truncated. Raises UserError if it has none."""
    mean = model.sample_codes(_CODES).mean(0, dtype=np.float64).astype(np.float32)
    assert model.density is not None  # or else it could not be sampled
    return Truncated(model.density, mean, psi)
