"""Adam, batch normalization and dense layers equal Keras' own; spectral normalization."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.networks import precision
from flexae_tf.networks.layers import (
    Adam,
    BatchNormalization,
    Dense,
    Mask,
    NormalizedAdam,
    RMSprop,
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
    held_power_iterations,
    normalized_by,
    relu,
)

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


def test_normalized_adam_is_adam_of_gradients_over_their_norms():
    settings = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    ours, theirs = new_variables(), new_variables()
    optimizer = built(NormalizedAdam(1e-2, **settings), ours)
    reference = built(keras.optimizers.Adam(1e-2, **settings), theirs)
    for gradients in random_steps(5):
        optimizer.apply(gradients, ours)
        norms = [np.sqrt(np.square(np.float64(g)).sum()) for g in gradients]
        normalized = [g / (norm + 1e-7) for g, norm in zip(gradients, norms, strict=True)]
        reference.apply(normalized, theirs)
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(our, their, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_rmsprop_is_that_of_tf_1(momentum):
    """ms = rho ms + (1 - rho) g^2 from 1 on, each step momentum times the last + r g / sqrt(ms)."""
    variables = new_variables()
    expected = [np.asarray(v, np.float64) for v in variables]
    squares, steps = [np.ones_like(v) for v in expected], [np.zeros_like(v) for v in expected]
    optimizer = built(RMSprop(1e-2, rho=0.9, momentum=momentum, epsilon=1e-10), variables)
    for gradients in random_steps(5):
        optimizer.apply(gradients, variables)
        for i, g in enumerate(np.asarray(g, np.float64) for g in gradients):
            squares[i] = 0.9 * squares[i] + 0.1 * g**2
            steps[i] = momentum * steps[i] + 1e-2 * g / np.sqrt(squares[i] + 1e-10)
            expected[i] = expected[i] - steps[i]
            np.testing.assert_allclose(variables[i], expected[i], rtol=1e-5, atol=1e-6)


def test_a_mask_multiplies_and_stays_in_0_to_1():
    mask = Mask()
    z = tf.ones((2, 3))
    mask(z)
    assert np.all((mask.a.numpy() >= 0) & (mask.a.numpy() <= 5))
    mask.a.assign([0.0, 1.0, 3.0])
    alpha = 1 - np.exp([0.0, -1.0, -3.0])
    np.testing.assert_allclose(mask(z), [alpha, alpha], rtol=1e-6)
    optimizer = built(RMSprop(10.0), [mask.a])
    optimizer.apply([tf.constant([1.0, 1.0, -1.0])], [mask.a])
    assert mask.a.numpy()[:2].tolist() == [0, 0]
    assert mask.a.numpy()[2] > 3


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


@pytest.mark.parametrize("shape", SHAPES)
def test_second_derivatives_of_batch_normalization(shape):
    """Outputs do not see a shift of all inputs, and neither does any penalty on their gradient."""
    ours, theirs = norms(shape)
    shifts = []
    for layer in (ours, theirs):
        inputs = activations(shape)
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                loss = tf.reduce_sum(tf.sin(3 * layer(inputs, training=True)))
            gradient = inner.gradient(loss, inputs)
            place = tf.reshape(tf.range(tf.size(inputs)), shape)
            penalty = tf.reduce_sum(tf.cast(place, tf.float32) * tf.square(gradient))
        gradient = tf.reshape(outer.gradient(penalty, inputs), [-1, shape[-1]])
        shifts.append(np.abs(np.sum(gradient, axis=0)).max() / np.abs(gradient).max())
    assert shifts[0] < 1e-4
    assert shifts[1] > 1e-3  # tf.nn.moments: once this fails, `_moments` can go


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


def penalized(kind, xla):
    """A critic of dense layers, its verdicts, and the gradients of a gradient penalty."""
    keras.utils.set_random_seed(0)
    critic = keras.Sequential([keras.Input((6,)), kind(5, "tanh"), kind(1)])
    x = tf.constant(np.random.default_rng(0).standard_normal((4, 6)), tf.float32)

    @tf.function(jit_compile=xla)
    def differentiate():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                verdicts = critic(x)
            by_x = tape.gradient(verdicts, x)
            penalty = tf.reduce_sum((tf.norm(by_x, axis=1) - 1) ** 2) + tf.reduce_sum(verdicts**2)
        return verdicts, by_x, outer.gradient(penalty, [x, *critic.trainable_variables])

    return [np.asarray(value) for value in tf.nest.flatten(differentiate())]


@pytest.mark.parametrize("xla", [False, True])
def test_dense_and_its_first_and_second_gradients_equal_keras(xla, monkeypatch):
    monkeypatch.setattr(Dense, "large", 1)
    ours, theirs = (penalized(kind, xla) for kind in (Dense, keras.layers.Dense))
    assert len(ours) == 7
    for our, their in zip(ours, theirs, strict=True):
        assert np.any(their != 0)
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("units", "training", "own"), [(1024, True, True), (1024, False, False), (1023, True, False)]
)
def test_only_large_dense_layers_in_training_have_a_gradient_of_their_own(units, training, own):
    model = keras.Sequential([keras.Input((1024,)), Dense(units, "relu")])
    graph = tf.function(lambda x: model(x, training=training)).get_concrete_function(
        tf.TensorSpec([None, 1024])
    )
    kinds = {operation.type for operation in graph.graph.get_operations()}
    assert ("IdentityN" in kinds) == own


# Each layer, Keras' own, the shape of its input.
SPECTRAL = [
    (SpectralDense(5), keras.layers.Dense(5), (7,)),
    (SpectralConv2D(3, 4, 2), keras.layers.Conv2D(3, 4, 2), (6, 6, 2)),
    (SpectralConv2DTranspose(3, 4, 2), keras.layers.Conv2DTranspose(3, 4, 2), (3, 3, 2)),
]


def spectral(number):
    """A new layer in a model, Keras' own of the same weights, inputs, and W as a matrix."""
    kinds = SPECTRAL[number]
    layer, reference = (type(kind).from_config(kind.get_config()) for kind in kinds[:2])
    layer.name, reference.name = "spectral", "plain"
    keras.utils.set_random_seed(number)
    model = keras.Sequential([keras.Input(kinds[2]), layer])
    reference.build((None, *kinds[2]))
    inputs = tf.constant(np.random.default_rng(0).standard_normal((4, *kinds[2])), tf.float32)
    kernel = layer.weights[0].numpy()
    return model, layer, reference, inputs, kernel.reshape(-1, kernel.shape[-1])


