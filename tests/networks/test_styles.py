"""The parts of style-based networks against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.networks import alae_fc, alae_style, equalized, styles
from tests.network_words import layers_of

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("gain", "r"), [(2**0.5, 1.0), (1.0, 0.1)])
def test_an_equalised_dense_layer(gain, r):
    x = normal(3, 50)
    layer = equalized.EqualizedDense(400, gain=gain, rate_multiplier=r)
    layer.build((None, 50))
    layer.bias.assign(normal(400))
    kernel, bias = (weight.numpy() for weight in layer.weights)
    expected = r * (x @ kernel * gain / np.sqrt(50) + bias)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)
    assert kernel.std() == pytest.approx(1 / r, rel=0.02)  # the kernel's is gain / sqrt(fan-in)


def test_an_equalised_convolution():
    x = normal(2, 5, 5, 8)
    layer = equalized.EqualizedConv2D(4, 3, padding="same", gain=1.5)
    received = layer(x)
    kernel = layer.kernel.numpy() * 1.5 / np.sqrt(3 * 3 * 8)
    np.testing.assert_allclose(received, tf.nn.conv2d(x, kernel, 1, "SAME"), rtol=1e-4, atol=1e-5)


def test_steps_of_adam_are_a_part_of_the_initial_kernel():
    """w moves by the rate, hence the kernel by r gain / sqrt(fan-in) times it."""
    layer = equalized.EqualizedDense(3, gain=1.0, rate_multiplier=0.1)
    layer.build((None, 25))
    x = np.ones((1, 25), np.float32)
    before = layer(x).numpy()
    layer.kernel.assign_add(np.full((25, 3), 0.002))
    np.testing.assert_allclose(layer(x) - before, 25 * 0.002 * 0.1 / 5, rtol=1e-3)


def test_pixel_norm():
    x = normal(4, 7)
    expected = x / np.sqrt(np.mean(x**2, 1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(equalized.PixelNorm()(x), expected, rtol=1e-5)


def test_instance_norm_and_style():
    x = normal(2, 4, 6, 3) * [1, 2, 3] + [0, 1, 2]
    mean, deviation = x.mean((1, 2)), x.std((1, 2))
    expected = (x - mean[:, None, None]) / np.sqrt(deviation[:, None, None] ** 2 + 0.5)
    np.testing.assert_allclose(styles.InstanceNorm(0.5)(x), expected, rtol=1e-4, atol=1e-5)
    received = styles.Style()(x)
    np.testing.assert_allclose(received, np.concatenate([mean, deviation], 1), rtol=1e-4, atol=1e-5)


def test_the_style_of_a_constant_channel_has_a_gradient():
    x = tf.ones((1, 4, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        style = styles.Style()(x)
    assert np.all(np.isfinite(tape.gradient(style, x)))


def test_adain_is_normalized_and_modulated():
    """(1 + s) (x - mean) / deviation + t, in which s comes first."""
    x, style = normal(2, 4, 4, 3), normal(2, 6)
    received = styles.Modulate()([styles.InstanceNorm(1e-8)(x), style])
    normalized = (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True)
    expected = (1 + style[:, None, None, :3]) * normalized + style[:, None, None, 3:]
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


def test_noise_and_bias():
    x, n = normal(2, 4, 4, 3), normal(2, 4, 4, 1)
    layer = styles.NoiseAndBias()
    np.testing.assert_array_equal(layer([x, n]), x)  # at first
    weight, bias = normal(3), normal(3)
    layer.set_weights([weight, bias])
    np.testing.assert_allclose(layer([x, n]), x + weight * n + bias, rtol=1e-5)


def test_blur():
    x = np.zeros((1, 4, 4, 2), np.float32)
    x[0, 1, 1, 0], x[0, 0, 3, 1] = 16, 16
    received = styles.Blur()(x)
    np.testing.assert_array_equal(received[0, :3, :3, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    np.testing.assert_array_equal(received[0, :3, 2:, 1], [[2, 4], [1, 2], [0, 0]])


def test_fixed_noise_is_the_same_for_every_row_and_in_every_model():
    first, second = (styles.FixedNoise(7)(np.zeros((n, 2), np.float32)) for n in (3, 1))
    np.testing.assert_array_equal(first, np.tile(second, [3, 1]))
    assert np.std(second) > 0.3


def test_fully_connected_networks():
    assert layers_of(alae_fc.encoder((28, 28, 1), 50)) == (
        "Rescaling, Flatten, FC 1024, LeakyReLU, FC 1024, LeakyReLU, FC 50, LeakyReLU"
    )
    assert layers_of(alae_fc.decoder((28, 28, 1), 50)) == (
        "FC 1024, LeakyReLU, FC 1024, LeakyReLU, FC 784, Reshape, Rescaling, ClipToUnit"
    )


def test_style_networks():
    """Channels and sizes of the program's for 32 x 32, layer by layer."""
    encoder, decoder = (build((32, 32, 3), 8) for build in (alae_style.encoder, alae_style.decoder))
    halved = [
        (layer.input.shape[1], layer.output.shape[-1])
        for layer in encoder.layers
        if isinstance(layer, keras.layers.AveragePooling2D)
    ]
    assert halved == [(32, 128), (16, 256), (8, 256), (4, 256)]
    synthesis = styles.synthesis_of(decoder)
    modulated = [
        layer.output.shape[1:] for layer in synthesis.layers if isinstance(layer, styles.Modulate)
    ]
    sizes = [(4, 256), (8, 256), (16, 128), (32, 64)]
    assert modulated == [(side, side, c) for side, c in sizes for _ in range(2)]
    assert synthesis.input_shape == [(None, 8, 8), (None, 2 * (16 + 64 + 256 + 1024))]
    assert styles.synthesis_of(alae_fc.decoder((8, 8, 1), 3)) is None


def test_a_decoder_gives_its_code_to_every_layer_with_fixed_noise():
    decoder = alae_style.decoder((8, 8, 1), 3)
    synthesis = styles.synthesis_of(decoder)
    for layer in synthesis.layers:
        if isinstance(layer, styles.NoiseAndBias):
            layer.weight.assign(tf.ones_like(layer.weight))
    w = tf.constant(normal(2, 3))
    noise = styles.FixedNoise(2 * (16 + 64))(w)
    expected = synthesis([tf.tile(w[:, None], [1, 4, 1]), noise])
    np.testing.assert_allclose(decoder(w), expected, rtol=1e-5)
    assert np.abs(decoder(w) - synthesis([tf.tile(w[:, None], [1, 4, 1]), -noise])).max() > 1e-3
