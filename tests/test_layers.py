"""Adam and batch normalization equal Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.layers import Adam, BatchNormalization

BETAS = [(0.9, 0.999), (0.0, 0.9), (0.5, 0.9)]


def random_steps(count, seed=0):
    """Gradients of two variables over some steps, of very different sizes."""
    random = np.random.default_rng(seed)
    scales = 10.0 ** random.integers(-6, 3, count)
    return [
        [tf.constant(s * random.standard_normal(shape), tf.float32) for shape in ((3, 2), (5,))]
        for s in scales
    ]


def new_variables():
    random = np.random.default_rng(1)
    values = [random.standard_normal(shape).astype(np.float32) for shape in ((3, 2), (5,))]
    return [keras.Variable(value) for value in values]


def built(optimizer, variables):
    optimizer.build(variables)
    return optimizer


@pytest.mark.parametrize(("beta_1", "beta_2"), BETAS)
def test_adam_equals_keras(beta_1, beta_2):
    settings = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": 1e-8}
    ours, theirs = new_variables(), new_variables()
    optimizer = built(Adam(1e-2, **settings), ours)
    reference = built(keras.optimizers.Adam(1e-2, **settings), theirs)
    apply = tf.function(lambda gradients: optimizer.apply(gradients, ours))
    for gradients in random_steps(5):
        apply(gradients)
        reference.apply(gradients, theirs)
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(our, their, rtol=1e-6, atol=1e-6)
    for our, their in zip(optimizer.variables, reference.variables, strict=True):
        # The kernel takes 1 - beta in float32, which for 0.999 is off by 1.3e-5 of it.
        np.testing.assert_allclose(our, their, rtol=2e-5, atol=1e-12)
    assert int(optimizer.iterations) == 5


def test_the_first_step_of_adam_is_the_learning_rate():
    (variable,) = variables = [keras.Variable(np.zeros(3), dtype="float32")]
    optimizer = built(Adam(0.1, beta_1=0.0, beta_2=0.9, epsilon=1e-8), variables)
    optimizer.apply([tf.constant([3.0, -0.5, 0.0])], variables)
    np.testing.assert_allclose(variable, [-0.1, 0.1, 0], rtol=1e-5)


def test_adam_takes_its_state_from_a_checkpoint(tmp_path):
    variables = new_variables()
    optimizer = built(Adam(1e-2), variables)
    checkpoint = tf.train.Checkpoint(
        optimizer=optimizer, variables=[variable.value for variable in variables]
    )
    gradients = random_steps(5)
    for step in gradients[:3]:
        optimizer.apply(step, variables)
    path = checkpoint.write(str(tmp_path / "ckpt"))
    for step in gradients[3:]:
        optimizer.apply(step, variables)

    again = new_variables()
    resumed = built(Adam(1e-2), again)
    tf.train.Checkpoint(optimizer=resumed, variables=[variable.value for variable in again]).read(
        path
    ).assert_existing_objects_matched().assert_consumed()
    assert int(resumed.iterations) == 3
    for step in gradients[3:]:
        resumed.apply(step, again)
    for uninterrupted, variable in zip(variables, again, strict=True):
        np.testing.assert_array_equal(uninterrupted, variable)


SHAPES = [(16, 3), (6, 4, 5, 3)]


def norms(shape, **settings):
    """Our layer and Keras' with the same weights."""
    random = np.random.default_rng(2)
    weights = [random.random(shape[-1]).astype(np.float32) + 0.5 for _ in range(4)]
    layers = [BatchNormalization(**settings), keras.layers.BatchNormalization(**settings)]
    for layer in layers:
        layer.build(shape)
        layer.set_weights(weights)
    return layers


def activations(shape):
    random = np.random.default_rng(3)
    return tf.constant(random.standard_normal(shape) * [1, 5, 0.2] + [0, 3, -2], tf.float32)


def outputs_and_gradients(layer, inputs, training):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=training)
        # Any loss will do whose gradient differs from place to place.
        place = tf.reshape(tf.range(tf.size(outputs)), outputs.shape)
        loss = tf.reduce_sum(tf.sin(outputs) * tf.cast(place, tf.float32))
    return outputs, tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_normalization_equals_keras(shape, training):
    ours, theirs = norms(shape)
    inputs = activations(shape)
    for _ in range(2):  # the second time with moving statistics that have moved
        our_outputs, our_gradients = outputs_and_gradients(ours, inputs, training)
        their_outputs, their_gradients = outputs_and_gradients(theirs, inputs, training)
        np.testing.assert_allclose(our_outputs, their_outputs, rtol=1e-4, atol=1e-5)
        for our, their in zip(our_gradients, their_gradients, strict=True):
            largest = float(tf.reduce_max(tf.abs(their)))
            np.testing.assert_allclose(our, their, atol=1e-4 * largest)
        np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_moving_statistics_are_of_the_batch(shape):
    layer, _ = norms(shape, momentum=0.0)
    inputs = activations(shape)
    layer(inputs, training=True)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(layer.moving_mean, inputs.numpy().mean(axes), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, inputs.numpy().var(axes), rtol=1e-4)


def test_inference_leaves_the_moving_statistics():
    layer, _ = norms(SHAPES[1])
    before = [weight.numpy() for weight in layer.weights]
    layer(activations(SHAPES[1]))
    for was, weight in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(was, weight)


def test_a_frozen_layer_is_in_inference_mode_as_in_keras():
    ours, theirs = norms(SHAPES[1])
    ours.trainable = theirs.trainable = False
    inputs = activations(SHAPES[1])
    np.testing.assert_allclose(
        ours(inputs, training=True), theirs(inputs, training=True), rtol=1e-4, atol=1e-5
    )
