"""What Keras lacks."""

import keras
import tensorflow as tf


class Adam(keras.optimizers.Adam):
    """Keras' Adam with its update in TensorFlow's one fused kernel.

    The arithmetic is that of `keras.optimizers.Adam` (epsilon outside the bias correction). Keras
    spells it out in about ten passes over every variable, and an iteration of FlexAE-SR on MNIST
    updates 85 million of them.
    """

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=tf.cast(self.beta_1, variable.dtype),
            beta2=tf.cast(self.beta_2, variable.dtype),
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=gradient,
        )


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalization with TensorFlow's one fused kernel for images in training.

    Keras spells the moments, the normalization and their gradients out in about twenty passes over
    the activations. TF 1's layers, and so the released program, took the fused kernel for images
    and the spelled-out form for vectors. Rounding decides the sign of Adam's first steps on weights
    whose true gradient is zero (every bias before a normalization), so doing as they did also
    brings the weights closest to theirs. Synchronized over replicas, and at test time, this is
    Keras' own layer.

    Input and output: [B, C] or [B, H, W, C], normalized over the last axis, with scale and centre.
    """

    def call(self, inputs, training=None):
        batch_statistics = training and self.trainable
        if not batch_statistics or self.synchronized or inputs.shape.rank != 4:
            return super().call(inputs, training=training)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma.value, self.beta.value, epsilon=self.epsilon
        )
        # The kernel returns the unbiased variance, Keras keeps the biased one.
        count = tf.cast(tf.size(inputs) / tf.size(mean), tf.float32)
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance * (count - 1) / count),
        ):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs
