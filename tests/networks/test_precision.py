"""Lower precision inside of networks, float32 at their ends and in their variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.networks import ARCHITECTURES, Networks
from flexae_tf.networks.layers import BatchNormalization, SpectralDense
from flexae_tf.networks.precision import (
    any_in_float16,
    keep_output_in_float32,
    networks_in,
    warn_if_emulated,
)
from flexae_tf.networks.styles import synthesis_of

COMPUTED = {"mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}


@pytest.fixture(params=COMPUTED)
def precision(request):
    return request.param


def all_networks(nets):
    networks = [nets.encoder(4), nets.decoder(4), nets.generator(3, 4)]
    return [*networks, nets.latent_critic(4), nets.image_critic()]


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "alae_style"])
def test_only_the_last_layer_and_the_variables_are_float32(architecture, precision):
    with networks_in(precision):
        networks = all_networks(Networks((8, 8, 1), architecture=architecture))
    for network in networks:
        keep_output_in_float32(network)
        *hidden, last = [layer for layer in network._flatten_layers() if layer.weights][1:]
        assert {layer.compute_dtype for layer in hidden} == {COMPUTED[precision]}
        assert last.compute_dtype == "float32"
        assert {weight.dtype for weight in network.weights} == {"float32"}
        y = network(tf.zeros([2, *network.input_shape[1:]]), training=True)
        assert y.dtype == tf.float32
    assert any_in_float16(networks) == (precision == "mixed_float16")


def test_where_codes_are_a_sum_its_terms_are_float32(precision):
    """And the decoder's last layer, though it is a network's in it."""
    with networks_in(precision):
        nets = Networks((8, 8, 1), architecture="alae_style")
        encoder, decoder = nets.encoder(4), nets.decoder(4)
    for network in (encoder, decoder):
        keep_output_in_float32(network)
        y = network(tf.zeros([2, *network.input_shape[1:]]), training=True)
        assert y.dtype == tf.float32
        assert {weight.dtype for weight in network.weights} == {"float32"}
    *_, last = [n for n in synthesis_of(decoder).layers if isinstance(n, keras.layers.Conv2D)]
    full = {n for n in encoder.layers if n.weights and n.compute_dtype == "float32"}
    assert full == {n for n in encoder.layers if isinstance(n, keras.layers.Dense)}
    assert (last.filters, last.compute_dtype) == (1, "float32")
    assert any_in_float16([decoder]) == (precision == "mixed_float16")


def test_the_precision_ends_with_its_scope(precision):
    before = keras.config.dtype_policy().name
    with networks_in(precision):
        assert keras.layers.Dense(1).compute_dtype == COMPUTED[precision]
    with pytest.raises(ZeroDivisionError), networks_in(precision):
        raise ZeroDivisionError
    assert keras.config.dtype_policy().name == before == "float32"


def test_initial_weights_are_those_of_float32(precision):
    found = []
    for name in ("float32", precision):
        keras.utils.set_random_seed(3)
        with networks_in(name):
            found.append([w.numpy() for n in all_networks(Networks((8, 8, 1))) for w in n.weights])
    for expected, received in zip(*found, strict=True):
        np.testing.assert_array_equal(received, expected)


def test_a_gradient_penalty_is_taken_at_float32_points_and_in_float32(precision):
    found = {}
    for name in ("float32", precision):
        keras.utils.set_random_seed(3)
        with networks_in(name):
            critic = Networks((8, 8, 1)).image_critic()
        keep_output_in_float32(critic)
        points = tf.random.stateless_uniform([4, 8, 8, 1], [0, 1])
        with tf.GradientTape() as tape:
            penalty = objectives.gradient_penalty(critic, points)
        gradient = tape.gradient(penalty, critic.trainable_variables[0])
        assert penalty.dtype == gradient.dtype == tf.float32
        found[name] = [np.asarray(penalty), np.linalg.norm(gradient)]
    np.testing.assert_allclose(found[precision], found["float32"], rtol=0.03)


@pytest.mark.parametrize("shape", [(64, 3), (8, 4, 4, 3)], ids=["vectors", "images"])
def test_batch_statistics_are_float32(shape, precision):
    """The squares of these inputs are beyond float16, their mean between two bfloat16 numbers."""
    x = np.random.default_rng(0).normal(1001.5, 2, shape)
    x = tf.cast(tf.constant(x), COMPUTED[precision])
    with networks_in(precision):
        norm = BatchNormalization(momentum=0.0)
    y = norm(x, training=True)
    assert y.dtype == x.dtype
    exact, axes = np.float64(tf.cast(x, tf.float32)), tuple(range(len(shape) - 1))
    np.testing.assert_allclose(norm.moving_mean, exact.mean(axes), rtol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, exact.var(axes), rtol=1e-3)


def test_sigma_is_float32_and_of_the_kernel_that_is_used(precision):
    keras.utils.set_random_seed(0)
    with networks_in(precision):
        layer = SpectralDense(5, use_bias=False)
    x = tf.random.stateless_normal([7, 9], [0, 1])
    for _ in range(50):
        y = layer(x, training=True)
    rounded = np.float32(tf.cast(layer.kernel.value, COMPUTED[precision]))
    assert layer.u.dtype == "float32"
    sigma = np.linalg.svd(rounded)[1][0]
    np.testing.assert_allclose(layer.sigma(), sigma, rtol=1e-3)
    assert y.dtype == COMPUTED[precision]
    np.testing.assert_allclose(tf.cast(y, tf.float32), x @ rounded / sigma, atol=0.03)


@pytest.mark.parametrize(
    ("name", "words", "warns"),
    [
        ("float32", "fpu avx2", False),
        ("mixed_bfloat16", "fpu avx2 avx512f", True),
        ("mixed_bfloat16", "fpu avx512_bf16", False),
        ("mixed_bfloat16", "fpu amx_bf16", False),
        ("mixed_float16", "fpu avx512_bf16 f16c", True),
        ("mixed_float16", "fpu avx512_fp16", False),
        ("mixed_bfloat16", "fp asimd", False),  # no x86
    ],
)
def test_a_processor_without_the_instructions_is_named_in_a_line(
    name, words, warns, tmp_path, capsys
):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\nflags : {words}\n")
    warn_if_emulated(name, cpuinfo)
    warn_if_emulated(name, tmp_path / "missing")
    printed = capsys.readouterr().err
    assert printed.count("\n") == warns
    assert (f"no instructions for --precision={name}" in printed) == warns
