"""What networks that grow are made of (Karras et al., "Progressive Growing of GANs").

Training goes through phases; in each the images have twice the side of those before. In the first
half of a phase its block of layers fades in. Which phase it is and how far it has faded in follow
from how many iterations there were, which is a variable of the networks: so a checkpoint has it,
and a model in an unfinished phase encodes, decodes and is exported as what it is then.
"""

import tensorflow as tf
from keras import layers


class Growth(tf.Module):
    """How far networks have grown.

    Args:
      phases: how many there are.
      phase_steps: iterations of each but the last, which has no end.

    Attributes:
      iterations: how many there were, a variable. It is no weight, of which there are averages.
    """

    def __init__(self, phases: int, phase_steps: int) -> None:
        super().__init__()
        self.phases, self.phase_steps = phases, phase_steps
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False, aggregation=first)

    def phase_after(self, iterations: int) -> int:
        """The phase of the iteration that comes after so many, from 0."""
        return min(iterations // self.phase_steps, self.phases - 1)

    def progress(self, phase: int) -> tf.Tensor:
        """Which part of a phase's iterations there were, a scalar; below 0 before the phase."""
        in_phase = tf.cast(self.iterations - phase * self.phase_steps, tf.float32)
        return in_phase / self.phase_steps

    def alpha(self, phase: int) -> tf.Tensor:
        """How far a phase's block has faded in, a scalar in [0, 1]."""
        return tf.clip_by_value(2 * self.progress(phase), 0, 1)

    def advance(self) -> None:
        """Counts one more iteration."""
        self.iterations.assign_add(1)

    def images(self, x: tf.Tensor, phase: int) -> tf.Tensor:
        """What is learned in a phase of images [B, H, W, C]: means of squares of their pixels.

        While the phase's block fades in, they fade from those of the phase before.

        Returns:
          [B, H / 2^k, W / 2^k, C], k phases before the last.
        """
        side = 2 ** (self.phases - 1 - phase)
        x = tf.nn.avg_pool2d(x, side, side, "VALID")
        if not phase:
            return x
        before = tf.repeat(tf.repeat(tf.nn.avg_pool2d(x, 2, 2, "VALID"), 2, 1), 2, 2)
        return blend(before, x, self.alpha(phase))


class FadeIn(layers.Layer):
    """(1 - alpha) a + alpha b of inputs (a, b) of one shape, alpha that of a phase.

    Args:
      growth: a `Growth`.
      phase: which.
    """

    def __init__(self, growth: Growth, phase: int) -> None:
        super().__init__()
        self.growth, self.phase = growth, phase

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        before, after = inputs
        return blend(before, after, tf.cast(self.growth.alpha(self.phase), before.dtype))


def blend(before: tf.Tensor, after: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """(1 - alpha) before + alpha after; alpha is a scalar in [0, 1]."""
    return (1 - alpha) * before + alpha * after
