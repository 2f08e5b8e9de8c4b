"""The gated PixelCNN over a grid of indices, a learned prior of discrete codes.

van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", Section 2 and Figure 2.
Indices are taken row by row, p(k) = prod_ij p(k_ij | rows above, k_i1, ..., k_i,j-1), by two stacks
of convolutions: the vertical one sees the rows above, the horizontal one what is to the left and,
at every layer, the vertical one, so that there is no blind spot. Kernels are not masked: both
stacks begin with the grid moved by one place, down or to the right, and kernels end at the place
they are for. A kernel is the part before that place of a square of 7 x 7 in the first layer and of
3 x 3 in the others: L layers see L + 2 places to either side and L + 3 upwards.

Its class is one of Keras', so functions import this file (`backend.defer`).
"""

from __future__ import annotations

import keras
import tensorflow as tf

from flexae_tf.networks.convolutions import Conv2D
from flexae_tf.networks.layers import Dense

_FIRST_REACH, _REACH = 3, 1  # half of the sides of the kernels


class PixelCnn(keras.Model):
    """Indices [B, h, w] -> logits [B, h, w, K], each of an index given those before it.

    Args:
      size: K. grid: (h, w).
      depth: gated layers L.
      width: channels of each stack.
    """

    def __init__(self, size: int, grid: tuple[int, int], depth: int, width: int) -> None:
        super().__init__(name="pixel_cnn", dtype="float32")
        self.size, self.grid, self.depth = size, grid, depth
        self.embedding = Dense(width, use_bias=False)
        self.embedding.build((None, size))
        for i in range(depth):  # by name, as the transforms of `flow.Flow`
            reach = _REACH if i else _FIRST_REACH
            setattr(self, f"gated_{i}", GatedLayer(width, reach, residual=i > 0))
        self.hidden = _convolution(width, (1, 1), width)
        # Logits begin at 0, so that an untrained prior is the uniform one.
        last = {"kernel_initializer": "zeros", "dtype": "float32"}
        self.last = _convolution(size, (1, 1), width, **last)
        self.built = True

    @property
    def gated(self) -> list[GatedLayer]:
        """The gated layers, from the input on."""
        return [getattr(self, f"gated_{i}") for i in range(self.depth)]

    def call(self, indices: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Logits [B, h, w, K] of indices, int32 [B, h, w]."""
        del training
        e = self.embed(indices)
        return self.logits(e, self.above(e))

    def embed(self, indices: tf.Tensor) -> tf.Tensor:
        """A vector for each index, [B, h, w, width]."""
        return self.embedding(tf.one_hot(indices, self.size))

    def above(self, e: tf.Tensor) -> list[tf.Tensor]:
        """What each layer's horizontal stack gets of the rows above, [B, h, w, 2 width].

        Args:
          e: embedded indices [B, h, w, width]; row i of the results is of those before row i.
        """
        v = tf.pad(e[:, :-1], [[0, 0], [1, 0], [0, 0], [0, 0]])
        found = []
        for layer in self.gated:
            v, across = layer.down(v)
            found.append(across)
        return found

    def logits(self, e: tf.Tensor, above: list[tf.Tensor]) -> tf.Tensor:
        """Logits [B, r, w, K] of some rows, of which `e` and `above` are (see there)."""
        h = tf.pad(e[:, :, :-1], [[0, 0], [0, 0], [1, 0], [0, 0]])
        for layer, across in zip(self.gated, above, strict=True):
            h = layer.right(h, across)
        return self.last(tf.nn.relu(self.hidden(tf.nn.relu(h))))

    def sample(self, u: tf.Tensor) -> tf.Tensor:
        """Indices, int32 [B, h, w]: an index is the u quantile of its distribution.

        The vertical stack is computed once a row, the horizontal one for this row alone.

        Args:
          u: uniform on [0, 1), [B, h, w].
        """
        height, width = self.grid

        def draw_row(i, indices):
            above = [t[:, i : i + 1] for t in self.above(self.embed(indices))]  # [B, 1, w, .]

            def draw(j, row):
                logits = self.logits(self.embed(row[:, None]), above)[:, 0]  # [B, w, K]
                quantile = tf.gather(tf.gather(u, i, axis=1), j, axis=1)  # [B]
                drawn = quantiles(tf.gather(logits, j, axis=1), quantile)
                return j + 1, tf.where(tf.range(width) == j, drawn[:, None], row)

            row = tf.while_loop(lambda j, _: j < width, draw, (0, indices[:, 0]))[1]  # [B, w]
            return i + 1, tf.where((tf.range(height) == i)[:, None], row[:, None], indices)

        first = tf.zeros_like(u, tf.int32)
        return tf.while_loop(lambda i, _: i < height, draw_row, (0, first))[1]


class GatedLayer(keras.layers.Layer):
    """A layer of both stacks.

    Args:
      width: channels of each.
      reach: r of its kernels, (r + 1) x (2r + 1) in the vertical and 1 x (r + 1) in the other.
      residual: whether the horizontal stack adds its input.
    """

    def __init__(self, width: int, reach: int, residual: bool) -> None:
        super().__init__(dtype="float32")
        self._reach, self._residual = reach, residual
        self.vertical = _convolution(2 * width, (reach + 1, 2 * reach + 1), width)
        self.horizontal = _convolution(2 * width, (1, reach + 1), width)
        self.across = _convolution(2 * width, (1, 1), 2 * width)
        self.out = _convolution(width, (1, 1), width)
        self.built = True

    def down(self, v: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The vertical stack [B, h, w, width] after the layer, and what the other gets of it."""
        reach = self._reach
        v = self.vertical(tf.pad(v, [[0, 0], [reach, 0], [reach, reach], [0, 0]]))
        return _gate(v), self.across(v)

    def right(self, h: tf.Tensor, across: tf.Tensor) -> tf.Tensor:
        """The horizontal stack [B, r, w, width] after the layer."""
        padded = tf.pad(h, [[0, 0], [0, 0], [self._reach, 0], [0, 0]])
        out = self.out(_gate(self.horizontal(padded) + across))
        return h + out if self._residual else out


def quantiles(logits: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """The u quantiles, int32 [B], of distributions over 0..K-1. logits: [B, K]. u: [B]."""
    below = tf.cumsum(tf.nn.softmax(logits), axis=1) <= u[:, None]  # [B, K]
    index = tf.reduce_sum(tf.cast(below, tf.int32), axis=1)
    return tf.minimum(index, logits.shape[1] - 1)  # a sum may be rounded to less than u


def _gate(x):
    """tanh of one half of the channels times the sigmoid of the other."""
    a, b = tf.split(x, 2, axis=-1)
    return tf.tanh(a) * tf.sigmoid(b)


def _convolution(filters, kernel, channels, **kwargs):
    convolution = Conv2D(filters, kernel, **kwargs)
    convolution.build((None, None, None, channels))
    return convolution
