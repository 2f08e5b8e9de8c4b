"""The product of a dense layer, arranged so that processors compute and differentiate it fast."""

from pathlib import Path

import tensorflow as tf

# Columns of a kernel whose rows are a multiple of 2 KiB apart, and how many more end that.
_CONFLICTING, _PADDING = 512, 16


def _reads_kernels_in_place() -> bool:
    """Whether oneDNN multiplies few rows by a kernel without a copy of it: not with AVX-512."""
    processor = Path("/proc/cpuinfo")
    return processor.exists() and "avx512f" not in processor.read_text()


_PADS = _reads_kernels_in_place()


@tf.custom_gradient
def product(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """x W of [B, k] and [k, n] -> [B, n]; differentiable any number of times.

    Rows a multiple of 2 KiB apart displace one another in the cache: [128, 6272] by [6272, 1024]
    takes 20 ms on two cores, and 11 ms with columns of zeros in a copy.
    """

    def gradient(g):
        return transposed_product(g, kernel), tf.matmul(x, g, transpose_a=True)

    columns = kernel.shape[1]
    if not _PADS or columns % _CONFLICTING:
        return tf.matmul(x, kernel), gradient
    padded = tf.pad(kernel, [[0, 0], [0, _PADDING]])
    return tf.matmul(x, padded)[:, :columns], gradient


@tf.custom_gradient
def transposed_product(g: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """g W^T of [B, n] and [k, n] -> [B, k], computed as (W g^T)^T.

    With Eigen the product with a transposed right-hand side is the slow one: of [128, 1024] and
    [6272, 1024] it takes 49 ms on two cores, transposed twice 12 ms (11 and 12 with oneDNN).
    """

    def gradient(h):
        return product(h, kernel), tf.matmul(h, g, transpose_a=True)

    return tf.transpose(tf.matmul(kernel, g, transpose_b=True)), gradient
