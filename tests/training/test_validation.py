"""The validation error, and what goes by it: plateaus, the best checkpoint, an early end."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import data
from flexae_tf.data import splits
from flexae_tf.errors import UserError
from flexae_tf.runs import RunDirectory
from flexae_tf.training import checkpoints, saving
from flexae_tf.training.best import Best
from flexae_tf.training.stopping import Interrupted, Stopping
from flexae_tf.training.trainer import Trainer
from tests import tiny

PLATEAU = "plateau:factor=0.5,patience=1,min_delta=1000"  # every measurement but the first halves


def dataset():
    return splits.hold_out(tiny.dataset(), 30)


def trainer(run=None, case="rae", stopping=None, schedule="constant", **options):
    build = tiny.builder(case, autoencoder_schedule=schedule)
    chosen = {"training_steps": 7, "validate_every_steps": 2} | options
    return Trainer(build, dataset(), tiny.options(**chosen), run, stopping=stopping)


def made(path):
    run = RunDirectory(path)
    run.create()
    return run


@pytest.fixture
def run(tmp_path):
    return made(tmp_path / "run")


def rate(trained):
    return float(trained.method.players["autoencoder"].optimizer.learning_rate)


def told(trained, errors):
    """Makes the measurements of a trainer these. Returns the iterations they were taken at."""
    errors, taken = iter(errors), []

    def error():
        taken.append(trained.iteration)
        return next(errors)

    trained.validation._error = error
    return taken


def test_the_error_is_the_mean_over_all_validation_images():
    trained = trainer(case="ae", training_steps=1, batch_size=8)
    trained.train()
    trained.statistics.update()
    error, rates = trained.validation.measure(2)
    x = data.to_unit(data.gather(dataset().validation, np.arange(30)))
    x_hat = trained.model.reconstruct(x)
    assert error == pytest.approx(((x - x_hat) ** 2).sum((1, 2, 3)).mean(), rel=1e-5)
    assert rates == {}


def test_it_is_measured_at_its_multiples_and_at_the_end():
    trained = trainer()
    taken = told(trained, range(9))
    trained.train()
    assert taken == [2, 4, 6, 7]


def test_it_is_never_measured_by_default():
    trained = trainer(validate_every_steps=0)
    assert told(trained, []) == []
    trained.train()


@pytest.mark.slow
def test_measuring_leaves_the_weights_as_they_are():
    validated, plain = trainer(case="flexae_sr"), trainer(case="flexae_sr", validate_every_steps=0)
    validated.train()
    plain.train()
    tiny.assert_equal_weights(validated.method, plain.method)


def test_the_rate_falls_on_a_plateau_and_a_last_measurement_out_of_turn_does_not_count():
    trained = trainer(schedule=PLATEAU)
    initial = rate(trained)
    trained.train()  # measured after 2, 4, 6 and 7
    assert rate(trained) == initial / 4


@pytest.mark.parametrize("stop_after", [pytest.param(4, marks=pytest.mark.slow), 5])
def test_a_run_that_is_killed_at_a_halving_goes_on_with_the_same_weights(run, stop_after):
    """Stopped right where the rate was halved, and between two measurements."""
    seconds = iter([0] * stop_after + [3600] * 9)
    stopped = trainer(run, schedule=PLATEAU, stopping=Stopping(max_hours=1, clock=seconds.__next__))
    with pytest.raises(Interrupted):
        stopped.train()
    assert stopped.iteration == stop_after
    resumed, whole = trainer(run, schedule=PLATEAU), trainer(schedule=PLATEAU)
    initial = rate(resumed)
    resumed.resume()
    assert rate(resumed) == initial / 2
    resumed.train()
    whole.train()
    assert rate(resumed) == initial / 4
    tiny.assert_equal_weights(resumed.method, whole.method)
    patience = [t.validation.state["patience"] for t in (resumed, whole)]
    np.testing.assert_array_equal(*patience)
    plateaus = [t.method.players["autoencoder"].plateau.state for t in (resumed, whole)]
    np.testing.assert_array_equal(*plateaus)


def test_a_checkpoint_from_before_there_was_validation_is_read(run):
    former = trainer(run, validate_every_steps=0)
    former.train()
    names = {name for name, _ in tf.train.list_variables(str(run.checkpoints / "ckpt-7"))}
    assert not [name for name in names if name.startswith(("validation", "plateaus"))]
    later = trainer(run, validate_every_steps=0)
    later.resume()
    tiny.assert_equal_weights(later.method, former.method)


def test_a_model_is_read_from_a_checkpoint_with_validation(run):
    trained = trainer(run, schedule=PLATEAU)
    trained.train()
    method = tiny.builder("rae", autoencoder_schedule=PLATEAU)()
    counter = tf.Variable(0, dtype=tf.int64)
    checkpoints.restore(saving.checkpoint_of(method, counter), run.checkpoints / "ckpt-7")
    tiny.assert_equal_weights(method, trained.method)
    plateaus = [m.players["autoencoder"].plateau.state for m in (method, trained.method)]
    np.testing.assert_array_equal(*plateaus)


def test_the_best_checkpoint_outlives_the_newest_ones_and_their_damage(run):
    trained = trainer(
        run, training_steps=12, keep_best=True, keep_checkpoints=1, checkpoint_every_steps=1
    )
    assert told(trained, [5.0, 3.0, 4.0, 3.0, 6.0, 7.0]) == []
    trained.train()
    assert checkpoints.iterations(run.checkpoints) == [12]
    assert checkpoints.iterations(run.best) == [4]
    recorded = json.loads((run.best / "best.json").read_text())
    assert recorded == {"iteration": 4, "validation_error": 3.0}
    os.truncate(run.checkpoints / "ckpt-12.data-00000-of-00001", 1000)

    method = tiny.builder("rae")()
    counter = tf.Variable(0, dtype=tf.int64)
    Best(run.best).restore(saving.checkpoint_of(method, counter))
    assert int(counter) == 4
    until_then = trainer(training_steps=4)
    until_then.train()
    tiny.assert_equal_weights(method, until_then.method)


@pytest.mark.slow
def test_the_best_of_a_resumed_run_is_that_of_the_whole(run):
    first = trainer(run, training_steps=4, keep_best=True)
    told(first, [3.0, 4.0])
    first.train()
    for errors, best in (([3.5, 3.0], 2), ([2.5, 9.0], 6)):
        later = trainer(run, training_steps=8, keep_best=True)
        later.resume()
        told(later, errors)
        later.train()
        assert checkpoints.iterations(run.best) == [best]
        for path in run.checkpoints.glob("ckpt-8*"):
            path.unlink()


@pytest.mark.parametrize("damage", ["", "null", "{}", '{"iteration": 9, "validation_error": 1.0}'])
def test_a_best_whose_error_is_not_known_gives_way(run, damage):
    first = trainer(run, training_steps=2, keep_best=True)
    told(first, [3.0])
    first.train()
    (run.best / "best.json").write_text(damage)
    assert Best(run.best).error == float("inf")


def test_without_a_best_checkpoint_the_error_says_how_to_have_one(run):
    state = saving.checkpoint_of(tiny.builder("rae")(), tf.Variable(0, dtype=tf.int64))
    with pytest.raises(UserError, match="has no checkpoint: train with --keep_best"):
        Best(run.best).restore(state)


def test_patience_ends_a_run_as_finished_and_starting_again_trains_no_further(run, capsys):
    options = {"training_steps": 100, "early_stopping_patience": 2}
    trained = trainer(run, **options)
    taken = told(trained, [5.0, 4.0, 4.0, 4.5])
    assert trained.train() is not None  # pictures of the last iteration
    assert taken == [2, 4, 6, 8]
    assert checkpoints.iterations(run.checkpoints) == [8]
    again = trainer(run, **options)
    again.resume()
    again.train()
    assert again.iteration == 8
    tiny.assert_equal_weights(again.method, trained.method)
    patient = trainer(run, **options | {"early_stopping_patience": 3, "training_steps": 10})
    patient.resume()
    patient.train()
    assert patient.iteration == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validate_every_steps": 2}, "--validate_every_steps needs --validation_images"),
        ({"keep_best": True}, "--keep_best goes by the validation error"),
        ({"early_stopping_patience": 1}, "--early_stopping_patience goes by the validation error"),
    ],
)
def test_options_that_need_validation_images_are_refused_without(options, message):
    with pytest.raises(UserError, match=message):
        tiny.trainer("rae", **options)


def test_a_plateau_without_measurements_is_refused():
    with pytest.raises(UserError, match="--autoencoder_schedule=plateau goes by the validation"):
        trainer(schedule=PLATEAU, validate_every_steps=0)


def test_the_error_and_the_rates_are_shown(run, capsys):
    trainer(run, schedule=PLATEAU, training_steps=2).train()
    assert "iteration 2: validation error " in capsys.readouterr().err
    tags = set()
    for path in run.train.glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            tags |= {value.tag for value in event.summary.value}
    assert {"validation/error", "learning_rate/autoencoder"} <= tags