@pytest.mark.parametrize("number", range(3))
def test_sigma_is_the_largest_singular_value(number):
    model, layer, reference, inputs, matrix = spectral(number)
    for _ in range(200):
        model(inputs, training=True)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    assert float(layer.sigma()) == pytest.approx(largest, rel=1e-5)
    kernel, bias, _ = layer.get_weights()
    reference.set_weights([kernel / largest, bias])
    np.testing.assert_allclose(model(inputs), reference(inputs), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.weights[0].numpy().reshape(matrix.shape), matrix)


@pytest.mark.parametrize("number", range(3))
def test_one_power_iteration_per_call_in_training(number):
    model, layer, _, inputs, matrix = spectral(number)
    expected = layer.u.numpy().astype(np.float64)
    assert np.linalg.norm(expected) == pytest.approx(1, rel=1e-6)
    for _ in range(2):
        model(inputs, training=True)
        expected = matrix.T @ (matrix @ expected)
        expected /= np.linalg.norm(expected)
        np.testing.assert_allclose(layer.u, expected, rtol=1e-4, atol=1e-5)
        assert float(layer.sigma()) == pytest.approx(np.linalg.norm(matrix @ expected), rel=1e-5)
    before = layer.u.numpy()
    model(inputs)
    with held_power_iterations([model]):
        model(inputs, training=True)
    np.testing.assert_array_equal(layer.u, before)
    model(inputs, training=True)
    assert not np.array_equal(layer.u, before)


