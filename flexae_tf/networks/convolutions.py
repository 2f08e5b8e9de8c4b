"""Keras' convolutions, in 16 bits without the kernels that processors are slow with.

On a processor without instructions for it, the gradients of a convolution of FlexAE-SR's take 6
times as long in float16 as in float32, and 20 times as long in bfloat16. A product of two 16-bit
numbers is exact in float32, in which accelerators sum such products too, so the same 16-bit
numbers go through the kernels of float32 and the sum is rounded once.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from flexae_tf.networks.precision import is_emulated


class Conv2D(keras.layers.Conv2D):
    """Keras' convolution."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return _summed_in_float32(super().convolution_op, inputs, kernel)


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras' transposed convolution."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if not _sums_in_float32(inputs):
            return super().call(inputs)
        outputs = _summed_in_float32(self._transposed, inputs, self.kernel)
        if self.use_bias:
            outputs += tf.convert_to_tensor(self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _transposed(self, inputs, kernel):
        return keras.ops.conv_transpose(
            inputs, kernel, list(self.strides), self.padding, self.output_padding
        )


def _summed_in_float32(operation: Callable, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    if not _sums_in_float32(x):
        return operation(x, kernel)
    wide = operation(tf.cast(x, tf.float32), tf.cast(tf.convert_to_tensor(kernel), tf.float32))
    return tf.cast(wide, x.dtype)


def _sums_in_float32(x):
    return x.dtype in (tf.bfloat16, tf.float16) and is_emulated(x.dtype.name)
