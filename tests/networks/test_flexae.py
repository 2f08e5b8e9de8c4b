"""The networks of Tables 6, 7 and 8: layers, initial weights, sizes."""

import keras
import numpy as np
import pytest

from flexae_tf.errors import UserError
from flexae_tf.networks import VARIANTS, default_latent_dim, parameter_count
from flexae_tf.networks import flexae as networks
from tests.network_words import initializers_of, layers_of

MNIST, CIFAR, CELEBA = (28, 28, 1), (32, 32, 3), (64, 64, 3)

# (variant, shape): m and the trainable parameters of encoder, decoder, generator, latent critic and
# image critic.
PARAMETERS = {
    ("paper", MNIST): (20, 6_578_644, 6_859_713, 3_190_804, 3_171_329, 6_556_865),
    ("paper", CIFAR): (64, 8_591_872, 8_878_659, 3_280_960, 3_216_385, 8_524_993),
    ("paper", CELEBA): (64, 33_757_696, 34_118_211, 3_280_960, 3_216_385, 33_690_817),
    ("released", MNIST): (32, 6_590_944, 6_871_553, 3_215_392, 3_183_617, 6_556_865),
    ("released", CIFAR): (128, 8_657_472, 8_942_851, 3_412_096, 3_281_921, 8_524_993),
}

PRIOR_TRUNK = "FC 1024, ReLU, FC 1024, ReLU, FC 1024, ReLU, FC 1024, ReLU, "


def build(shape, m, variant="paper"):
    """Yields the five networks one by one, so that never two large ones are in memory."""
    yield networks.encoder(shape, m, variant)
    yield networks.decoder(shape, m, variant)
    yield networks.generator(shape, m, m, variant)
    yield networks.latent_critic(shape, m, variant)
    yield networks.image_critic(shape, variant)


@pytest.mark.parametrize(("variant", "shape"), PARAMETERS)
def test_trainable_parameters(variant, shape):
    m, *counts = PARAMETERS[variant, shape]
    assert default_latent_dim("any", shape, variant) == m
    assert [parameter_count(n) for n in build(shape, m, variant)] == counts


def test_parameter_count_leaves_moving_statistics_out():
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(5), keras.layers.BatchNormalization()]
    )
    assert parameter_count(network) == 3 * 5 + 5 + 2 * 5


def test_layers_of_table_7():
    assert layers_of(networks.encoder(MNIST, 20)) == (
        "Conv 64/4/2, ReLU, Conv 128/4/2, BN, ReLU, Flatten, FC 1024, BN, ReLU, FC 20"
    )
    assert layers_of(networks.decoder(MNIST, 20)) == (
        f"FC 1024, BN, ReLU, FC {7 * 7 * 128}, BN, ReLU, Reshape, "
        "TConv 128/4/2, BN, ReLU, TConv 64/4/2, BN, ELU, Conv 1/4/1, sigmoid"
    )


def test_the_released_decoder_ends_otherwise():
    paper, released = (layers_of(networks.decoder(MNIST, 20, v)) for v in VARIANTS)
    assert released == paper.replace("ELU", "ReLU").replace("Conv 1/4/1", "Conv 1/3/1")
    paper, released = (layers_of(networks.encoder(MNIST, 20, v)) for v in VARIANTS)
    assert released == paper


@pytest.mark.parametrize("variant", VARIANTS)
def test_layers_of_table_8(variant):
    shape = (8, 8, 1)
    assert layers_of(networks.generator(shape, 6, 20, variant)) == PRIOR_TRUNK + "FC 20"
    assert layers_of(networks.latent_critic(shape, 20, variant)) == PRIOR_TRUNK + "FC 1"
    assert layers_of(networks.image_critic(shape, variant)) == (
        "Conv 64/4/2, ReLU, Conv 128/4/2, ReLU, Flatten, FC 1024, ReLU, FC 1"
    )


def test_the_capacity_of_the_generator_can_be_chosen():
    deep = networks.generator((8, 8, 1), 6, 20, depth=2, width=16)
    assert layers_of(deep) == "FC 16, ReLU, FC 16, ReLU, FC 20"
    assert layers_of(networks.generator((128,), 6, 2, depth=0)) == "FC 2"


def test_layers_of_table_6():
    shape = (128,)
    assert layers_of(networks.encoder(shape, 2)) == "FC 128, ReLU, FC 2"
    assert layers_of(networks.decoder(shape, 2)) == "FC 128, tanh"
    assert layers_of(networks.generator(shape, 5, 2)) == "FC 128, ReLU, FC 2"
    assert layers_of(networks.latent_critic(shape, 2)) == "FC 128, ReLU, FC 128, ReLU, FC 1"
    assert layers_of(networks.image_critic(shape)) == "FC 128, ReLU, FC 128, ReLU, FC 1"


def test_latent_dimensions_of_the_synthetic_sets():
    for variant in VARIANTS:
        assert default_latent_dim("synthetic2d", (128,), variant) == 2
        assert default_latent_dim("synthetic5d", (128,), variant) == 50


def test_batch_normalization_constants_are_those_of_the_released_program():
    norms = [
        layer
        for network in (networks.encoder((8, 8, 1), 2), networks.decoder((8, 8, 1), 2))
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 6
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.99, 1e-3)}


def test_initializers():
    shape, uniform, normal = (8, 8, 1), "GlorotUniform", "GlorotNormal"
    for network in build(shape, 2, "paper"):
        assert set(initializers_of(network)) == {uniform}
    encoder, decoder, generator, latent_critic, image_critic = build(shape, 2, "released")
    assert set(initializers_of(encoder)) == {uniform}
    assert initializers_of(decoder) == [normal] * 4 + [uniform]
    assert set(initializers_of(generator)) == {normal}
    assert set(initializers_of(latent_critic)) == {normal}
    assert set(initializers_of(image_critic)) == {uniform}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(16, 16, 1), (24, 24, 3), (8, 20, 2), (128,)])
def test_outputs(shape, variant):
    m, noise_dim = 3, 5
    random = np.random.default_rng(0)
    x = random.random((2, *shape), np.float32)
    n = random.standard_normal((2, noise_dim)).astype(np.float32)
    z = networks.encoder(shape, m, variant)(x)
    x_hat = networks.decoder(shape, m, variant)(z).numpy()
    z_hat = networks.generator(shape, noise_dim, m, variant)(n)
    assert z.shape == z_hat.shape == (2, m)
    assert x_hat.shape == x.shape
    assert x_hat.dtype == np.float32
    lowest = 0 if len(shape) == 3 else -1
    assert (lowest < x_hat).all()
    assert (x_hat < 1).all()
    assert networks.latent_critic(shape, m, variant)(z).shape == (2, 1)
    assert networks.image_critic(shape, variant)(x_hat).shape == (2, 1)


@pytest.mark.parametrize("shape", [(4, 8, 1), (8, 4, 1), (18, 16, 3), (16, 30, 1)])
def test_other_sizes_are_refused(shape):
    message = f"multiples of 4 and at least 8; received {shape[0]} x {shape[1]}.*--image_size"
    with pytest.raises(UserError, match=message):
        networks.encoder(shape, 2)
    with pytest.raises(UserError, match=message):
        networks.decoder(shape, 2)
    with pytest.raises(UserError, match=message):
        networks.image_critic(shape)
