"""Weight-normalized convolutions and dropout by drawn numbers."""

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.networks.weight_norm import (
    ChannelDropout,
    WeightNormConv2D,
    data_dependent_initialization,
    dropout_width,
    dropping,
)

RNG = np.random.default_rng(0)
X = tf.constant(3 + 2 * RNG.standard_normal((16, 6, 6, 5)), tf.float32)


def two_layers():
    x = keras.Input((6, 6, 5))
    hidden = WeightNormConv2D(8, 3, padding="same")(x)
    y = WeightNormConv2D(4, 3, padding="same")(keras.layers.ELU()(hidden))
    return keras.Model(x, [hidden, y])


def test_kernels_have_the_length_g():
    layer = WeightNormConv2D(4, 3, padding="same")
    layer.build(X.shape)
    layer.kernel.assign(RNG.standard_normal(layer.kernel.shape))
    layer.g.assign([1.0, 2.0, 0.5, -1.0])
    layer.bias.assign([0.0, 0.0, 3.0, 0.0])
    v = layer.kernel.numpy()
    kernel = layer.g.numpy() * v / np.sqrt(np.sum(v**2, (0, 1, 2)))
    expected = tf.nn.conv2d(X, kernel, 1, "SAME") + layer.bias
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-4)


def test_data_dependent_initialization_gives_mean_0_and_variance_1():
    network = two_layers()
    with data_dependent_initialization([network]):
        network(X)
    for outputs in network(X):
        np.testing.assert_allclose(np.mean(outputs, (0, 1, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(np.var(outputs, (0, 1, 2)), 1, rtol=1e-3)
    before = network.get_weights()
    network(2 * X)
    for weight, value in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_dropping_drops_whole_channels_by_the_numbers_given():
    x = keras.Input((2, 2, 3))
    first = ChannelDropout(0.25)(x)
    network = keras.Model(x, ChannelDropout(0.5)(keras.layers.Concatenate()([first, x])))
    assert dropout_width([network]) == 3 + 6
    uniform = tf.constant(RNG.uniform(size=(4, 9)), tf.float32)
    ones = tf.ones((4, 2, 2, 3))
    with dropping([network], uniform):
        received = network(ones).numpy()
    kept = (uniform.numpy() >= [0.25] * 3 + [0.5] * 6) / np.array([0.75] * 3 + [0.5] * 6)
    expected = np.concatenate([kept[:, :3], np.ones((4, 3))], 1) * kept[:, 3:]
    np.testing.assert_allclose(received[:, 1, 0], expected)
    np.testing.assert_array_equal(received[:, 0, 1], received[:, 1, 0])
    np.testing.assert_array_equal(network(ones), np.ones((4, 2, 2, 6)))
