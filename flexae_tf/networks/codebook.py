"""The codebook of VQ-VAE, by exponential moving averages.

van den Oord et al., "Neural Discrete Representation Learning", Appendix A.1, as Sonnet's
`VectorQuantizerEMA` has it: e_k is the average of the encoder's outputs nearest to it, a quotient
of two moving averages without their bias towards the zeros that they begin with,

    N_k = average of the number of outputs,  m_k = average of their sum,
    e_k = m_k / ((N_k + epsilon) / (n + K epsilon) n),  n = sum_k N_k.

A vector that no output is near to falls out of use for good, in Sonnet's program at 0. Here N_k is
at least a part of the average n / K: one that would be below it starts anew there, as an output of
this minibatch (docs/decisions.md).

Its class is one of Keras', so functions import this file (`backend.defer`).
"""

import math

import keras
import tensorflow as tf

_EPSILON = 1e-5


class Codebook(keras.layers.Layer):
    """K vectors of d components, which no gradient moves.

    Args:
      size: K. dim: d.
      decay: of the moving averages, in [0, 1).
      restart_share: N_k below which a vector starts anew, in parts of the average; 0 for never.
    """

    def __init__(self, size: int, dim: int, decay: float, restart_share: float) -> None:
        super().__init__(name="codebook", dtype="float32")
        self.size, self.dim = size, dim
        self.decay, self.restart_share = decay, restart_share
        limit = math.sqrt(3 / dim)  # so that a vector's norm is about 1
        self.e = self._state((size, dim), "e", keras.initializers.RandomUniform(-limit, limit))
        self.count = self._state((size,), "count")
        self.sum = self._state((size, dim), "sum")
        self.updates = self._state((), "updates")
        self.built = True

    def _state(self, shape, name, initializer="zeros"):
        # Not aggregated: every replica computes the same of the whole minibatch.
        return self.add_weight(shape=shape, name=name, initializer=initializer, trainable=False)

    def call(self, indices: tf.Tensor) -> tf.Tensor:
        """z_q [..., d], the vectors of indices in 0..K-1, int32 [...]."""
        return tf.gather(tf.convert_to_tensor(self.e), indices)

    def nearest(self, z_e: tf.Tensor) -> tf.Tensor:
        """The indices, int32 [...], of the vectors nearest to z_e [..., d]."""
        e = tf.convert_to_tensor(self.e)
        # |z_e|^2 is the same for all k.
        distance = tf.reduce_sum(tf.square(e), 1) - 2 * tf.tensordot(z_e, e, [[-1], [1]])
        return tf.argmin(distance, axis=-1, output_type=tf.int32)

    def assigned(self, z_e: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """How many outputs z_e [..., d] each index has, [K], and their sums [K, d]."""
        one_hot = tf.one_hot(tf.reshape(indices, [-1]), self.size)  # [N, K]
        sums = tf.matmul(one_hot, tf.reshape(z_e, [-1, self.dim]), transpose_a=True)
        return tf.reduce_sum(one_hot, 0), sums

    def follow(self, counts: tf.Tensor, sums: tf.Tensor, candidates: tf.Tensor) -> None:
        """One step of the averages, and the vectors that follow from them.

        Args:
          counts, sums: of `assigned`, of the whole minibatch.
          candidates: outputs [B, d], of which vectors that start anew are in turn.
        """
        self.updates.assign_add(1.0)
        unbias = 1 - tf.pow(self.decay, tf.convert_to_tensor(self.updates))
        average, total = (
            (self.decay * state + (1 - self.decay) * seen) / unbias
            for state, seen in ((self.count, counts), (self.sum, sums))
        )
        least = self.restart_share * tf.reduce_sum(average) / self.size
        idle = average < least  # [K]
        turn = (tf.cumsum(tf.cast(idle, tf.int32)) - 1) % tf.shape(candidates)[0]
        average = tf.where(idle, least, average)
        total = tf.where(idle[:, None], least * tf.gather(candidates, turn), total)
        self.count.assign(average * unbias)
        self.sum.assign(total * unbias)
        n = tf.reduce_sum(average)
        smoothed = (average + _EPSILON) / (n + self.size * _EPSILON) * n
        self.e.assign(total / smoothed[:, None])
