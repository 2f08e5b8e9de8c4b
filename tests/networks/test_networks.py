"""The choice of networks, and what all architectures have in common."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import methods
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.networks import ARCHITECTURES, Networks, parameter_count
from flexae_tf.networks.blocks import doublings
from flexae_tf.networks.layers import BatchNormalization
from flexae_tf.runs import RunDirectory
from flexae_tf.training.trainer import Trainer
from tests import tiny
from tests.network_words import layers_of

MNIST, CIFAR, CELEBA = (28, 28, 1), (32, 32, 3), (64, 64, 3)

# Trainable parameters of encoder and decoder of variant "paper" with m = 16, 64 and 64. One by
# hand, the RAE encoder of MNIST: convolutions 4*4*1*128 + 128, 4*4*128*256 + 256, 4*4*256*512 + 512
# and 4*4*512*1024 + 1024, BN 2 * (128 + 256 + 512 + 1024), dense 2*2*1024 * 16 + 16.
PARAMETERS = {
    "flexae": [(6_574_544, 6_855_617), (8_591_872, 8_878_659), (33_757_696, 34_118_211)],
    "rae": [(11_083_408, 11_445_505), (11_284_160, 14_891_267), (18_267_200, 21_606_403)],
    "infogan": [(6_574_544, 6_593_089), (8_591_872, 8_616_131), (33_757_696, 33_855_683)],
    "resnet": [(7_369_264, 338_081), (9_360_544, 4_054_627), (19_815_584, 15_988_323)],
    "wae": [(11_083_408, 11_345_153), (11_284_160, 14_760_195), (18_267_200, 21_475_331)],
    "two_stage_wae": [(17_474_320, 17_245_697), (18_267_200, 18_280_451), (21_412_928, 21_475_331)],
    "mask_aae": [(3_969_040, 3_969_808), (6_361_152, 6_364_160), (15_798_336, 15_810_560)],
    "vq_vae": [(420_560, 341_569), (634_624, 556_547), (1_421_056, 1_355_267)],
    "alae_fc": [(1_869_840, 1_870_608), (4_261_952, 4_264_960), (13_699_136, 13_711_360)],
    "alae_style": [(1_768_736, 1_187_649), (3_119_424, 2_512_579), (4_365_248, 3_759_811)],
    "pioneer": [(12_201_488, 12_226_049), (17_045_056, 17_052_675), (18_814_272, 18_821_891)],
}


def test_every_architecture_is_counted():
    assert list(PARAMETERS) == list(ARCHITECTURES)


@pytest.fixture
def empty_kernels(monkeypatch):
    """Zeros for kernels, because drawing hundreds of millions of numbers takes long."""

    def zeros(self, shape, dtype=None):
        return tf.zeros(shape, dtype)

    for name in ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal"):
        cls = getattr(keras.initializers, name)
        monkeypatch.setattr(cls, "__call__", zeros)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_and_shapes(name, number, empty_kernels):
    shape, m = [(MNIST, 16), (CIFAR, 64), (CELEBA, 64)][number]
    nets = Networks(shape, architecture=name)
    for network, inputs, outputs, count in (
        (nets.encoder(m), shape, (m,), PARAMETERS[name][number][0]),
        (nets.decoder(m), (m,), shape, PARAMETERS[name][number][1]),
    ):
        assert network.input_shape == (None, *inputs)
        assert network.output_shape == (None, *outputs)
        assert parameter_count(network) == count


@pytest.mark.parametrize(
    ("name", "variant"),
    [(name, "paper") for name in ARCHITECTURES] + [("rae", "released"), ("resnet", "released")],
)
def test_small_images(name, variant):
    shape = (8, 8, 1)
    nets = Networks(shape, variant, name)
    x = np.random.default_rng(0).random((2, *shape), np.float32)
    z = nets.encoder(6)(x, training=True)
    x_hat = nets.decoder(3)(100 * z[:, :3]).numpy()
    assert z.shape == (2, 6)
    assert x_hat.shape == x.shape
    assert x_hat.min() >= 0
    assert x_hat.max() <= 1


@pytest.mark.parametrize("shape", [(16, 16, 1), (12, 20, 3)])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_images_come_back_in_their_size(name, shape, empty_kernels):
    nets = Networks(shape, "released", name)
    assert nets.encoder(3).output_shape == (None, 3)
    assert nets.decoder(3).output_shape == (None, *shape)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_other_sizes_are_refused(name):
    nets = Networks((18, 16, 3), architecture=name)
    for build in (nets.encoder, nets.decoder):
        with pytest.raises(UserError, match=r"multiples of 4 and at least 8; received 18 x 16"):
            build(2)


def test_vectors_have_table_6_and_maskaaes():
    with pytest.raises(UserError, match=r"--networks=rae is for images.* one of flexae, mask_aae"):
        Networks((128,), architecture="rae")
    assert Networks((128,)).encoder(2).output_shape == (None, 2)
    nets = Networks((128,), architecture="mask_aae")
    hidden = ", ".join(["FC 128, ReLU"] * 4)
    assert layers_of(nets.encoder(2)) == f"{hidden}, FC 2"
    assert layers_of(nets.decoder(2)) == f"{hidden}, FC 128, tanh"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_spectral_norm_takes_every_kernel(name, empty_kernels):
    nets = Networks((8, 8, 1), architecture=name)
    for build in (nets.encoder, nets.decoder):
        plain, normalized = (layers_of(build(2, spectral_norm=chosen)) for chosen in (False, True))
        assert normalized.replace("SN ", "") == plain.replace("SN ", "")
        kernels = sum(normalized.count(kind) for kind in ("FC ", "Conv "))
        assert kernels == normalized.count("SN ") > 0
        unasked = name in ("infogan", "pioneer") and build == nets.encoder
        assert ("SN " in plain) == unasked


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_batch_normalization_is_the_fused_one(name, empty_kernels):
    nets = Networks((8, 8, 1), architecture=name)
    for network in (nets.encoder(2), nets.decoder(2)):
        for layer in network._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                assert type(layer) is BatchNormalization
                assert layer.epsilon == (1e-3 if name in ("flexae", "rae") else 1e-5)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "alae_style"])
def test_width_multiplier_takes_every_hidden_layer(name, empty_kernels):
    published, narrow = (
        Networks((16, 16, 1), architecture=name, width_multiplier=w) for w in (1, 0.25)
    )
    # What a network ends in is no hidden layer, and neither is VQ-VAE's grid of codes, which is
    # before the last layer of its encoder and the first of its decoder.
    grid = {"vq_vae": (-2, 0)}.get(name, (-1, -1))
    for build, place in zip(("encoder", "decoder"), grid, strict=True):
        sizes, narrower = (_sizes(getattr(nets, build)(6)) for nets in (published, narrow))
        expected = [n // 4 for n in sizes]
        expected[-1], expected[place] = sizes[-1], sizes[place]
        assert narrower == expected


def test_width_multiplier_of_style_based_networks():
    nets = Networks((16, 16, 1), architecture="alae_style", width_multiplier=0.25)
    assert [n for n in _sizes(nets.encoder(6)) if n != 6] == [16, 16, 32, 32, 64, 64, 64]
    synthesis = nets.decoder(6).get_layer("synthesis")
    assert sorted(_sizes(synthesis)) == [1, *[16] * 2, *[32] * 4, *[64] * 3, *[128] * 2]


def test_width_multiplier_of_generator_and_critics():
    nets = Networks((8, 8, 1), width_multiplier=0.0625)
    assert layers_of(nets.generator(3, 4, depth=1, width=128)) == "FC 8, ReLU, FC 4"
    assert _sizes(nets.generator(3, 4)) == [64] * 4 + [4]
    assert _sizes(nets.latent_critic(4)) == [64] * 4 + [1]
    assert _sizes(nets.image_critic()) == [4, 8, 64, 1]
    assert Networks((8, 8, 1), width_multiplier=1e-6).scaled(1024) == 1


@pytest.mark.parametrize("multiplier", [0.0, -1.0, float("nan"), float("inf")])
def test_width_multiplier_is_a_number_above_0(multiplier):
    with pytest.raises(UserError, match=r"--width_multiplier must be a number above 0"):
        Networks((8, 8, 1), width_multiplier=multiplier)


def _sizes(network):
    """Units and filters of a network's linear layers, from the input on."""
    linear = [layer for layer in network.layers if hasattr(layer, "kernel_size")]
    linear += [layer for layer in network.layers if hasattr(layer, "units")]
    in_order = sorted(linear, key=network.layers.index)
    return [getattr(layer, "filters", None) or layer.units for layer in in_order]


