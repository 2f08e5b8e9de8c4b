"""A normalizing flow of affine coupling transforms, a learned prior of codes.

Dinh et al., "Density Estimation Using Real NVP", in the form of Morrow and Chiu, "Benefiting Deep
Latent Variable Models via Learning the Prior and Removing Latent Regularization", Appendix A.1:
f = f_T o ... o f_1 maps codes z_T = z to z_0, which training makes N(0, I). A transform leaves one
half of its input as it is, makes mu and s of it and moves the other half,

    z_b <- sigma (z_b + mu),   sigma = sigmoid(s + 2),

and before every second one all components are multiplied by gamma and shifted by beta, learned from
1 and 0. Where codes are conditioned on something, c, mu and s are made of z_a and c. The paper's
pseudo-code always moves the same half, which would leave the other for good: here the halves take
turns, as in Real NVP. Its network ends in d / 2 outputs, which mu and s are taken to have each.
sigma is at least 0.01, which codes do not reach (docs/decisions.md).

Its class is one of Keras', so functions import this file (`backend.defer`).
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.networks.layers import Dense
from flexae_tf.networks.precision import keep_output_in_float32

_LEAST_LOGIT = math.log(0.01 / 0.99)


class Flow(keras.Model):
    """f: z [B, d] -> z_0 [B, d], with the logarithm of its Jacobian's determinant.

    Args:
      dim: d, at least 2.
      depth: T, transforms.
      width: units of the two hidden layers of a transform's network.
      seed: the initial weights follow it, or Keras' global seed where there is none.
      condition_dim: k, of the c [B, k] that every transform depends on; 0 for none.

    Raises:
      UserError: codes of one dimension have no halves.
    """

    def __init__(
        self, dim: int, depth: int, width: int, seed: int | None = None, condition_dim: int = 0
    ) -> None:
        super().__init__(name="flow", dtype="float32")
        if dim < 2:
            raise UserError(f"a flow needs codes of at least 2 dimensions; received {dim}")
        self.dim, self.depth = dim, depth
        for t in range(depth):
            own_seed = None if seed is None else 2 * (depth * seed + t)
            # By name, because TensorFlow's checkpoints do not look into Keras' lists.
            setattr(self, f"transform_{t}", Transform(dim, width, t, own_seed, condition_dim))
        self.built = True

    @property
    def transforms(self) -> list[Transform]:
        """f_1, ..., f_T."""
        return [getattr(self, f"transform_{t}") for t in range(self.depth)]

    def call(
        self, z: tf.Tensor, condition: tf.Tensor | None = None, training: bool | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """f(z) [B, d] and log |det df/dz| [B]. z: [B, d]. condition: c, where there is one."""
        log_det = tf.zeros(tf.shape(z)[:1])  # [B]
        for transform in self.transforms:
            z, part = transform(z, condition, training=training)
            log_det += part
        return z, log_det

    def inverse(self, z_0: tf.Tensor, condition: tf.Tensor | None = None) -> tf.Tensor:
        """z = f^-1(z_0), [B, d] both, in inference mode."""
        for transform in reversed(self.transforms):
            z_0 = transform.inverse(z_0, condition)
        return z_0


class Transform(keras.layers.Layer):
    """f_t: an affine map if t is odd, then a coupling.

    Args:
      dim, width, seed, condition_dim: as of `Flow`.
      number: t, from 0; odd ones move the first half.
    """

    def __init__(
        self, dim: int, width: int, number: int, seed: int | None, condition_dim: int
    ) -> None:
        super().__init__(name=f"transform_{number}", dtype="float32")
        self._sizes = dim // 2, dim - dim // 2
        self._is_odd = number % 2
        inputs, moved = self._in_order(self._sizes)
        self.network = _network(inputs + condition_dim, moved, width, seed)
        if self._is_odd:
            self.scale = self.add_weight(shape=(dim,), initializer="ones", name="scale")
            self.shift = self.add_weight(shape=(dim,), initializer="zeros", name="shift")
        self.built = True

    def call(
        self, z: tf.Tensor, condition: tf.Tensor | None = None, training: bool | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """f_t(z) [B, d] and log |det df_t/dz| [B]. z: [B, d]."""
        log_det = 0.0
        if self._is_odd:
            scale = tf.convert_to_tensor(self.scale)
            z = scale * z + self.shift
            log_det = tf.reduce_sum(tf.math.log(tf.abs(scale)))
        z_a, z_b = self._in_order(tf.split(z, self._sizes, axis=1))
        mu, s = self._moves(z_a, condition, training)
        z_b = tf.sigmoid(s) * (z_b + mu)
        log_det += tf.reduce_sum(tf.math.log_sigmoid(s), axis=1)
        return tf.concat(self._in_order((z_a, z_b)), axis=1), log_det

    def inverse(self, z: tf.Tensor, condition: tf.Tensor | None = None) -> tf.Tensor:
        """f_t^-1(z), [B, d] both."""
        z_a, z_b = self._in_order(tf.split(z, self._sizes, axis=1))
        mu, s = self._moves(z_a, condition, training=False)
        z = tf.concat(self._in_order((z_a, z_b / tf.sigmoid(s) - mu)), axis=1)
        return (z - self.shift) / self.scale if self._is_odd else z

    def _in_order(self, halves):
        """The halves as z_a, z_b; and back."""
        return halves[::-1] if self._is_odd else halves

    def _moves(self, z_a, condition, training):
        """mu and the logit of sigma, [B, d'] each."""
        seen = z_a if condition is None else tf.concat([z_a, condition], axis=1)
        mu, s = tf.split(self.network(seen, training=training), 2, axis=1)
        return mu, tf.maximum(s + 2, _LEAST_LOGIT)


def _network(inputs, moved, width, seed):
    """The network of a transform, [B, inputs] -> mu and s [B, 2 moved], which starts at 0."""

    def hidden(i):
        initializer = keras.initializers.GlorotUniform(None if seed is None else seed + i)
        return Dense(width, "relu", kernel_initializer=initializer)

    last = Dense(2 * moved, kernel_initializer="zeros")
    network = keras.Sequential([keras.Input((inputs,)), hidden(0), hidden(1), last])
    keep_output_in_float32(network)
    return network
