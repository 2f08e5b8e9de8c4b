"""The training loop's rules that need no command line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm import objectives
from flexae_tf.errors import UserError
from flexae_tf.runs import RunDirectory
from flexae_tf.training import checkpoints
from flexae_tf.training.trainer import TrainerOptions, all_finite
from tests import tiny


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"training_steps": -1}, {"log_every_steps": 0}]
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        TrainerOptions(**wrong)


def test_test_time_statistics_stand_for_an_equal_mixture_of_codes():
    """Every decoder BN layer's moving mean against a fresh equal mixture at the same weights."""
    trainer = tiny.trainer("flexae_sr", batch_size=64)
    trainer.train()
    trainer.update_statistics()
    method, decoder = trainer.method, trainer.method.networks["decoder"]
    x = tf.constant(data.to_unit(trainer.dataset.train))
    z = method.model.encode_batch(x, training=True)
    mixed = objectives.interpolate(
        z, tf.reverse(z, [0]), tf.random.stateless_uniform([200], [1, 2])
    )
    kinds = [
        z,
        method.model.density.prior(method.model.density.noise(tf.constant([3, 4], tf.int64), 200)),
        mixed,
    ]
    moving = [m.numpy() for m in decoder.non_trainable_variables]
    norms = [layer for layer in decoder.layers if hasattr(layer, "moving_mean")]
    inputs = keras.Model(decoder.inputs, [norm.input for norm in norms])
    per_kind = [inputs(codes, training=True) for codes in kinds]
    for i, norm in enumerate(norms):
        batches = [np.reshape(kind[i], (-1, kind[i].shape[-1])) for kind in per_kind]
        mean = np.mean([batch.mean(0) for batch in batches], axis=0)
        spread = np.concatenate(batches).std(0)
        assert np.max(np.abs(moving[2 * i] - mean) / spread) < 0.5
        assert np.mean(np.abs(moving[2 * i] - mean) / spread) < 0.1
        assert norm.momentum == 0.99


def test_training_does_not_depend_on_when_statistics_are_taken(tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    often = tiny.trainer("flexae_sr", run, checkpoint_every_steps=1, picture_every_steps=1)
    seldom = tiny.trainer("flexae_sr")
    often.train()
    seldom.train()
    tiny.assert_equal_weights(often.method, seldom.method)


def test_a_weight_that_is_not_finite_is_never_saved(tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    trainer = tiny.trainer("flexae", run, training_steps=1)
    trainer.train()
    weight = trainer.method.networks["generator"].trainable_variables[0]
    weight.assign(tf.fill(weight.shape, float("nan")))
    assert not all_finite(trainer.method.networks["generator"])
    with pytest.raises(UserError, match=r"a weight of the generator.*checkpoint of iteration 1"):
        trainer._save()
    assert checkpoints.iterations(run.checkpoints) == [1]


def test_a_loss_that_is_not_finite_names_player_and_iteration():
    trainer = tiny.trainer("flexae")
    reported = {name: tf.constant(1.0) for name in trainer.method.players}
    trainer._check_losses((7, reported))
    with pytest.raises(UserError, match="loss of the latent_critic is not finite at iteration 7"):
        trainer._check_losses((7, reported | {"latent_critic": tf.constant(float("inf"))}))


def test_keeps_the_newest_checkpoints_and_the_multiples(tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    tiny.trainer(
        "flexae",
        run,
        training_steps=7,
        checkpoint_every_steps=1,
        keep_checkpoints=2,
        keep_every_steps=3,
    ).train()
    assert checkpoints.iterations(run.checkpoints) == [3, 6, 7]
    assert tf.train.latest_checkpoint(run.checkpoints) == str(run.checkpoints / "ckpt-7")
