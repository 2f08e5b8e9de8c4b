"""The training loop: what it does in which order, and what that leaves."""

import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.runs import RunDirectory
from flexae_tf.training import checkpoints, trainer
from flexae_tf.training.stopping import TIME_UP, Interrupted, Stopping
from tests import tiny

# What follows an iteration with scalars, pictures and a checkpoint.
SHOWN_AND_SAVED = ["scalars", "test error", "statistics", "saved", "statistics", "pictures"]


class Recording:
    """A trainer without a graph, whose parts write down that they were called."""

    def __init__(self, monkeypatch, losses=None, stopping=None, **options):
        self.said = []
        self.trainer = tiny.trainer("ae", stopping=stopping, **options)
        (player,) = self.trainer.method.players
        self.losses = {player: tf.constant(1.0)}
        monkeypatch.setattr(trainer, "Summaries", lambda *_: self)
        monkeypatch.setattr(self.trainer, "iterator", lambda *_: None)
        monkeypatch.setattr(self.trainer, "iterate", self.iterate)
        monkeypatch.setattr(self.trainer.statistics, "update", lambda: self.say("statistics"))
        monkeypatch.setattr(self.trainer.saving, "save", lambda: self.say("saved"))
        monkeypatch.setattr(
            self.trainer, "_evaluate", lambda _, iteration: self.say(f"evaluated {iteration}")
        )

    def say(self, word):
        self.said.append(word)

    def iterate(self, iterator, iteration):
        self.say(iteration)
        return self.losses

    def scalars(self, iteration, reported):
        self.say("scalars")
        return {}

    def test_error(self, batch_size):
        self.say("test error")
        return 0.0

    def pictures(self, iteration, error):
        self.say("pictures")
        return ""

    def last_grid(self):
        return "grid"


def test_what_follows_an_iteration_keeps_its_order(monkeypatch):
    recording = Recording(
        monkeypatch,
        training_steps=3,
        log_every_steps=2,
        picture_every_steps=2,
        checkpoint_every_steps=2,
        eval_every_steps=2,
    )
    assert recording.trainer.train() == "grid"
    assert recording.said == [
        *(1, 2, *SHOWN_AND_SAVED, "statistics", "evaluated 2"),
        *(3, *SHOWN_AND_SAVED),
    ]


def test_a_stop_saves_and_ends_the_loop(monkeypatch):
    stopping = Stopping(max_hours=1, clock=iter([0, 0, 3600]).__next__)
    recording = Recording(monkeypatch, stopping=stopping, training_steps=3)
    with pytest.raises(Interrupted) as stop:
        recording.trainer.train()
    assert stop.value.status == TIME_UP
    assert recording.said == [1, 2, "scalars", "statistics", "saved"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, [1, 2]),  # one iteration late
        ({"log_every_steps": 1}, [1]),
        ({"checkpoint_every_steps": 1}, [1]),
    ],
)
def test_a_loss_that_is_not_finite_ends_the_loop_before_it_is_shown_or_saved(
    monkeypatch, options, said
):
    recording = Recording(monkeypatch, training_steps=3, **options)
    recording.losses = {name: tf.constant(float("nan")) for name in recording.losses}
    with pytest.raises(UserError, match="is not finite at iteration 1"):
        recording.trainer.train()
    assert recording.said == said


@pytest.mark.parametrize("case", ["flexae", pytest.param("flexae_sr", marks=pytest.mark.slow)])
def test_training_does_not_depend_on_when_statistics_are_taken(case, tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    often = tiny.trainer(case, run, checkpoint_every_steps=1, picture_every_steps=1)
    seldom = tiny.trainer(case)
    often.train()
    seldom.train()
    tiny.assert_equal_weights(often.method, seldom.method)


def test_keeps_the_newest_checkpoints_and_the_multiples(tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    tiny.trainer(
        "ae",
        run,
        training_steps=7,
        checkpoint_every_steps=1,
        keep_checkpoints=2,
        keep_every_steps=3,
    ).train()
    assert checkpoints.iterations(run.checkpoints) == [3, 6, 7]
    assert tf.train.latest_checkpoint(run.checkpoints) == str(run.checkpoints / "ckpt-7")
