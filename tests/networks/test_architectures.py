"""The layers and the initial weights of the networks of the other papers."""

import keras
import numpy as np
import pytest

from flexae_tf.algorithm.likelihoods import DEVIATIONS
from flexae_tf.networks import (
    ARCHITECTURES,
    SIGMAS,
    VARIANTS,
    infogan,
    mask_aae,
    pioneer,
    rae,
    resnet,
    two_stage_wae,
    vq_vae,
    wae,
)
from tests.network_words import initializers_of, layers_of

MNIST, SMALL, LARGE = (28, 28, 1), (8, 8, 1), (64, 64, 3)


def convolutions(kernel, strides=(2, 2, 2, 2)):
    filters = (128, 256, 512, 1024)
    return ", ".join(
        f"Conv {n}/{kernel}/{stride}, BN, ReLU" for n, stride in zip(filters, strides, strict=True)
    )


def test_every_architecture_says_how_sigma_is_made():
    assert list(SIGMAS) == list(ARCHITECTURES)
    assert set(SIGMAS.values()) <= DEVIATIONS.keys()


@pytest.mark.parametrize("variant", VARIANTS)
def test_rae_encoder(variant):
    assert layers_of(rae.encoder(SMALL, 16, variant)) == (
        f"Rescaling, {convolutions(4)}, Flatten, FC 16"
    )
    assert layers_of(rae.encoder(LARGE, 128, variant)) == f"{convolutions(5)}, Flatten, FC 128"


def test_rae_decoder():
    trunk = "TConv 512/4/2, BN, ReLU, TConv 256/4/2, BN, ReLU, TConv 1/4/1, sigmoid"
    dense = f"FC {7 * 7 * 1024}"
    assert layers_of(rae.decoder(MNIST, 16)) == f"{dense}, BN, ReLU, Reshape, {trunk}"
    assert layers_of(rae.decoder(MNIST, 16, "released")) == f"{dense}, Reshape, {trunk}"
    assert layers_of(rae.decoder(LARGE, 64, "released")) == (
        f"FC {8 * 8 * 1024}, Reshape, TConv 512/5/2, BN, ReLU, TConv 256/5/2, BN, ReLU, "
        "TConv 128/5/2, BN, ReLU, TConv 3/5/1, sigmoid"
    )


def test_rescaling_is_to_minus_one_to_one():
    rescaling = rae.encoder(SMALL, 2).layers[0]
    np.testing.assert_allclose(rescaling(np.array([0.0, 0.25, 1.0])), [-1, -0.5, 1])


def test_mask_aae():
    hidden = ", ".join(["FC 1024, ReLU"] * 4)
    encoder, decoder = mask_aae.encoder(MNIST, 48), mask_aae.decoder(MNIST, 48)
    assert layers_of(encoder) == f"Flatten, {hidden}, FC 48"
    assert layers_of(decoder) == f"{hidden}, FC 784, sigmoid, Reshape"
    for network in (encoder, decoder):
        assert set(initializers_of(network)) == {"GlorotNormal"}
        # Of Glorot's uniform distribution over one number to one: sqrt(6 / 2048).
        bias = np.asarray(network.layers[1].bias)
        assert 0.05 < np.abs(bias).max() < 0.0542


def test_vq_vae():
    """Layers in the order of their making, so additions are after what they add."""
    block = "ReLU, Conv 32/3/1, ReLU, Conv 128/1/1, Add"
    stack = f"{block}, {block}, ReLU"
    convolutions = "Conv 64/4/2, ReLU, Conv 128/4/2, ReLU, Conv 128/3/1"
    encoder = f"Rescaling, {convolutions}, {stack}, Conv 64/1/1"
    assert layers_of(vq_vae.grid_encoder(SMALL)) == encoder
    assert layers_of(vq_vae.encoder(SMALL, 8)) == f"{encoder}, Flatten, FC 8"
    decoder = f"Conv 128/3/1, {stack}, TConv 64/4/2, ReLU, TConv 1/4/2, ClipToUnit"
    assert layers_of(vq_vae.grid_decoder(SMALL)) == decoder
    assert layers_of(vq_vae.decoder(SMALL, 8)) == f"FC {2 * 2 * 64}, Reshape, {decoder}"
    rescaling = vq_vae.grid_encoder(SMALL).layers[1]
    np.testing.assert_allclose(rescaling(np.array([0.0, 1.0])), [-0.5, 0.5])
    for shape, side in ((MNIST, 7), ((32, 32, 3), 8), (LARGE, 16)):
        assert vq_vae.grid_encoder(shape, 10).output_shape == (None, side, side, 10)
        assert vq_vae.grid_decoder(shape, 10).output_shape == (None, *shape)


