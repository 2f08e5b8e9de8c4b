"""Every player scales its own loss, and leaves out the steps whose gradients are not finite."""

import subprocess
import sys

import numpy as np
import pytest

from flexae_tf.networks.precision import networks_in
from tests.algorithm.test_method import minibatch, toy_flexae


def toy(precision="mixed_float16"):
    with networks_in(precision):
        return toy_flexae()


def values(player):
    return [variable.numpy() for variable in player.variables]


def played(method):
    """An update of both critics, whose hidden layers are in the lower precision."""
    return method.update(method.criticize, minibatch(method.draw_spec))


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_only_float16_has_loss_scales(precision):
    method = toy(precision)
    assert {player.loss_scale for player in method.players.values()} == {None}
    assert not any(name.startswith("loss_scale") for name in played(method))


def test_an_overflow_leaves_out_the_step_of_its_player_only_and_halves_its_scale():
    method = toy()
    good, bad = method.players["image_critic"], method.players["latent_critic"]
    good.loss_scale.dynamic_scale.assign(64.0)
    bad.loss_scale.dynamic_scale.assign(2.0**40)
    bad.loss_scale.step_counter.assign(7)
    before = values(good), values(bad)
    reported = played(method)
    for expected, received in zip(before[1], values(bad), strict=True):
        np.testing.assert_array_equal(received, expected)
    assert int(bad.optimizer.iterations) == 0
    assert float(bad.loss_scale.dynamic_scale) == 2.0**39
    assert int(bad.loss_scale.step_counter) == 0
    assert np.isfinite(reported["latent_critic"])
    assert not np.isfinite(reported["gradient_norm/latent_critic"])
    assert float(reported["loss_scale/latent_critic"]) == 2.0**40
    assert any(not np.array_equal(*pair) for pair in zip(before[0], values(good), strict=True))
    assert int(good.optimizer.iterations) == 1
    assert float(good.loss_scale.dynamic_scale) == 64.0
    assert int(good.loss_scale.step_counter) == 1


def test_the_scale_doubles_after_enough_good_steps():
    method = toy()
    scale = method.players["image_critic"].loss_scale
    scale.dynamic_scale.assign(4.0)
    scale.dynamic_growth_steps = 3
    found = []
    for _ in range(4):
        played(method)
        found.append(float(scale.dynamic_scale))
    assert found == [4, 4, 8, 8]


def test_the_scale_shows_in_no_step_and_no_norm():
    methods = [toy(), toy()]
    for method, scale in zip(methods, (1.0, 128.0), strict=True):
        for player in method.players.values():
            player.loss_scale.dynamic_scale.assign(scale)
    reported = [played(method) for method in methods]
    for name in ("latent_critic", "image_critic"):
        player = methods[0].players[name]
        for expected, received in zip(
            values(player), values(methods[1].players[name]), strict=True
        ):
            np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-5)
        norms = [float(r[f"gradient_norm/{name}"]) for r in reported]
        assert norms[1] == pytest.approx(norms[0], rel=1e-3)


_TWO_REPLICAS = """
import keras, tensorflow as tf
from flexae_tf.algorithm.loss_scale import LossScale

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    variable = keras.Variable([1.0])
    scale = LossScale(keras.optimizers.SGD(1.0), initial_scale=8.0)
    scale.build([variable])

@tf.function
def step(overflowing):
    def replica():
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        scale.apply([tf.where(number == overflowing, float("inf"), tf.constant([8.0]))], [variable])
    strategy.run(replica)

for overflowing in (-1, 0, 1):
    step(tf.constant(overflowing))
    replicas = [float(v[0]) for v in strategy.experimental_local_results(variable.value)]
    print(*replicas, *(float(v.numpy()) for v in (scale.dynamic_scale, scale.iterations)))
"""


def test_replicas_leave_out_a_step_together():
    """A gradient of 1 on each of two replicas: a step of 2, then one overflow on each."""
    command = [sys.executable, "-c", _TWO_REPLICAS]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == ["-1.0 -1.0 8.0 1.0", "-1.0 -1.0 4.0 1.0", "-1.0 -1.0 2.0 1.0"]
