"""The pseudo-inputs of VampPrior: trainable examples that an encoder takes."""

import keras
import tensorflow as tf
from keras.initializers import RandomNormal


class PseudoInputs(keras.Model):
    """K trainable examples u_k. Those of images are kept in [0, 1] by hardtanh(W e_k).

    Args:
      shape: of an example, (H, W, C) or (D,).
      count: K.
      mean, deviation: of the normal distribution that W begins with.

    Attributes:
      value: W, [K, ...].
    """

    def __init__(self, shape: tuple[int, ...], count: int, mean: float, deviation: float) -> None:
        super().__init__(name="pseudo_inputs")
        initializer = RandomNormal(mean, deviation)
        self.value = self.add_weight(shape=(count, *shape), initializer=initializer, name="value")
        self.built = True

    def examples(self) -> tf.Tensor:
        """u_1, ..., u_K, float32 [K, ...]."""
        value = tf.convert_to_tensor(self.value)
        return tf.clip_by_value(value, 0.0, 1.0) if len(value.shape) == 4 else value
