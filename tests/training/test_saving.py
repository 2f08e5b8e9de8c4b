"""Only what is finite is saved."""

import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.runs import RunDirectory
from flexae_tf.training import checkpoints, workers
from flexae_tf.training.saving import LossCheck, Saving, all_finite, checkpoint_of
from tests import tiny
from tests.algorithm.test_method import toy_flexae

NAN, INFINITE = tf.constant(float("nan")), tf.constant(float("inf"))


@pytest.fixture
def run(tmp_path):
    directory = RunDirectory(tmp_path)
    directory.create()
    return directory


@pytest.fixture
def counter():
    return tf.Variable(3, dtype=tf.int64)


def alone():
    return workers.Agreement(tf.distribute.get_strategy())


def spoil(network):
    """Makes a weight of a network not finite."""
    weight = network.trainable_variables[0]
    weight.assign(tf.fill(weight.shape, float("nan")))


def test_a_checkpoint_holds_networks_optimizers_and_the_iteration(run, counter):
    method = toy_flexae()
    expected = tiny.weights(method)
    assert any(name.startswith("smoothing optimizer/") for name in expected)
    Saving(method, counter, run, tiny.options(), alone(), {}).save()
    for network in method.networks.values():
        spoil(network)
    for player in method.players.values():
        player.optimizer.iterations.assign(99)
    restored = tf.Variable(0, dtype=tf.int64)
    checkpoints.restore(checkpoint_of(method, restored), run.checkpoints / "ckpt-3")
    assert int(restored) == 3
    received = tiny.weights(method)
    assert received.keys() == expected.keys()
    assert all((received[name] == value).all() for name, value in expected.items())


def test_a_weight_that_is_not_finite_is_never_saved(run, counter):
    method = toy_flexae()
    saving = Saving(method, counter, run, tiny.options(), alone(), {})
    saving.save()
    counter.assign(4)
    spoil(method.generator)
    assert not all_finite(method.generator)
    assert all_finite(method.encoder)
    message = r"a weight of the generator is not finite at iteration 4; .*checkpoint of iteration 3"
    with pytest.raises(UserError, match=message):
        saving.save()
    assert checkpoints.iterations(run.checkpoints) == [3]


def test_without_a_run_weights_are_checked_all_the_same(counter):
    method = toy_flexae()
    saving = Saving(method, counter, None, tiny.options(), alone(), {})
    saving.save()
    spoil(method.decoder)
    with pytest.raises(
        UserError, match="a weight of the decoder is not finite at iteration 3; low"
    ):
        saving.save()


def test_losses_are_checked_one_iteration_late():
    losses = LossCheck(["encoder", "critic"], None)
    losses.see(7, {"encoder": tf.constant(1.0), "critic": INFINITE})
    with pytest.raises(UserError, match="the loss of the critic is not finite at iteration 7; low"):
        losses.see(8, {"encoder": tf.constant(1.0), "critic": tf.constant(1.0)})


def test_losses_can_be_checked_at_once(run, counter):
    losses = LossCheck(["encoder"], run)
    losses.check()  # nothing seen yet
    losses.see(1, {"encoder": tf.constant(1.0)})
    losses.check()
    losses.see(4, {"encoder": NAN})
    with pytest.raises(UserError, match="loss of the encoder is not finite at iteration 4; lower"):
        losses.check()
    Saving(toy_flexae(), counter, run, tiny.options(), alone(), {}).save()
    with pytest.raises(UserError, match="the checkpoint of iteration 3 is intact: lower"):
        losses.check()


def test_only_losses_are_checked_and_only_those_that_were_reported():
    losses = LossCheck(["encoder", "second_stage"], None)
    losses.see(1, {"encoder": tf.constant(1.0), "gradient_norm/encoder": NAN})
    losses.check()


def test_a_loss_scale_that_has_only_fallen_is_an_error():
    losses = LossCheck(["encoder", "critic"], None)
    scales = {"loss_scale/encoder": tf.constant(1.0), "loss_scale/critic": tf.constant(2.0**-16)}
    losses.see(7, {"encoder": tf.constant(1.0), "critic": tf.constant(1.0)} | scales)
    with pytest.raises(
        UserError, match="every gradient of the critic is not finite at iteration 7"
    ):
        losses.check()
