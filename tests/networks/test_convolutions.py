"""Convolutions of 16-bit numbers: rounded inputs, kernels and sums, whatever computes them.

Convolutions to images are the sums of products that TensorFlow's own are.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.networks import convolutions
from flexae_tf.networks import precision as precisions
from flexae_tf.networks.convolutions import Conv2D, Conv2DTranspose
from flexae_tf.networks.precision import networks_in

EPSILON = {"mixed_bfloat16": 2.0**-8, "mixed_float16": 2.0**-11}  # relative, of one rounding


@pytest.fixture(params=EPSILON)
def precision(request):
    return request.param


def rounded(x, low):
    return tf.cast(tf.cast(x, low), tf.float32)


def layer_and_input(kind, precision):
    keras.utils.set_random_seed(0)
    with networks_in(precision):
        layer = kind(5, 4, 2, padding="same", bias_initializer="normal", activation="relu")
    x = tf.random.stateless_normal([2, 8, 8, 3], [0, 1])
    layer(x)
    return layer, tf.cast(x, layer.compute_dtype)


@pytest.mark.parametrize("kind", [Conv2D, Conv2DTranspose])
def test_sums_of_exact_products_rounded_once(kind, precision, monkeypatch):
    monkeypatch.setattr(precisions, "is_emulated", lambda dtype: True)
    layer, x = layer_and_input(kind, precision)
    low = x.dtype
    with networks_in("float32"):
        exact = kind(5, 4, 2, padding="same")
    exact(tf.cast(x, tf.float32))
    exact.set_weights([rounded(w, low).numpy() for w in layer.get_weights()])
    with tf.GradientTape(persistent=True) as tape:
        wide = tf.cast(x, tf.float32)
        tape.watch([x, wide])
        y, expected = layer(x), tf.nn.relu(exact(wide))
        loss, expected_loss = (tf.reduce_sum(rounded(t, low) ** 2) for t in (y, expected))
    assert y.dtype == low
    scale = float(tf.reduce_max(expected))
    np.testing.assert_allclose(
        tf.cast(y, tf.float32), expected, atol=3 * EPSILON[precision] * scale
    )
    for mine, theirs in (
        (tape.gradient(loss, x), tape.gradient(expected_loss, wide)),
        (tape.gradient(loss, layer.kernel.value), tape.gradient(expected_loss, exact.kernel.value)),
    ):
        atol = 10 * EPSILON[precision] * float(tf.reduce_max(tf.abs(theirs)))
        np.testing.assert_allclose(tf.cast(mine, tf.float32), theirs, atol=atol)


@pytest.mark.parametrize("kind", [Conv2D, Conv2DTranspose])
@pytest.mark.parametrize("name", ["float32", *EPSILON])
def test_it_is_keras_layer_however_it_is_computed(kind, name, monkeypatch):
    for is_emulated in (True, False):
        monkeypatch.setattr(precisions, "is_emulated", lambda dtype, it=is_emulated: it)
        layer, x = layer_and_input(kind, name)
        own, _ = layer_and_input(kind.__bases__[0], name)
        y, expected = tf.cast(layer(x), tf.float32), tf.cast(own(x), tf.float32)
        atol = 4 * EPSILON.get(name, 0) * float(tf.reduce_max(expected)) if is_emulated else 0
        np.testing.assert_allclose(y, expected, rtol=0, atol=atol)


def value_and_derivatives(convolution, x, kernel, weight):
    """y, the gradients of sum(w y) by x and by the kernel, and that of the square of the first."""
    with tf.GradientTape() as outer:
        outer.watch(kernel)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, kernel])
            y = convolution(x, kernel)
            loss = tf.reduce_sum(weight * y)
        by_x = tape.gradient(loss, x)
        penalty = tf.reduce_sum(by_x**2)
    return y, by_x, tape.gradient(loss, kernel), outer.gradient(penalty, kernel)


@pytest.mark.parametrize("size", [(3, 3), (4, 4), (2, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_product_is_the_convolution_and_has_its_derivatives(size, channels):
    shapes = [3, 6, 7, 5], [*size, 5, channels], [3, 6, 7, channels]
    tensors = [tf.random.stateless_normal(s, [1, i]) for i, s in enumerate(shapes)]

    def plain(x, kernel):
        return tf.nn.conv2d(x, kernel, 1, "SAME")

    found = value_and_derivatives(convolutions.convolution_by_product, *tensors)
    for mine, expected in zip(found, value_and_derivatives(plain, *tensors), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="of processors")
@pytest.mark.parametrize(
    ("filters", "options", "by_product"),
    [
        (1, {}, True),
        (3, {}, True),
        (4, {}, False),
        (1, {"strides": 2}, False),
        (1, {"dilation_rate": 2}, False),
        (1, {"padding": "valid"}, False),
        (3, {"groups": 3}, False),
        (1, {"dtype": "mixed_bfloat16"}, False),
    ],
)
def test_which_convolutions_are_products(filters, options, by_product, monkeypatch):
    taken = []
    monkeypatch.setattr(
        convolutions,
        "convolution_by_product",
        lambda x, kernel: taken.append(1) or tf.nn.conv2d(x, kernel, 1, "SAME"),
    )
    layer = Conv2D(filters, 4, **{"padding": "same", **options})
    x = tf.random.stateless_normal([2, 8, 8, 3], [0, 1])
    own = keras.layers.Conv2D(filters, 4, **{"padding": "same", **options})
    layer(x), own(x), taken.clear()
    own.set_weights(layer.get_weights())
    y, expected = tf.cast(layer(x), tf.float32), tf.cast(own(x), tf.float32)
    assert bool(taken) == by_product
    np.testing.assert_allclose(y, expected, atol=0.05 if "dtype" in options else 1e-5)