@pytest.mark.parametrize("number", range(3))
def test_gradient_passes_through_sigma_by_finite_differences(number):
    model, layer, _, inputs, _ = spectral(number)
    kernel = layer.weights[0]

    def loss():
        return tf.reduce_sum(tf.sin(model(inputs)))

    with tf.GradientTape() as tape:
        value = loss()
    gradient = tape.gradient(value, kernel.value).numpy()
    start = kernel.numpy()
    direction = np.random.default_rng(1).standard_normal(start.shape).astype(np.float32)
    direction /= np.linalg.norm(direction)
    losses = []
    for step in (-1e-2, 1e-2):
        kernel.assign(start + step * direction)
        losses.append(float(loss()))
    expected = np.sum(gradient * direction)
    assert abs(expected) > 0.03
    assert (losses[1] - losses[0]) / 2e-2 == pytest.approx(expected, rel=5e-3)
    # A longer W is the same normalized kernel: no slope in its own direction.
    assert np.sum(gradient * start) == pytest.approx(0, abs=1e-3)


def test_a_kernel_of_zeros_has_finite_gradients():
    model, layer, _, inputs, _ = spectral(0)
    layer.weights[0].assign(tf.zeros_like(layer.weights[0].value))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs, training=True))
    assert np.isfinite(tape.gradient(loss, layer.weights[0].value)).all()
    assert np.isfinite(layer.u).all()


def test_u_is_no_parameter_and_is_in_the_checkpoint(tmp_path):
    model, layer, _, inputs, _ = spectral(1)
    assert [w.name for w in model.trainable_variables] == ["kernel", "bias"]
    assert [w.name for w in model.non_trainable_variables] == ["u"]
    model(inputs, training=True)
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "ckpt"))
    again, restored, *_ = spectral(1)
    assert not np.array_equal(restored.u, layer.u)
    tf.train.Checkpoint(model=again).read(path).assert_consumed()
    np.testing.assert_array_equal(restored.u, layer.u)
    np.testing.assert_array_equal(again(inputs), model(inputs))


