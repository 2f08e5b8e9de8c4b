"""When training stops before its end."""

import os
import signal

import pytest

from flexae_tf.runs import RunDirectory
from flexae_tf.training import checkpoints
from flexae_tf.training.stopping import TIME_UP, Interrupted, Stopping
from tests import tiny


class Clock:
    """A clock that every look at moves on by `step` seconds."""

    def __init__(self, step=0.0):
        self.now, self.step = 1000.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def test_hours_are_counted_from_construction():
    clock = Clock()
    stopping = Stopping(max_hours=0.5, clock=clock)
    clock.now += 1799
    assert stopping.reason() == 0
    clock.now += 1
    assert stopping.reason() == TIME_UP == 75


def test_no_hours_are_no_limit():
    clock = Clock()
    stopping = Stopping(clock=clock)
    clock.now += 1e9
    assert stopping.reason() == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_reason_and_handlers_are_put_back(signum, capsys):
    before = signal.getsignal(signum)
    with Stopping(max_hours=1) as stopping:
        os.kill(os.getpid(), signum)
        assert stopping.reason() == 128 + signum
        assert signal.getsignal(signum) == before  # a second one ends the process
    assert signal.getsignal(signum) == before
    assert f"{signum.name}: saving a checkpoint" in capsys.readouterr().err
    assert str(Interrupted(stopping.reason())) == signum.name


def test_training_stops_with_a_checkpoint_when_the_hours_are_over_and_resumes(tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    stopping = Stopping(max_hours=2.5 / 3600, clock=Clock(step=1))
    stopped = tiny.trainer("vae", run, stopping=stopping)
    with pytest.raises(Interrupted, match="--max_hours") as stop:
        stopped.train()
    assert stop.value.status == 75
    assert stopped.iteration == 3
    assert checkpoints.iterations(run.checkpoints) == [3]
    resumed = tiny.trainer("vae", run)
    resumed.resume()
    assert resumed.iteration == 3
    resumed.train()
    uninterrupted = tiny.trainer("vae")
    uninterrupted.train()
    tiny.assert_equal_weights(resumed.method, uninterrupted.method)


@pytest.mark.slow
def test_a_run_that_is_finished_in_time_is_not_interrupted(tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    stopping = Stopping(max_hours=1.5 / 3600, clock=Clock(step=1))
    trainer = tiny.trainer("vae", run, stopping=stopping, training_steps=2)
    trainer.train()
    assert trainer.iteration == 2
