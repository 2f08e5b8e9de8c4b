"""A trained model: what encodes, decodes, samples and interpolates, and is measured and exported.

A *model* is an encoder, a decoder and a latent density; it knows nothing of how they were trained.
A `Method` (see `algorithm/method.py`) trains one.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import data
from flexae_tf.data import draws
from flexae_tf.errors import UserError

_BATCH = 500  # images at a time in encode, decode and sample


class Density(abc.ABC):
    """A distribution of codes that can be sampled in a graph.

    All that is random is in the noise, so that an exported model is a function of its input.

    Attributes:
      noise: sampler of the noise, (seed, n) -> [n, w].
    """

    def __init__(self, noise: Callable) -> None:
        self.noise = noise

    @abc.abstractmethod
    def prior(self, n: tf.Tensor) -> tf.Tensor:
        """Codes z_hat [B, m] for noise n [B, w]."""


class FixedDensity(Density):
    """The distribution that a sampler of codes, (seed, n) -> [n, m], draws from."""

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return n


class ExplicitDensity(Density):
    """A density whose logarithm is at hand."""

    @abc.abstractmethod
    def log_density(self, z: tf.Tensor) -> tf.Tensor:
        """log p(z), [B]. z: codes [B, m]."""


class InvertibleDensity(ExplicitDensity):
    """A density whose codes are a bijection of noise N(0, I), z_T = z of z_0 = n, both [B, m]."""

    def __init__(self, dim: int) -> None:
        super().__init__(draws.noise("normal", dim))

    @abc.abstractmethod
    def noise_of(self, z: tf.Tensor) -> tf.Tensor:
        """The noise n with prior(n) = z, [B, m]. z: codes [B, m]."""


class StandardNormal(InvertibleDensity):
    """N(0, I) of dimension m."""

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return n

    def noise_of(self, z: tf.Tensor) -> tf.Tensor:
        return z

    def log_density(self, z: tf.Tensor) -> tf.Tensor:
        """log p(z), [...]. z: [..., m]."""
        squares = tf.reduce_sum(tf.square(z), axis=-1)
        return -squares / 2 - z.shape[-1] / 2 * math.log(2 * math.pi)


class GeneratedDensity(Density):
    """The codes that a network makes of noise, in inference mode: a learned prior.

    Args:
      generator: Keras model n [B, w] -> z_hat [B, m].
      noise: sampler of n.
    """

    def __init__(self, generator: keras.Model, noise: Callable) -> None:
        super().__init__(noise)
        self._generator = generator

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return self._generator(n, training=False)


def point(encoded: tf.Tensor) -> tuple[tf.Tensor, None]:
    """The posterior of a deterministic encoder: its output, and no deviation."""
    return encoded, None


class Model:
    """An autoencoder and a latent density.

    Args:
      encoder, decoder: Keras models x -> what `posterior` takes, z -> x_hat.
      density: what it is sampled from, a `Density`, or None for a model without prior.
      posterior: function from the encoder's output to mean and standard deviation [B, m] of q(z|x),
        the latter None where it is a point.
      log_likelihood: function (x, x_hat) -> log p(x|z) [B], or None for a model without one.
      active: function () -> bool [m], the components of codes that are in use; None if all are.
      codebook_size: K of a model whose codes are grids of indices, int32 [B, h, w] in 0..K-1 for
        "[B, m]" everywhere; None where codes are vectors.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        density: Density | None = None,
        posterior: Callable = point,
        log_likelihood: Callable | None = None,
        active: Callable | None = None,
        codebook_size: int | None = None,
    ) -> None:
        self.encoder, self.decoder = encoder, decoder
        self.density, self.log_likelihood = density, log_likelihood
        self._posterior, self._active = posterior, active
        self.codebook_size = codebook_size

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an example, (H, W, C) or (D,)."""
        return tuple(self.encoder.input_shape[1:])

    @property
    def latent_dim(self) -> int:
        """Dimension m of the codes. Raises UserError where they are no vectors."""
        self.require_vectors("a latent dimension")
        return self.decoder.input_shape[-1]

    @property
    def code_dtype(self) -> type:
        """NumPy's int32 where codes are grids of indices, else float32."""
        return np.float32 if self.codebook_size is None else np.int32

    def require_vectors(self, what: str) -> None:
        """Raises UserError, which begins with `what`, where codes are grids of indices."""
        if self.codebook_size is not None:
            grid = " x ".join(map(str, self.decoder.input_shape[1:]))
            raise UserError(f"{what} needs codes that are vectors; here they are {grid} indices")

    def require_unconditional(self, what: str) -> None:
        """Raises UserError, which begins with `what`, where images are conditioned on maps."""

    @property
    def active(self) -> np.ndarray | None:
        """Which components of codes are in use, bool [m]; None where that is not learned."""
        return None if self._active is None else np.asarray(self._active())

    def sampled_from(self, density: Density | None) -> Model:
        """The same autoencoder with another `Density`."""
        networks, rest = (self.encoder, self.decoder), (self._active, self.codebook_size)
        return Model(*networks, density, self._posterior, self.log_likelihood, *rest)

    def image_of(self, x: Any) -> Any:
        """The image of examples x [N, ...], arrays or tensors: all of them without a condition."""
        return x

    def encode_batch(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Codes z [B, m] of x (a stochastic encoder's mean); in inference mode by default."""
        return self._posterior(self.encoder(x, training=training))[0]

    def encode_distribution(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Mean and standard deviation [B, m] of q(z|x), the latter None where it is a point."""
        return self._posterior(self.encoder(x, training=False))

    def decode_batch(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
        """x_hat of codes z [B, m]; in inference mode by default."""
        return self.decoder(z, training=training)

    def reconstruct_batch(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """D(E(x)) of examples x [B, ...]; in inference mode by default."""
        return self.decode_batch(self.encode_batch(x, training), training)

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Codes of images.

        Args:
          x: NumPy, uint8 or float32 in [0, 1], [N, H, W, C]; float32 [N, D] for vectors.

        Returns:
          z, float32 [N, m]; int32 [N, h, w] of a model with a codebook.
        """
        return in_batches(self.encode_batch, data.to_unit, x)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Images x_hat, float32 [N, H, W, C] in [0, 1], of codes z, as `encode` returns them."""
        return in_batches(self.decode_batch, np.asarray, z, self.code_dtype)

    def reconstruct(self, x: np.ndarray, by: str = "mean", seed: int = 0) -> np.ndarray:
        """D(z), float32; x as in `encode`.

        Args:
          by: what z is of q(z|x), "mean" or "sample" (by seed); no difference for a point.
        """
        if by == "sample" and self.codebook_size is None:
            return self.decode(_encode_by_sample(self, x, seed))
        return in_batches(self.reconstruct_batch, data.to_unit, x)

    def sample_codes(self, n: int, seed: int = 0) -> np.ndarray:
        """n codes of the density, float32 [n, m]; the same for the same seed. Raises UserError."""
        return np.asarray(self._require_density().prior(self._noise(n, seed)))

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """n generated images, float32 [n, H, W, C] in [0, 1]; the same for the same seed.

        Raises:
          UserError: the model has no density.
        """
        density = self._require_density()
        return in_batches(
            lambda batch: self.decode_batch(density.prior(batch)), np.asarray, self._noise(n, seed)
        )

    def interpolate(self, x_a: np.ndarray, x_b: np.ndarray, steps: int) -> np.ndarray:
        """Decoded codes on the segments from E(x_a) to E(x_b), ends included.

        Args:
          x_a, x_b: as in `encode`, N of each. steps: how many, at least 2.

        Returns:
          float32 [N, steps, H, W, C] (or [N, steps, D]).

        Raises:
          UserError: codes are no vectors.
        """
        self.require_vectors("interpolation")
        z_a, z_b = self.encode(x_a), self.encode(x_b)  # [N, m]
        towards_b = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        z = (1 - towards_b) * z_a[:, None] + towards_b * z_b[:, None]  # [N, steps, m]
        x = self.decode(z.reshape(-1, z.shape[-1]))
        return x.reshape(*z.shape[:2], *x.shape[1:])

    def _noise(self, n, seed):
        return self._require_density().noise(draws.key(seed, draws.PICTURES, 0), n)

    def _require_density(self):
        if self.density is None:
            raise UserError("the model has no prior of its own to sample from: give it a density")
        return self.density


def _encode_by_sample(model, x, seed):
    """Codes drawn from q(z|x), float32 [N, m]."""

    def mean_and_deviation(batch):
        mu, sigma = model.encode_distribution(batch)
        return tf.stack([mu, tf.zeros_like(mu) if sigma is None else sigma], 1)  # [B, 2, m]

    mu, sigma = np.moveaxis(in_batches(mean_and_deviation, data.to_unit, x), 1, 0)
    epsilon = draws.noise("normal", model.latent_dim)(draws.key(seed, draws.PICTURES, 1), len(x))
    return mu + sigma * np.asarray(epsilon)


def in_batches(
    function: Callable, prepare: Callable, inputs: np.ndarray, dtype: type = np.float32
) -> np.ndarray:
    """A function of tensors applied to arrays [N, ...], prepared, a few hundred at a time."""
    if not len(inputs):
        raise ValueError("expected at least one example, received none")
    parts = [
        np.asarray(function(tf.constant(prepare(inputs[i : i + _BATCH]), dtype)))
        for i in range(0, len(inputs), _BATCH)
    ]
    return np.concatenate(parts)