def test_pioneer():
    convolution = "SN Conv {}/3/1, LeakyReLU"
    pairs = [(8, 16), (16, 16), (16, 16), (16, 16)]  # from 64 x 64 down
    down = ", ".join(
        f"{convolution.format(a)}, {convolution.format(b)}, AveragePooling2D" for a, b in pairs
    )
    encoder = pioneer.encoder(LARGE, 5, width_multiplier=1 / 32)
    assert layers_of(encoder) == (
        f"Rescaling, Conv 8/1/1, {down}, {convolution.format(16)}, Flatten, SN FC 5, LeakyReLU"
    )
    normalized = "PixelNorm, LeakyReLU"
    up = ", ".join(
        f"UpSampling2D, Conv {n}/3/1, {normalized}, Conv {n}/3/1, {normalized}"
        for n in (16, 16, 16, 8)
    )
    decoder = pioneer.decoder(LARGE, 5, width_multiplier=1 / 32)
    assert layers_of(decoder) == (
        f"FC {4 * 4 * 16}, Reshape, {normalized}, Conv 16/3/1, {normalized}, {up}, "
        "Conv 3/1/1, Rescaling, ClipToUnit"
    )
    leaky = [x for n in (encoder, decoder) for x in n.layers if "leaky" in x.name]
    assert {x.negative_slope for x in leaky} == {0.2}
    np.testing.assert_allclose(encoder.layers[1](np.array([0.0, 1.0])), [-1, 1])


def test_wae():
    assert layers_of(wae.encoder(SMALL, 8)) == f"{convolutions(4)}, Flatten, FC 8"
    assert layers_of(wae.encoder(LARGE, 64)) == f"Rescaling, {convolutions(5)}, Flatten, FC 64"
    assert layers_of(wae.decoder(SMALL, 8)) == (
        "FC 4096, ReLU, Reshape, TConv 512/4/2, BN, ReLU, TConv 256/4/2, BN, ReLU, "
        "TConv 1/4/1, sigmoid"
    )
    normal = ["RandomNormal"]
    assert initializers_of(wae.encoder(SMALL, 8)) == ["TruncatedNormal"] * 4 + normal
    assert initializers_of(wae.decoder(SMALL, 8)) == normal * 4
    assert np.std(wae.decoder(SMALL, 8).layers[0].kernel) == pytest.approx(0.01, rel=0.02)


def test_two_stage_wae():
    encoder = f"{convolutions(5, (1, 2, 2, 2))}, Flatten, FC 128"
    assert layers_of(two_stage_wae.encoder(SMALL, 128)) == encoder
    assert layers_of(two_stage_wae.decoder(SMALL, 64)) == (
        "FC 1024, ReLU, Reshape, TConv 512/5/2, BN, ReLU, TConv 256/5/2, BN, ReLU, "
        "TConv 128/5/2, BN, ReLU, TConv 1/5/1, sigmoid"
    )
    assert set(initializers_of(two_stage_wae.encoder(SMALL, 2))) == {"GlorotUniform"}


def test_infogan():
    encoder, decoder = infogan.encoder(SMALL, 128), infogan.decoder(SMALL, 64)
    assert layers_of(encoder) == (
        "SN Conv 64/4/2, LeakyReLU, SN Conv 128/4/2, BN, LeakyReLU, Flatten, SN FC 1024, BN, "
        "LeakyReLU, SN FC 128"
    )
    assert layers_of(decoder) == (
        f"FC 1024, BN, ReLU, FC {2 * 2 * 128}, BN, ReLU, Reshape, TConv 64/4/2, BN, ReLU, "
        "TConv 1/4/2, sigmoid"
    )
    slopes = {x.negative_slope for x in encoder.layers if isinstance(x, keras.layers.LeakyReLU)}
    assert slopes == {0.2}
    assert initializers_of(encoder) == ["TruncatedNormal"] * 2 + ["RandomNormal"] * 2
    assert initializers_of(decoder) == ["RandomNormal"] * 4
    assert np.std(decoder.layers[3].kernel) == pytest.approx(0.02, rel=0.02)


def residual(channels):
    """In the order in which Keras lists the layers of the two paths."""
    conv = f"Conv {channels}/3/1"
    return f"BN, ReLU, {conv}, BN, ReLU, {conv}, {conv}, Add"


def test_resnet_encoder():
    scales = [f"Conv 32/3/1, {residual(32)}"]
    scales += [f"Conv {n}/3/2, {residual(n)}" for n in (64, 128, 256)]
    dense = "ReLU, FC 512, ReLU, FC 512, FC 512, Add, FC 128"
    three, four = ", ".join(scales[:3]), ", ".join(scales)
    assert layers_of(resnet.encoder(MNIST, 128)) == f"{three}, Flatten, {dense}"
    assert layers_of(resnet.encoder(LARGE, 128)) == f"{four}, Flatten, {dense}"
    assert layers_of(resnet.encoder(LARGE, 128, "released")) == f"{four}, Average, {dense}"


def test_resnet_decoder():
    def ups(*channels):
        return ", ".join(f"TConv {n}/3/2, {residual(n)}" for n in channels)

    assert layers_of(resnet.decoder((16, 16, 1), 64)) == (
        f"FC {2 * 2 * 256}, Reshape, {ups(128, 64, 32)}, Conv 1/3/1, sigmoid"
    )
    assert layers_of(resnet.decoder(MNIST, 64, "released")) == (
        f"FC {7 * 7 * 64}, Reshape, {ups(32, 16)}, Conv 1/3/1, sigmoid"
    )
    assert layers_of(resnet.decoder(LARGE, 64, "released")) == (
        f"FC {2 * 2 * 1024}, Reshape, {ups(512, 256, 128, 64, 32)}, Conv 3/3/1, sigmoid"
    )
