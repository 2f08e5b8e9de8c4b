"""What Keras lacks."""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.networks import layers_of
from flexae_tf.networks.convolutions import Conv2D, Conv2DTranspose
from flexae_tf.networks.precision import summed_in_float32, sums_in_float32
from flexae_tf.networks.products import product


class Adam(keras.optimizers.Adam):
    """Keras' Adam with its update in TensorFlow's one fused kernel.

    The arithmetic is that of `keras.optimizers.Adam` (epsilon outside the bias correction). Keras
    spells it out in about ten passes over every variable, and an iteration of FlexAE-SR on MNIST
    updates 85 million of them.
    """

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        step = tf.cast(self.iterations + 1, tf.float32)
        scalars = {
            "beta1_power": tf.pow(self.beta_1, step),
            "beta2_power": tf.pow(self.beta_2, step),
            "lr": tf.cast(learning_rate, tf.float32),
        }
        # Once per update: for every variable they would be ten operations of one number each.
        super()._backend_update_step(grads, trainable_variables, learning_rate=scalars)

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: Mapping[str, tf.Tensor]
    ) -> None:
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
            **learning_rate,
        )


class NormalizedAdam(Adam):
    """Adam of the gradient g of each variable as g / (|g| + 1e-7), as VampPrior's program has it.

    It is the gradient of the global minibatch, summed over replicas, that is normalized.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: Mapping[str, tf.Tensor]
    ) -> None:
        super().update_step(gradient / (tf.norm(gradient) + 1e-7), variable, learning_rate)


class RMSprop(keras.optimizers.RMSprop):
    """TF 1's RMSProp, in its one kernel: the mean of squared gradients begins at 1.

    In Keras it begins at 0, and first steps are as long as later ones. Both divide by
    sqrt(mean square + epsilon).
    """

    def build(self, var_list: list) -> None:
        if self.built:
            return
        super().build(var_list)
        for velocity in self._velocities:
            velocity.assign(tf.ones_like(velocity))
        if not self.momentum:  # The kernel wants them all the same.
            self._momentums = self.add_optimizer_variables(var_list, "momentum")

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=self._velocities[index].value.handle,
            mom=self._momentums[index].value.handle,
            lr=tf.cast(learning_rate, tf.float32),
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
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

    # How many of the first rows all are normalized by in training (see `normalized_by`).
    reference: int | None = None

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        batch_statistics = training and self.trainable
        of_all = self.reference is None
        if not (batch_statistics and of_all) or self.synchronized or inputs.shape.rank != 4:
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

    def _moments(self, inputs, mask):
        """Those of vectors, with the second derivatives that penalties need.

        `tf.nn.moments`, which Keras takes on one device, stops the gradient of the mean within the
        variance. That is 0, but its own gradient is not. What is subtracted here is 0 and so is its
        gradient, so that weights of other runs stay bit-equal.
        """
        if self.reference is not None:
            inputs = inputs[: self.reference]
        mean, variance = super()._moments(inputs, mask)
        if self.synchronized or mask is not None:
            return mean, variance
        return mean, variance - tf.square(mean - tf.stop_gradient(mean))


class Dense(keras.layers.Dense):
    """Keras' dense layer, faster to differentiate where its kernel is large.

    At test time it is Keras' own, so that exported models hold no gradient functions. Small ones
    are always: what `product` adds would outweigh what it saves.
    """

    large = 2**20  # entries of the kernel

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        small = training is False or math.prod(self.kernel.shape) < self.large
        if small and not sums_in_float32(inputs):
            return super().call(inputs, training=training)
        outputs = summed_in_float32(tf.matmul if small else product, inputs, self.kernel)
        if self.bias is not None:
            outputs += tf.convert_to_tensor(self.bias)
        return outputs if self.activation is None else self.activation(outputs)


@tf.custom_gradient
def relu(x: tf.Tensor) -> tf.Tensor:
    """max(x, 0) for networks that are differentiated twice; any shape.

    The gradient of its gradient by x is zero almost everywhere. TensorFlow's own ReLU says so with
    an array of zeros, which a gradient penalty then carries back through all layers below.
    """
    y = tf.nn.relu(x)
    return y, lambda g: tf.raw_ops.ReluGrad(gradients=g, features=tf.stop_gradient(y))


class Mask(keras.layers.Layer):
    """Multiplies component j of a code by alpha_j = 1 - exp(-a_j), a_j >= 0 learned (MaskAAE).

    Input and output: [B, m]. a [m] begins uniform on [0, 5].
    """

    def build(self, input_shape: tuple) -> None:
        self.a = self.add_weight(
            name="a",
            shape=input_shape[-1:],
            initializer=keras.initializers.RandomUniform(0.0, 5.0),
            constraint="non_neg",
            autocast=False,
        )

    @property
    def alpha(self) -> tf.Tensor:
        """[m] in [0, 1)."""
        return 1 - tf.exp(-self.a.value)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs * tf.cast(self.alpha, inputs.dtype)


class ClipToUnit(keras.layers.Layer):
    """Clips to [0, 1] in inference mode, where images are made; in training mode the identity."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return inputs if training else tf.clip_by_value(inputs, 0, 1)