def test_a_spectral_layer_exports(tmp_path):
    model, _, _, inputs, _ = spectral(2)
    model(inputs, training=True)
    model.export(str(tmp_path / "saved"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(loaded.serve(inputs), model(inputs), rtol=1e-5, atol=1e-6)


TWO_REPLICAS = """
import json
import keras
import tensorflow as tf
from flexae_tf.networks.layers import linear_layers

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def run(devices, xla):
    strategy = tf.distribute.MirroredStrategy(devices)
    keras.utils.set_random_seed(0)
    x = tf.random.stateless_normal([8, 6, 6, 1], [1, 2])
    dense, conv, transposed = linear_layers(True)
    with strategy.scope():
        model = keras.Sequential([
            keras.Input((6, 6, 1)), conv(4, 3, 2), transposed(3, 3), keras.layers.Flatten(),
            dense(2),
        ])
        optimizer = keras.optimizers.SGD(0.05)
        optimizer.build(model.trainable_variables)

    def gradients(x):
        with tf.GradientTape() as tape:
            for _ in range(2):  # two calls in a step
                loss = tf.reduce_mean(tf.reduce_sum(model(x, training=True) ** 2, 1))
            scaled = loss / len(devices)
        return loss, tape.gradient(scaled, model.trainable_variables)

    if xla:
        gradients = tf.function(gradients, jit_compile=True, autograph=False)

    def step(x):
        loss, gradient = gradients(x)
        optimizer.apply(gradient, model.trainable_variables)
        return loss

    @tf.function(autograph=False)
    def iterate(x):
        return strategy.reduce("MEAN", strategy.run(step, (x,)), axis=None)

    parts = tf.split(x, len(devices))
    x = strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group]
    )
    losses = [float(iterate(x)) for _ in range(3)]
    u = [
        [tf.reshape(copy, [-1]).numpy().tolist() for copy in strategy.experimental_local_results(v)]
        for v in (w.value for w in model.non_trainable_variables)
    ]
    return {"losses": losses, "u": u}


both = ["cpu:0", "cpu:1"]
print(json.dumps([run(both[:1], False), run(both, False), run(both, True)]))
"""


def test_two_replicas_and_xla_equal_one():
    done = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True, check=True
    )
    one, *others = json.loads(done.stdout.splitlines()[-1])
    assert one["losses"][0] != one["losses"][2]
    assert len(one["u"]) == 3
    for other in others:
        np.testing.assert_allclose(other["losses"], one["losses"], rtol=1e-5)
        for u, copies in zip(one["u"], other["u"], strict=True):
            np.testing.assert_array_equal(copies[0], copies[-1])
            np.testing.assert_allclose(copies[0], u[0], rtol=1e-4, atol=1e-5)


def _penalized(activation):
    """(penalty of a critic with this activation, its gradients by the kernels)."""
    keras.utils.set_random_seed(0)
    conv = keras.layers.Conv2D(4, 3, activation=activation)
    critic = keras.Sequential([keras.Input((6, 6, 3)), conv, keras.layers.Flatten(), Dense(1)])
    points = activations((5, 6, 6, 3))
    kernels = [critic.layers[0].kernel, critic.layers[2].kernel]

    def gradients():
        with tf.GradientTape() as tape:
            penalty = objectives.gradient_penalty(critic, points)
        return penalty, tape.gradient(penalty, kernels)

    return tf.function(gradients, autograph=False)


def test_relu_penalizes_gradients_as_tensorflow_s_does():
    penalty, gradients = _penalized(relu)()
    expected, expected_gradients = _penalized("relu")()
    np.testing.assert_allclose(penalty, expected, rtol=1e-6)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_relu_carries_no_zeros_back_through_the_layer_below():
    found = {}
    for activation in (relu, "relu"):
        graph = _penalized(activation).get_concrete_function().graph
        operations = [operation.type for operation in graph.get_operations()]
        found[activation] = operations.count("Conv2DBackpropFilter")
    assert found[relu] == found["relu"] - 1


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("large", [1, 10**9])
def test_dense_in_16_bits_sums_exact_products(name, large, monkeypatch):
    monkeypatch.setattr(precision, "is_emulated", lambda dtype: True)
    monkeypatch.setattr(Dense, "large", large)
    keras.utils.set_random_seed(0)
    with precision.networks_in(name):
        dense = Dense(6, bias_initializer="normal", activation="relu")
    x = tf.random.stateless_normal([5, 7], [0, 1])
    low = tf.as_dtype(dense.compute_dtype)
    y = dense(x, training=True)
    assert y.dtype == low
    x, kernel, bias = (np.float32(tf.cast(t, low)) for t in (x, *dense.get_weights()))
    expected = np.maximum(x @ kernel + bias, 0)
    np.testing.assert_allclose(tf.cast(y, tf.float32), expected, atol=0.03, rtol=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_all_rows_are_normalized_by_the_first(shape):
    layer = BatchNormalization(momentum=0.0)
    network = keras.Sequential([keras.Input(shape[1:]), layer])
    x = np.random.default_rng(0).normal(3, 2, shape).astype(np.float32)
    x[4:] *= 5
    alone = network(x[:4], training=True)
    with normalized_by(network, 4):
        received = network(x, training=True).numpy()
    np.testing.assert_allclose(received[:4], alone, rtol=1e-4, atol=1e-5)
    axes = tuple(range(x.ndim - 1))
    mean, variance = x[:4].mean(axes), x[:4].var(axes)
    expected = (x - mean) / np.sqrt(variance + layer.epsilon)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4)
    assert np.abs(network(x, training=True).numpy() - received).max() > 0.1
