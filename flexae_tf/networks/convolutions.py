"""Keras' convolutions, without the kernels that processors are slow with.

In 16 bits, on a processor without instructions for it, the gradients of FlexAE-SR's convolutions
take 6 (float16) and 20 times (bfloat16) as long as in float32: `precision.summed_in_float32`.

A convolution to an image of one channel leaves most of a processor's lanes empty, its gradients as
well. The product of every pixel with all places of the kernel has as many multiplications and
fills them.
"""

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.networks.precision import summed_in_float32, sums_in_float32

_IMAGE_CHANNELS = 3


class Conv2D(keras.layers.Conv2D):
    """Keras' convolution, in float32 on a CPU faster where the output is an image."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        if self._is_to_an_image() and inputs.dtype == tf.float32:
            return convolution_by_product(inputs, tf.convert_to_tensor(kernel))
        return summed_in_float32(super().convolution_op, inputs, kernel)

    def _is_to_an_image(self):
        """Whether this is, on a CPU, what `convolution_by_product` computes faster."""
        return (
            self.filters <= _IMAGE_CHANNELS
            and {*self.strides, *self.dilation_rate, self.groups} == {1}
            and (self.padding, self.data_format) == ("same", "channels_last")
            and not tf.config.list_physical_devices("GPU")
        )


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras' transposed convolution."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if not sums_in_float32(inputs):
            return super().call(inputs)
        outputs = summed_in_float32(self._transposed, inputs, self.kernel)
        if self.use_bias:
            outputs += tf.convert_to_tensor(self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _transposed(self, inputs, kernel):
        return keras.ops.conv_transpose(
            inputs, kernel, list(self.strides), self.padding, self.output_padding
        )


def convolution_by_product(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The convolution of stride 1 and padding "same" as a product and shifted sums of its columns.

    64 channels of 28 x 28 to one by a kernel of 4 x 4, batch 128, with both gradients: 60 ms of a
    core become 23; to three channels 66 become 54.

    Args:
      x: [B, H, W, K]. kernel: [h, w, K, C].

    Returns:
      [B, H, W, C].
    """
    height, width, inputs, outputs = kernel.shape
    columns = height * width * outputs
    matrix = tf.reshape(tf.transpose(kernel, [2, 0, 1, 3]), [inputs, columns])
    products = tf.tensordot(x, matrix, 1)  # [B, H, W, h w C]
    # A convolution adds them up, each from its place: its kernel is zero but for one 1 per column.
    places = np.eye(columns).reshape(columns, height, width, outputs).transpose(1, 2, 0, 3)
    return tf.nn.conv2d(products, tf.constant(places, x.dtype), 1, "SAME")
