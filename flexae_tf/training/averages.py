"""Exponential moving averages of the weights: what is measured in place of the last iteration's.

With a half-life of H images, weights w_1, ..., w_t after t iterations of B images are averaged as

    sum_i d^(t-i) w_i / sum_i d^(t-i),   d = 2^(-B/H),

without the initial weights, which would count more than all others in a run of less than a
half-life. It holds for all that a checkpoint has of the networks, critics and codebooks too.
Exceptions are the u of spectral normalization, unit vectors whose mean is none, which are those of
the last iteration, and the statistics of batch normalization, which are of no iteration:
`statistics` takes them at the averages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from flexae_tf.algorithm.method import Method
from flexae_tf.networks import layers_of


class Averages:
    """The averages of a method's weights; construct it in the strategy's scope.

    Args:
      method: the Method.
      half_life_images: H, images after which weights count half; 0 for no averages.
      batch_size: B, of the global minibatch.

    Attributes:
      state: {network: [tf.Variable]} that a checkpoint holds, in the order of its weights.
      in_place: whether the networks have the averages at the moment, and `state` the weights.
    """

    def __init__(self, method: Method, half_life_images: float, batch_size: int) -> None:
        self.in_place = False
        self.state: dict[str, list[tf.Variable]] = {}
        self._pairs: list[tuple] = []  # (average, weight, whether it is averaged)
        if not half_life_images:
            return
        from flexae_tf.networks.layers import linear_layers  # Keras comes with it

        spectral = layers_of(method.networks.values(), linear_layers(spectral_norm=True))
        kept = {id(layer.u) for layer in spectral}
        self._decay = 0.5 ** (batch_size / half_life_images)
        for name, network in method.networks.items():
            averages = [tf.Variable(tf.identity(w), trainable=False) for w in network.weights]
            self.state[name] = averages
            for average, weight in zip(averages, network.weights, strict=True):
                self._pairs.append((average, weight.value, id(weight) not in kept))

    def update(self, strategy: tf.distribute.Strategy, iteration: tf.Tensor) -> None:
        """Takes in the weights after iteration t, a scalar, on every replica; in its graph."""
        if not self._pairs:
            return
        power = tf.pow(tf.constant(self._decay, tf.float64), tf.cast(iteration, tf.float64))
        # What the average so far counts in the sum above: 0 after the first iteration.
        keep = tf.cast((self._decay - power) / (1 - power), tf.float32)

        def move(average, weight, averaged):
            average.assign(weight + keep * (average - weight) if averaged else weight)

        for average, weight, averaged in self._pairs:
            strategy.extended.update(average, move, args=(weight, averaged), group=False)

    def swap(self) -> None:
        """Exchanges averages and weights, statistics of batch normalization included."""
        for average, weight, _ in self._pairs:
            held = tf.identity(weight)
            weight.assign(tf.identity(average))
            average.assign(held)
        self.in_place = bool(self._pairs) and not self.in_place

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Where the networks have the averages, if there are such, to be measured."""
        self.swap()
        try:
            yield
        finally:
            self.swap()
