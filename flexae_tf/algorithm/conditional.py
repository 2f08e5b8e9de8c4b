"""Models of an image x given a map y of what is to be where in it: q(z|x, y), D(z, y).

An example has the image in the first half of its channels and y in the second (see
`data.is_paired`). y is never generated: it comes from an example, from the user, or from another
image whose appearance is to be kept (transfer).
"""

from __future__ import annotations

import abc
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import data
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.model import Density, Model, in_batches

_BATCH = 100  # images at a time in `sample_for`


class ConditionalDensity(abc.ABC):
    """p(z|y), which can be sampled in a graph; its noise n is N(0, I) of dimension m."""

    def __init__(self, dim: int) -> None:
        self.noise = draws.noise("normal", dim)

    @abc.abstractmethod
    def prior(self, n: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        """Codes z [B, m] for noise n [B, m] and y [B, H, W, C]."""


class AutoregressiveDensity(ConditionalDensity):
    """p(z|y) = N(z; mu_p(z, y), I), mu_p of a component depending on those before it.

    Args:
      prior: Keras model (z, y) -> mu_p [B, m].
      steps: groups of components, each of which depends on those before it.
    """

    def __init__(self, prior: keras.Model, steps: int) -> None:
        super().__init__(prior.output_shape[-1])
        self._prior, self._steps = prior, steps

    def prior(self, n: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        z = n
        for _ in range(self._steps):  # each settles one more group
            z = self._prior([z, condition], training=False) + n
        return z


class ConditionalModel(Model):
    """An autoencoder of images given maps, and a density of codes given maps.

    What asks a model for codes or images without a map is refused with a UserError.

    Args:
      encoder, decoder: Keras models of examples [x, y] -> mean of q(z|x, y), (z, y) -> x_hat.
      conditional_density: p(z|y).
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        conditional_density: ConditionalDensity,
    ) -> None:
        super().__init__(encoder, decoder)
        self.conditional_density = conditional_density

    @property
    def latent_dim(self) -> int:
        return self.encoder.output_shape[-1]

    def image_of(self, x: Any) -> Any:
        return x[..., : self.shape[-1] // 2]

    def condition_of(self, x: Any) -> Any:
        """The maps y [N, H, W, C] of examples x, arrays or tensors."""
        return x[..., self.shape[-1] // 2 :]

    def require_unconditional(self, what: str) -> None:
        raise UserError(
            f"{what} is of models without a condition; this one makes images for maps: measure it "
            "by tools.evaluate --measures=transfer, draw it by tools.figures --kind=pose_transfer"
        )

    def require_vectors(self, what: str) -> None:
        self.require_unconditional(what)

    def decode_batch(
        self, z: tf.Tensor, training: bool = False, condition: tf.Tensor | None = None
    ) -> tf.Tensor:
        """x_hat of codes z [B, m] and y [B, H, W, C]. Raises UserError without y."""
        if condition is None:
            self.require_unconditional("decoding codes alone")
        return self.decoder([z, condition], training=training)

    def reconstruct_batch(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.transfer_batch(x, self.condition_of(x), training)

    def transfer_batch(
        self, x: tf.Tensor, condition: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """D(E(x), y') of examples x [B, H, W, 2C] and maps y' [B, H, W, C]."""
        return self.decode_batch(self.encode_batch(x, training), training, condition)

    def reconstruct(self, x: np.ndarray, by: str = "mean", seed: int = 0) -> np.ndarray:
        """D(E(x), y); as of any model, always by the mean of q(z|x, y)."""
        return in_batches(self.reconstruct_batch, data.to_unit, x)

    def transfer(self, appearances: np.ndarray, poses: np.ndarray) -> np.ndarray:
        """The appearance of some examples in the pose of others, float32 [N, H, W, C] in [0, 1].

        Args:
          appearances, poses: examples as they are stored, [N, H, W, 2C] each.
        """
        both = np.stack([appearances, poses], 1)
        return in_batches(
            lambda pair: self.transfer_batch(pair[:, 0], self.condition_of(pair[:, 1])),
            data.to_unit,
            both,
        )

    def transfer_table(self, appearances: np.ndarray, poses: np.ndarray) -> np.ndarray:
        """The appearance of each of A examples in the pose of each of P: [A, P, H, W, C]."""
        count = len(appearances), len(poses)
        x_hat = self.transfer(appearances.repeat(count[1], 0), np.tile(poses, (count[0], 1, 1, 1)))
        return x_hat.reshape(*count, *x_hat.shape[1:])

    def _require_density(self) -> Density:
        raise UserError(
            "what is sampled has a map here: sample_for(examples) takes the maps of examples"
        )

    def sample_batch(self, n: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        """Images D(z, y), z of p(z|y) by noise n [B, m]; y: [B, H, W, C]."""
        z = self.conditional_density.prior(n, condition)
        return self.decode_batch(z, condition=condition)

    def sample_for(self, examples: np.ndarray, seed: int = 0) -> np.ndarray:
        """An image of p(x|y) for the map of each example [N, H, W, 2C], float32 [N, H, W, C]."""
        n = self.conditional_density.noise(draws.key(seed, draws.PICTURES, 0), len(examples))
        maps = data.to_unit(self.condition_of(examples))
        parts = [
            self.sample_batch(n[i : i + _BATCH], tf.constant(maps[i : i + _BATCH])).numpy()
            for i in range(0, len(maps), _BATCH)
        ]
        return np.concatenate(parts)