def test_doublings():
    assert doublings((28, 28, 1), most=3) == 2
    assert doublings((64, 64, 3), most=3) == 3
    assert doublings((64, 64, 3), most=16, smallest=2) == 5
    assert doublings((8, 20, 3), most=16, smallest=2) == 2
    assert doublings((12, 12, 3), most=16, smallest=4) == 1


@pytest.fixture
def eager():
    """Tracing would take longer than the two iterations."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def _every_method():
    fast = {
        ("infogan", "flexae_sr"),
        ("resnet", "wae_gan"),
        ("rae", "vae"),
        ("wae", "vae"),
        ("two_stage_wae", "vae"),
    }
    for name in ARCHITECTURES:
        for method in ("flexae_sr", "vae", "wae_gan"):
            marks = () if (name, method) in fast else (pytest.mark.slow,)
            yield pytest.param(name, method, marks=marks)


@pytest.mark.parametrize(("name", "method"), _every_method())
def test_trains_with_every_method(name, method, eager):
    built = methods.find(method).build(Networks((8, 8, 1), "paper", name), tiny.settings(method))
    images = tf.constant(tiny.dataset().train[:32] / 255, tf.float32)
    for iteration in range(2):
        key = draws.key(0, draws.TRAINING, iteration)
        drawn = draws.minibatches(built.draw_spec, key, built.minibatches, 4, len(images))
        rows = [n for n, sampler in built.draw_spec.items() if sampler is draws.IMAGES]
        reported = built.step(
            tuple(d._replace(**{n: tf.gather(images, getattr(d, n)) for n in rows}) for d in drawn)
        )
        assert all(np.isfinite(reported[player]) for player in built.players)
    samples = built.model.sample(3)
    assert samples.shape == (3, 8, 8, 1)
    assert np.isfinite(samples).all()


def _infogan_trainer(run=None, **chosen):
    nets = Networks((8, 8, 1), architecture="infogan")
    return Trainer(
        lambda: methods.find("vae").build(nets, tiny.settings("vae")),
        tiny.dataset(),
        tiny.options(**chosen),
        run,
    )


@pytest.mark.slow
def test_spectral_norms_resume_bit_identically(tmp_path):
    uninterrupted = _infogan_trainer(training_steps=4, picture_every_steps=1)
    uninterrupted.train()
    run = RunDirectory(tmp_path)
    run.create()
    _infogan_trainer(run, training_steps=2).train()
    resumed = _infogan_trainer(run, training_steps=4)
    resumed.resume()
    resumed.train()
    tiny.assert_equal_weights(resumed.method, uninterrupted.method)


def test_statistics_leave_spectral_norms_alone():
    trainer = _infogan_trainer()
    norms = [w for w in trainer.method.networks["encoder"].weights if w.path.endswith("/u")]
    before = [u.numpy() for u in norms]
    assert len(before) == 4
    trainer.statistics.update()
    for u, value in zip(norms, before, strict=True):
        np.testing.assert_array_equal(u, value)
