"""Test-time statistics of batch normalization: averages over fresh minibatches, when needed.

They stand for the train data in the encoder, and in the decoder for an equal mixture of the codes
it meets (`Method.decoded_codes`). The released program gets there by running all of its 42 decoder
update operations in each iteration, whichever optimizer runs; here the statistics are the plain
average over fresh minibatches at the weights of the moment they are needed. That costs the training
step nothing, has no lag and works with any Keras network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm.method import Method
from flexae_tf.data import draws
from flexae_tf.networks import layers_of
from flexae_tf.training.averages import Averages
from flexae_tf.training.drawing import Drawing

MINIBATCHES = 20  # that the statistics are averaged over


class Statistics:
    """Keeps account of whether the statistics are those of the present weights.

    Averages of weights have statistics of their own, which go with them into the networks and out
    again, and an account of their own.

    Args:
      strategy: the tf.distribute strategy.
      method: the Method.
      drawing: the Drawing of its minibatches.
      iteration: tf.Variable, how many iterations have been trained.
      averages: the Averages of its weights.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        method: Method,
        drawing: Drawing,
        iteration: tf.Variable,
        averages: Averages,
    ) -> None:
        self._strategy, self._method, self._drawing = strategy, method, drawing
        self._iteration, self._averages = iteration, averages
        # {whether those of the averages: iteration of the weights they were taken at}
        self._updated_at: dict[bool, int | None] = {False: None, True: None}
        self._take = tf.function(self._take_everywhere, autograph=False)

    @property
    def current(self) -> bool:
        """Whether they were taken at the present weights and not disturbed since."""
        updated_at = self._updated_at[self._averages.in_place]
        # Without reading the iteration, which waits for an accelerator.
        if updated_at is not None and updated_at == self._frozen_after:
            return True
        return updated_at == self._number()

    def update(self) -> None:
        """Brings them up to the present weights, if they are not: a function of these alone."""
        if self.current:
            return
        number = self._number()
        if layers_of(self._method.networks.values(), keras.layers.BatchNormalization):
            self._average(number)
        self._updated_at[self._averages.in_place] = number

    def update_all(self) -> None:
        """Brings those of the averages up to the present, too, where there are such."""
        self.update()
        if self._averages.state:
            with self.measured():
                pass

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Where the networks have what is measured, averages if there are such: with statistics."""
        with self._averages.measured():
            self.update()
            yield

    def _average(self, number):
        first = number * MINIBATCHES
        drawn_in_turn = self._drawing.minibatches(
            self._method.statistics_spec(),
            1,
            draws.STATISTICS,
            range(first, first + MINIBATCHES),
        )
        for count, (drawn,) in enumerate(drawn_in_turn):
            self._take(drawn, tf.constant(count))

    def _number(self):
        """The iteration whose weights they are to be of."""
        iteration, frozen_after = int(self._iteration.numpy()), self._frozen_after
        return iteration if frozen_after is None else min(iteration, frozen_after)

    @property
    def _frozen_after(self):
        """As of the method; its averages still move when its weights have come to rest."""
        return None if self._averages.in_place else self._method.frozen_after

    @contextlib.contextmanager
    def disturbed(self) -> Iterator[None]:
        """Where what is measured may run in training mode: only its statistics suffer."""
        from flexae_tf.networks.layers import held_power_iterations  # TensorFlow comes with it

        with self._averages.measured(), held_power_iterations(self._method.networks.values()):
            self._updated_at[self._averages.in_place] = None
            yield

    def _take_everywhere(self, drawn, count):
        def replica(drawn):
            take_in(self._method, tf.nest.map_structure(data.to_unit, drawn))

        with averaging(self._method, count):
            self._strategy.run(replica, (drawn,))


def take_in(method: Method, drawn: Any) -> None:
    """Takes one more minibatch into a method's statistics; runs within `averaging`.

    All kinds of codes go through the decoder as one batch, so that deeper layers see them
    normalized as at test time.

    Args:
      drawn: a minibatch of `method.statistics_spec()`, images as networks take them.
    """
    x = tf.concat([drawn.x, drawn.x_prime], 0)  # [2B, ...]
    z, z_prime = tf.split(method.networks["encoder"](x, training=True), 2)  # [B, m] each
    codes = method.decoded_codes(drawn, z, z_prime)
    method.networks["decoder"](tf.concat(codes, 0), training=True)


@contextlib.contextmanager
def averaging(method: Method, count: tf.Tensor | int) -> Iterator[None]:
    """Lets `take_in` average over minibatches instead of over iterations.

    Enter it outside of `strategy.run`: replicas take turns, and this is for all of them.

    Args:
      count: minibatches taken in since the weights last changed, a scalar; 0 starts anew.
    """
    from flexae_tf.networks.layers import held_power_iterations

    norms = layers_of(method.networks.values(), keras.layers.BatchNormalization)
    before = tf.cast(count, tf.float32)
    previous = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = before / (before + 1)
        with held_power_iterations(method.networks.values()):
            yield
    finally:
        for norm, momentum in zip(norms, previous, strict=True):
            norm.momentum = momentum