class _SpectralNorm:
    """Mixed into a layer with a kernel W, makes its output that of W / sigma(W).

    sigma(W) = |W u|, u the estimate of the first right singular vector of W as a matrix whose
    columns are W's last axis (for a transposed convolution these are its *inputs*, as in the RAE
    paper's program). Each call in training mode improves u by one power iteration; gradients flow
    through sigma and not through u. Miyato et al., "Spectral Normalization for Generative
    Adversarial Networks", Algorithm 1. Keras' wrapper of the name overwrites W instead.
    """

    # Whether training mode moves u (see `held_power_iterations`).
    iterates = True

    def build(self, input_shape):
        super().build(input_shape)
        # Not aggregated: every replica computes the same u from the same W.
        self.u = self.add_weight(
            name="u",
            shape=(self.kernel.shape[-1], 1),
            initializer="orthogonal",  # a random unit vector
            trainable=False,
            autocast=False,
        )

    def call(self, inputs, training=None):
        if training and self.iterates:
            matrix = self._matrix()
            v = matrix @ self.u.value
            self.u.assign(tf.math.l2_normalize(tf.matmul(matrix, v, transpose_a=True)))
        # (x / sigma) W instead of x (W / sigma): x is smaller, and W need not be copied.
        x = tf.cast(inputs, tf.float32) / self.sigma()
        return super().call(tf.cast(x, inputs.dtype))

    def sigma(self) -> tf.Tensor:
        """The largest singular value of W, a scalar."""
        # Differs from the norm for W = 0 only, where it keeps quotient and gradient finite.
        return tf.sqrt(tf.reduce_sum((self._matrix() @ self.u.value) ** 2) + 1e-12)

    def _matrix(self):
        # In float32: of the rounded kernel, where the layer computes with that one.
        return tf.reshape(tf.cast(self.kernel.value, tf.float32), [-1, self.kernel.shape[-1]])


class SpectralDense(_SpectralNorm, keras.layers.Dense):
    """Dense with W / sigma(W)."""


class SpectralConv2D(_SpectralNorm, Conv2D):
    """Conv2D with W / sigma(W)."""


class SpectralConv2DTranspose(_SpectralNorm, Conv2DTranspose):
    """Conv2DTranspose with W / sigma(W)."""


def linear_layers(spectral_norm: bool) -> tuple[type, type, type]:
    """The classes (Dense, Conv2D, Conv2DTranspose), spectrally normalized or plain."""
    if spectral_norm:
        return SpectralDense, SpectralConv2D, SpectralConv2DTranspose
    return Dense, Conv2D, Conv2DTranspose


@contextlib.contextmanager
def held_power_iterations(networks: Iterable[keras.Model]) -> Iterator[None]:
    """For as long as it lasts, training mode leaves the u of spectral normalization as it is.

    What runs batch statistics outside of training steps needs it: whether and when it ran must not
    show in the weights. Enter it outside of `strategy.run`, whose replicas take turns.
    """
    layers = layers_of(networks, _SpectralNorm)
    for layer in layers:
        layer.iterates = False
    try:
        yield
    finally:
        for layer in layers:
            layer.iterates = True


@contextlib.contextmanager
def normalized_by(network: keras.Model, rows: int) -> Iterator[None]:
    """For as long as it lasts, training mode takes batch statistics over the first rows alone.

    All rows are normalized by them, so that the others go through the very function that the first
    ones do. Within `strategy.run` replicas may leave at different times, but none before all have
    come to the network's last statistics.
    """
    norms = layers_of([network], BatchNormalization)
    for norm in norms:
        norm.reference = rows
    try:
        yield
    finally:
        for norm in norms:
            norm.reference = None
