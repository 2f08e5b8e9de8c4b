"""RAE's and AE's objectives against NumPy and finite differences, in both readings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import networks
from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.optimizers import adam
from flexae_tf.methods import ae, rae
from flexae_tf.networks.layers import SpectralConv2DTranspose, SpectralDense
from tests import tiny

RANDOM = np.random.default_rng(0)
Z = RANDOM.standard_normal((4, 2)).astype(np.float32)
PROJECTION = RANDOM.standard_normal((4, 2, 2, 1)).astype(np.float32)
X = RANDOM.random((4, 2, 2, 1)).astype(np.float32)


class Drawn:
    x, projection = tf.constant(X), tf.constant(PROJECTION)


def smooth_rae(**chosen):
    """RAE of 2 x 2 images with tanh networks, whose derivatives are known."""
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    decoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, "tanh"), keras.layers.Reshape((2, 2, 1))]
    )
    return rae.Rae(
        encoder=encoder, decoder=decoder, optimizer=lambda _: adam(1e-3, 0.9, 0.999), **chosen
    )


def decoded(method, z):
    kernel, bias = (w.numpy().astype(np.float64) for w in method.decoder.weights)
    return np.tanh(z @ kernel + bias)  # [B, 4]


def central_differences(function, z, step=1e-5):
    """Derivatives [B, m] of a function [B, m] -> [B]."""
    gradient = np.zeros(z.shape)
    for j in range(z.shape[1]):
        shift = step * np.eye(z.shape[1])[j]
        gradient[:, j] = (function(z + shift) - function(z - shift)) / (2 * step)
    return gradient


def test_the_objective_is_error_norm_and_penalty():
    method = smooth_rae(latent_norm_weight=0.5, regularizer="l2", regularizer_weight=0.1)
    reported = method.regularized_error(Drawn)
    z = method.model.encode(X)
    error = ((X.reshape(4, 4) - decoded(method, z)) ** 2).sum(1).mean()
    norm = (z**2).sum(1).mean() / 2
    penalty = (method.decoder.weights[0].numpy() ** 2).sum()  # the kernel, not the bias
    assert float(reported["rae/error"]) == pytest.approx(error, rel=1e-5)
    assert float(reported["rae/latent_norm"]) == pytest.approx(norm, rel=1e-5)
    assert float(reported["rae/penalty"]) == pytest.approx(penalty, rel=1e-5)
    expected = error + 0.5 * norm + 0.1 * penalty
    assert float(reported["autoencoder"]) == pytest.approx(expected, rel=1e-5)


def test_the_gradient_penalty_is_a_projection_of_the_jacobian():
    method = smooth_rae(regularizer="gradient_penalty")
    _, penalty = method.decode_and_penalize(tf.constant(Z), Drawn)
    v = PROJECTION.reshape(4, 4)
    gradient = central_differences(lambda z: (decoded(method, z) * v).sum(1), Z.astype(np.float64))
    assert float(penalty) == pytest.approx((gradient**2).sum(1).mean(), rel=1e-4)


def test_the_projection_estimates_the_norm_of_the_jacobian():
    method = smooth_rae(regularizer="gradient_penalty")
    kernel = method.decoder.weights[0].numpy()
    slope = 1 - decoded(method, Z) ** 2  # [B, 4]
    exact = ((slope[:, None] * kernel[None]) ** 2).sum((1, 2)).mean()
    sampler = method.draw_spec["projection"]
    estimates = []
    for i in range(400):
        Drawn.projection = sampler([i, 7], 4)
        estimates.append(float(method.decode_and_penalize(tf.constant(Z), Drawn)[1]))
    Drawn.projection = tf.constant(PROJECTION)
    assert np.mean(estimates) == pytest.approx(exact, rel=0.1)


def test_the_released_gradient_penalty_is_of_the_squared_outputs():
    method = smooth_rae(regularizer="gradient_penalty", penalized_gradient="squared_outputs")
    assert "projection" not in method.draw_spec
    _, penalty = method.decode_and_penalize(tf.constant(Z), Drawn)
    gradient = central_differences(lambda z: (decoded(method, z) ** 2).sum(1), Z.astype(np.float64))
    assert float(penalty) == pytest.approx((gradient**2).mean(), rel=1e-4)


def test_the_gradient_penalty_can_be_minimized():
    method = smooth_rae(regularizer="gradient_penalty", regularizer_weight=1.0)
    with tf.GradientTape() as tape:
        loss = method.regularized_error(Drawn)["rae/penalty"]
    for gradient in tape.gradient(loss, method.decoder.trainable_variables):
        assert np.abs(gradient).max() > 0


@pytest.mark.parametrize(("released", "count"), [(False, 5), (True, 2)])
def test_which_kernels_weight_decay_covers(released, count):
    decoder = networks.Networks((8, 8, 1)).decoder(4)
    layers = keras.layers.Conv2DTranspose if released else keras.layers.Layer
    # Table 7: two dense layers, two transposed convolutions, a convolution.
    kernels = [layer.kernel.numpy() for layer in decoder.layers if hasattr(layer, "kernel")]
    chosen = kernels[2:4] if released else kernels
    assert len(chosen) == count
    expected = sum((kernel.astype(np.float64) ** 2).sum() for kernel in chosen)
    received = objectives.squared_kernels(decoder, layers)
    assert float(received) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("variant", networks.VARIANTS)
def test_spectral_normalization_is_the_decoders_and_in_the_program_the_encoders_too(variant):
    method = tiny.builder("rae", variant, regularizer="spectral_norm")()
    normalized = (SpectralDense, SpectralConv2DTranspose)
    in_decoder = [isinstance(layer, normalized) for layer in method.decoder.layers]
    in_encoder = [isinstance(layer, normalized) for layer in method.encoder.layers]
    assert any(in_decoder)
    assert any(in_encoder) == (variant == "released")


@pytest.mark.parametrize(
    ("variant", "shape", "architecture", "count"),
    [
        ("paper", (28, 28, 1), "rae", 4),
        ("released", (28, 28, 1), "rae", 3),  # without the dense layer
        ("released", (64, 64, 3), "rae", 5),
        ("released", (8, 8, 1), "flexae", 2),
    ],
)
def test_the_variant_and_the_image_say_which_kernels_are_decayed(
    variant, shape, architecture, count
):
    nets = networks.Networks(shape, variant, architecture)
    kernels = rae.settings(variant)["decayed_kernels"].derived(nets)
    assert kernels == ae.settings(variant)["decayed_kernels"].derived(nets)
    decoder = nets.decoder(2)
    method = rae.Rae(
        encoder=smooth_rae().encoder,
        decoder=decoder,
        optimizer=lambda _: adam(1e-3, 0.9, 0.999),
        regularizer="l2",
        decayed_kernels=kernels,
    )
    for layer in decoder.layers:
        if hasattr(layer, "kernel"):
            ones = np.zeros(layer.kernel.shape, np.float32)
            ones.flat[0] = 1  # each kernel counts 1
            layer.kernel.assign(ones)
    _, penalty = method.decode_and_penalize(tf.constant(Z), Drawn)
    assert float(penalty) == count


def test_default_weights_are_the_programs_times_the_pixels():
    # (beta, lambda) of the program for MNIST, 32 x 32 pixels and m = 16; lambda as printed.
    program = {"none": (5e-4, 0), "l2": (1e-4, 1e-7), "gradient_penalty": (1e-4, 0.5e-7)}
    program["spectral_norm"] = (9e-3, 0)
    gradient = {"penalized_gradient": "squared_outputs"}
    for regularizer, (beta, weight) in program.items():
        method = tiny.builder("rae", regularizer=regularizer, **gradient)()
        assert method.latent_norm_weight == pytest.approx(beta * 2 * 1024 / 16)
        assert method.regularizer_weight == pytest.approx(weight * 1024)


def test_ae_is_rae_without_the_norm_of_the_codes():
    plain = tiny.builder("ae")()
    assert (plain.latent_norm_weight, plain.regularizer) == (0, "none")
    decayed = tiny.builder("ae", weight_decay_weight=0.3)()
    assert (decayed.regularizer, decayed.regularizer_weight) == ("l2", 0.3)
    assert ae.settings("paper")["autoencoder_learning_rate"].default == 1e-3
