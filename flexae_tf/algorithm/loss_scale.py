"""The loss scale of one player, for gradients in float16."""

import keras
import tensorflow as tf


class LossScale(keras.optimizers.LossScaleOptimizer):
    """Keras' dynamic loss scale around an optimizer, for gradients that replicas have in parts.

    The loss is multiplied by the scale and the gradients divided by it. A step with a gradient that
    is not finite is left out and halves the scale; 2,000 good ones in a row double it. Keras asks
    the first replica only, before the gradients are summed; here all replicas must agree.
    """

    @property
    def state(self) -> dict[str, keras.Variable]:
        """What a checkpoint holds of it: the scale, and how many good steps it has had."""
        return {"scale": self.dynamic_scale, "good_steps": self.step_counter}

    def check_finite(self, grads: list[tf.Tensor]) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        finite = tf.cast(super().check_finite(grads), tf.float32)
        replicas = context.num_replicas_in_sync
        return context.all_reduce(tf.distribute.ReduceOp.SUM, finite) == replicas
