"""Averages of weights: their sequence, and that what is measured has them and training does not."""

import functools
import shutil
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import runs, settings
from flexae_tf.errors import UserError
from flexae_tf.networks.layers import SpectralDense
from flexae_tf.runs import RunDirectory
from flexae_tf.serving.export import export
from flexae_tf.training.averages import Averages
from flexae_tf.training.trainer import Trainer
from tests import tiny
from tests.test_runs import parsed

HALF_LIFE = 16.0  # two iterations of eight images
FLAGS = (
    "--method=ae",
    "--networks=infogan",
    "--latent_dim=4",
    "--batch_size=8",
    "--training_steps=3",
    "--checkpoint_every_steps=1",
    "--test_images=20",
    "--strategy=one_device",
)


def toy():
    """A method of one network: a dense layer and one with spectral normalization."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), SpectralDense(3)])
    return types.SimpleNamespace(networks={"toy": network}), network


def test_a_sequence_worked_out_by_hand():
    """With a half-life of an iteration: 4, (4 + 2 * 1) / 3 = 2, (4 + 2 * 1 + 4 * 9) / 7 = 6."""
    method, network = toy()
    kernel, u = network.layers[0].kernel, network.layers[1].u
    averages = Averages(method, 8.0, 8)
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    step = tf.function(lambda t: averages.update(strategy, t), autograph=False)
    for t, (weight, expected) in enumerate(((4.0, 4.0), (1.0, 2.0), (9.0, 6.0)), 1):
        kernel.assign([[weight], [-weight]])
        u.assign([[0.0], [0.6], [0.8 * (-1) ** t]])
        step(tf.constant(t))
        received = averages.state["toy"][0].numpy()
        np.testing.assert_allclose(received, [[expected], [-expected]], rtol=1e-6)
    with averages.measured():
        np.testing.assert_array_equal(kernel, received)
        np.testing.assert_array_equal(u, np.float32([[0], [0.6], [-0.8]]))  # the last, no mean
    np.testing.assert_array_equal(kernel, [[9.0], [-9.0]])


def test_weights_of_a_half_life_ago_count_half():
    method, network = toy()
    kernel = network.layers[0].kernel
    averages = Averages(method, 40.0, 8)
    for t in range(1, 12):
        kernel.assign([[float(t == 6)], [float(t == 11)]])  # the one 40 images after the other
        averages.update(tf.distribute.get_strategy(), tf.constant(t))
    earlier, later = averages.state["toy"][0].numpy()[:, 0]
    np.testing.assert_allclose(earlier, later / 2, rtol=1e-6)
    np.testing.assert_allclose(later, 1 / np.sum(0.5 ** (np.arange(11) / 5)), rtol=1e-6)


def adopted(path, *flags):
    """The values of FLAGS and others, and the run directory that has them."""
    values = parsed(*FLAGS, *flags)
    run = RunDirectory(path)
    run.create()
    run.adopt(settings.resolved((8, 8, 1), values), settings.FREE, tiny.dataset())
    return values, run


def train(path, *flags):
    """(trainer, path) of a run, trained or trained on."""
    values, run = adopted(path, *flags)
    build = functools.partial(settings.build_method, (8, 8, 1), values)
    trainer = Trainer(build, tiny.dataset(), settings.trainer_options(values), run)
    trainer.resume()
    trainer.train()
    return trainer, path


def statistics(networks):
    return [w.numpy() for network in networks for w in network.non_trainable_weights]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return train(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def averaged(tmp_path_factory):
    """The same with averages."""
    return train(tmp_path_factory.mktemp("averaged"), f"--ema_half_life_images={HALF_LIFE}")


def variables(path):
    return {name for name, _ in tf.train.list_variables(str(path / "checkpoints" / "ckpt-3"))}


def test_training_and_checkpoints_are_those_of_a_run_without(plain, averaged):
    tiny.assert_equal_weights(averaged[0].method, plain[0].method)
    without, more = variables(plain[1]), variables(averaged[1])
    assert without < more
    assert {name.split("/")[0] for name in more - without} == {"averages"}
    assert not any(name.startswith("averages") for name in without)


def test_a_run_is_measured_with_the_averages_of_its_iterations(averaged):
    """By the weights after every iteration, which the checkpoints have."""
    trainer, path = averaged
    share = 0.5 ** (np.arange(2, -1, -1) / 2)
    expected = {}
    for part, iteration in zip(share / share.sum(), (1, 2, 3), strict=True):
        for name, network in runs.load_method(path, iteration).networks.items():
            weights = [part * w.numpy() for w in network.trainable_weights]
            before = expected.get(name, [0] * len(weights))
            expected[name] = [a + b for a, b in zip(before, weights, strict=True)]
    loaded = runs.load(path)
    for name, network in loaded.networks.items():
        for received, average in zip(network.trainable_weights, expected[name], strict=True):
            np.testing.assert_allclose(received, average, rtol=1e-5, atol=1e-7)
    x = tiny.dataset().test
    with trainer.statistics.measured():
        measured = trainer.model.reconstruct(x)
    np.testing.assert_array_equal(loaded.model.reconstruct(x), measured)
    raw = runs.load(path, averaged=False).model.reconstruct(x)
    trainer.statistics.update()
    np.testing.assert_array_equal(raw, trainer.model.reconstruct(x))
    assert np.abs(raw - measured).max() > 1e-4
    exported = tf.saved_model.load(str(export(loaded)))
    answer = exported.signatures["reconstruct"](images=tf.constant(x / np.float32(255)))
    np.testing.assert_allclose(answer["images"], measured, atol=1e-5)


def test_statistics_are_taken_at_the_averages(averaged):
    trainer, path = averaged
    saved = statistics(runs.load(path).networks.values())
    of_weights = statistics(runs.load(path, averaged=False).networks.values())
    assert any((a != b).any() for a, b in zip(saved, of_weights, strict=True))
    with trainer.statistics.disturbed():
        trainer.model.encode_batch(tf.ones((2, 8, 8, 1)), training=True)
    with trainer.statistics.measured():
        again = statistics(trainer.method.networks.values())
    for received, expected in zip(again, saved, strict=True):
        np.testing.assert_array_equal(received, expected)


def test_averages_resume_bit_identically(averaged, tmp_path):
    trainer, path = averaged
    _, run = adopted(tmp_path, f"--ema_half_life_images={HALF_LIFE}")
    for file in path.glob("checkpoints/ckpt-1.*"):
        shutil.copy(file, run.checkpoints)
    resumed, _ = train(tmp_path, f"--ema_half_life_images={HALF_LIFE}")
    tiny.assert_equal_weights(resumed.method, trainer.method)
    for name, averages in trainer.averages.state.items():
        for received, expected in zip(resumed.averages.state[name], averages, strict=True):
            np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("given", ["0", "8"])
def test_a_run_keeps_to_its_half_life(averaged, given):
    message = rf"--ema_half_life_images=16.0 there, {given}.0 now"
    with pytest.raises(UserError, match=message):
        adopted(averaged[1], f"--ema_half_life_images={given}")


def test_a_run_from_before_the_flag_has_none(plain):
    _, path = plain
    lines = (path / "flags.cfg").read_text().splitlines(keepends=True)
    older = [line for line in lines if "ema_half_life" not in line]
    assert len(older) == len(lines) - 1
    (path / "flags.cfg").write_text("".join(older))
    with pytest.raises(UserError, match=r"--ema_half_life_images=0.0 there, 8.0 now"):
        adopted(path, "--ema_half_life_images=8")
    assert runs.load(path).settings["ema_half_life_images"] == 0
    adopted(path)


@pytest.mark.parametrize("wrong", [-1.0, float("inf"), float("nan")])
def test_a_half_life_out_of_range_is_refused(wrong):
    with pytest.raises(UserError, match="--ema_half_life_images must be a finite number"):
        tiny.options(ema_half_life_images=wrong)


def test_replicas_have_the_same_averages():
    """In a process of its own, whose processor stands for two devices."""
    code = """
import numpy as np, tensorflow as tf
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
from tests.training.test_averages import Averages, toy
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    method, network = toy()
    kernel = network.layers[0].kernel
    averages = Averages(method, 8.0, 8)
step = tf.function(lambda t: averages.update(strategy, t), autograph=False)
for t, weight in ((1, 8.0), (2, 2.0)):
    kernel.assign([[weight], [-weight]])
    step(tf.constant(t))
def copies(variable):
    return [copy.numpy().round(5).tolist() for copy in variable.values]
assert copies(averages.state["toy"][0]) == [[[4.0], [-4.0]]] * 2
with averages.measured():
    assert copies(kernel.value) == [[[4.0], [-4.0]]] * 2
assert copies(kernel.value) == [[[2.0], [-2.0]]] * 2
"""
    subprocess.run([sys.executable, "-c", code], check=True)
