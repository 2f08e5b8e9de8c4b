"""Convolutions of 16-bit numbers: rounded inputs, kernels and sums, whatever computes them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.networks import convolutions
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
    monkeypatch.setattr(convolutions, "is_emulated", lambda dtype: True)
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
        monkeypatch.setattr(convolutions, "is_emulated", lambda dtype, it=is_emulated: it)
        layer, x = layer_and_input(kind, name)
        own, _ = layer_and_input(kind.__bases__[0], name)
        y, expected = tf.cast(layer(x), tf.float32), tf.cast(own(x), tf.float32)
        atol = 4 * EPSILON.get(name, 0) * float(tf.reduce_max(expected)) if is_emulated else 0
        np.testing.assert_allclose(y, expected, rtol=0, atol=atol)
