"""Learning rates that change while a player is trained, and the texts that name them.

    constant                     the initial rate r throughout
    halve:N                      r / 2^k after kN iterations
    piecewise:N=f,M=g            r f after N iterations, r g after M
    exponential:N=f              r f^(i / N) after i iterations
    linear:N=M                   r until iteration N, from there on along a line to 0 at M
    plateau:factor=f,patience=n  times f whenever n measurements of the validation error in a row
                                 were no better than the best by min_delta; also cooldown, min_rate

Iterations are those in which the player moves, however often it does in each of them. A plateau is
that of `keras.callbacks.ReduceLROnPlateau`, with its defaults, in place of its epochs measurements.
"""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.errors import UserError

CONSTANT = "constant"
_EXPECTED = (
    "constant, halve:N, piecewise:N=FACTOR,N=FACTOR, exponential:N=FACTOR, linear:N=M, or "
    "plateau:factor=F,patience=N,min_delta=D,cooldown=N,min_rate=R"
)


@dataclasses.dataclass(frozen=True)
class Halving:
    """Half the rate every so many iterations."""

    every: int

    def factor(self, iterations: tf.Tensor) -> tf.Tensor:
        """Factor of the initial rate after so many iterations, scalars."""
        return tf.pow(0.5, tf.cast(iterations // self.every, tf.float32))


@dataclasses.dataclass(frozen=True)
class Piecewise:
    """Factors of the initial rate, each after so many iterations (ascending)."""

    boundaries: tuple[int, ...]
    factors: tuple[float, ...]

    def factor(self, iterations: tf.Tensor) -> tf.Tensor:
        """Factor of the initial rate after so many iterations, scalars."""
        passed = tf.reduce_sum(
            tf.cast(iterations >= tf.constant(self.boundaries, tf.int64), tf.int32)
        )
        return tf.gather(tf.constant((1.0, *self.factors), tf.float32), passed)


@dataclasses.dataclass(frozen=True)
class Exponential:
    """Continuous decay that reaches a factor after so many iterations, and goes on."""

    iterations: int
    reached: float

    def factor(self, iterations: tf.Tensor) -> tf.Tensor:
        """Factor of the initial rate after so many iterations, scalars."""
        return tf.pow(self.reached, tf.cast(iterations, tf.float32) / self.iterations)


@dataclasses.dataclass(frozen=True)
class Linear:
    """Decay along a line, which begins after some iterations and is at 0 after others."""

    start: int
    stop: int

    def factor(self, iterations: tf.Tensor) -> tf.Tensor:
        """Factor of the initial rate after so many iterations, scalars."""
        left = tf.cast(self.stop - iterations, tf.float32) / (self.stop - self.start)
        return tf.clip_by_value(left, 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class PlateauRule:
    """When a rate is reduced, and by what: the arguments of Keras' ReduceLROnPlateau."""

    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    cooldown: int = 0
    min_rate: float = 0.0

    def after(self, state: tuple, error: float) -> tuple[float, float, int, int]:
        """The state after one more measurement.

        Args:
          state: the rate, the best error so far (infinite before the first), the measurements since
            then without improvement, and those left of the cooldown.
          error: the measurement. One that is not a number is no improvement.
        """
        rate, best, wait, cooling = state
        if cooling > 0:
            cooling, wait = cooling - 1, 0
        if error + self.min_delta < best:
            return rate, error, 0, cooling
        if cooling > 0:
            return rate, best, wait, cooling
        wait += 1
        if wait >= self.patience and rate > np.float32(self.min_rate):
            return max(rate * self.factor, self.min_rate), best, 0, self.cooldown
        return rate, best, wait, cooling


class Scheduled(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that follows the iterations.

    Args:
      learning_rate: the initial rate.
      shape: Halving, Piecewise, Exponential or Linear.
      updates_per_iteration: how often the player moves in an iteration.
    """

    def __init__(self, learning_rate: float, shape: Any, updates_per_iteration: int = 1) -> None:
        super().__init__()
        self._learning_rate, self._shape = learning_rate, shape
        self._updates_per_iteration = updates_per_iteration

    def __call__(self, step: Any) -> tf.Tensor:
        """The rate after `step` updates, a scalar."""
        iterations = tf.cast(step, tf.int64) // self._updates_per_iteration
        return self._learning_rate * self._shape.factor(iterations)


class Plateau(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that follows the validation error.

    Args:
      learning_rate: the initial rate.
      rule: PlateauRule.

    Attributes:
      state: tf.Variable float32 [4], the state of `PlateauRule.after`; part of a checkpoint.
    """

    def __init__(self, learning_rate: float, rule: PlateauRule) -> None:
        super().__init__()
        self._rule = rule
        self.state = tf.Variable([learning_rate, math.inf, 0.0, 0.0], trainable=False)

    def __call__(self, step: Any) -> tf.Tensor:
        """The present rate, a scalar."""
        del step
        return self.state[0]

    @property
    def learning_rate(self) -> float:
        """The present rate."""
        return float(self.state.numpy()[0])

    def see(self, error: float) -> None:
        """Takes in one more measurement of the validation error."""
        rate, best, wait, cooling = self.state.numpy().tolist()
        self.state.assign(self._rule.after((rate, best, wait, cooling), error))


def rate(
    text: str, learning_rate: float, updates_per_iteration: int = 1
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """What an optimizer takes as its rate.

    Args:
      text: as above.
      learning_rate: the initial rate.
      updates_per_iteration: how often the player moves in an iteration.

    Raises:
      UserError: as `parse`.
    """
    shape = parse(text)
    if shape is None:
        return learning_rate
    if isinstance(shape, PlateauRule):
        return Plateau(learning_rate, shape)
    return Scheduled(learning_rate, shape, updates_per_iteration)


def parse(text: str) -> Halving | Piecewise | Exponential | Linear | PlateauRule | None:
    """What a text names, None for a constant rate. Raises UserError if it is none of the above."""
    kind, _, rest = text.partition(":")
    try:
        if text == CONSTANT:
            return None
        return _KINDS[kind](rest)
    except (KeyError, ValueError, TypeError):
        raise UserError(f"a schedule is {_EXPECTED}; received {text!r}") from None


def _halving(text):
    return Halving(_within(int(text), 1, math.inf))


def _piecewise(text):
    pairs = [_pair(word) for word in text.split(",")]
    boundaries, factors = zip(*pairs, strict=True)
    if list(boundaries) != sorted(set(boundaries)):
        raise ValueError("not ascending")
    return Piecewise(boundaries, factors)


def _exponential(text):
    return Exponential(*_pair(text))


def _linear(text):
    start, stop = map(int, text.split("="))
    return Linear(_within(start, 0, stop - 1), stop)


def _plateau(text):
    kinds = {name: type(value) for name, value in dataclasses.asdict(PlateauRule()).items()}
    words = [word.split("=") for word in text.split(",") if word]
    given = {name: kinds[name](value) for name, value in words}
    if len(given) < len(words):
        raise ValueError("twice")
    for name, value in given.items():
        _within(value, 1 if name == "patience" else 0, math.inf)
    rule = PlateauRule(**given)
    _within(rule.factor, math.ulp(0), math.nextafter(1, 0))
    return rule


_KINDS = {
    "halve": _halving,
    "piecewise": _piecewise,
    "exponential": _exponential,
    "linear": _linear,
    "plateau": _plateau,
}


def _pair(word):
    """(iterations, factor) of "18000=0.5"."""
    number, factor = word.split("=")
    return _within(int(number), 1, math.inf), _within(float(factor), math.ulp(0), math.inf)


def _within(value, lowest, highest):
    if not (math.isfinite(value) and lowest <= value <= highest):
        raise ValueError("out of range")
    return value
