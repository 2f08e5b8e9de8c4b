"""Rates at the boundaries of their schedules, and plateaus by hand and against Keras' callback."""

import math
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import schedules
from flexae_tf.algorithm.method import Player, adam_settings, optimizer_from
from flexae_tf.algorithm.schedules import Plateau, PlateauRule
from flexae_tf.errors import UserError


def rates(text, steps, updates=1):
    """The rate of each of these updates (0 is the first), from an initial rate of 1."""
    rate = schedules.rate(text, 1.0, updates)
    return [float(rate(tf.constant(step, tf.int64))) for step in steps]


def test_a_constant_rate_is_the_number_itself():
    assert schedules.rate("constant", 0.3) == 0.3


def test_halving():
    assert rates("halve:3", range(8)) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_piecewise_factors_are_of_the_initial_rate_and_begin_at_their_iteration():
    received = rates("piecewise:3=0.5,5=0.1", range(7))
    np.testing.assert_allclose(received, [1, 1, 1, 0.5, 0.5, 0.1, 0.1], rtol=1e-6)


def test_exponential_decay_is_continuous_and_goes_on():
    received = rates("exponential:100=0.01", [0, 50, 100, 150])
    np.testing.assert_allclose(received, [1, 0.1, 0.01, 0.001], rtol=1e-5)


def test_a_line_begins_after_some_iterations_and_ends_at_0():
    received = rates("linear:2=6", range(8))
    np.testing.assert_allclose(received, [1, 1, 1, 0.75, 0.5, 0.25, 0, 0])


def test_several_updates_are_one_iteration():
    assert rates("halve:2", range(10), updates=4) == [1] * 8 + [0.5] * 2


def test_of_players_only_critics_move_several_times_in_an_iteration():
    settings = {"critic_steps": 5}
    for player in ("latent_critic", "generator"):
        chosen = adam_settings(player, 1.0, 0.5, 0.9, "halve:2")
        settings |= {name: setting.default for name, setting in chosen.items()}
    optimizers = [optimizer_from(settings, player) for player in ("latent_critic", "generator")]
    for optimizer in optimizers:
        optimizer.build([tf.Variable(0.0)])
        optimizer.iterations.assign(9)
    assert [float(optimizer.learning_rate) for optimizer in optimizers] == [1.0, 0.0625]
    assert optimizer_from(settings | {"generator_epsilon": 1e-5}, "generator").epsilon == 1e-5


MALFORMED = [
    "",
    *("linear:5", "linear:5=5", "linear:-1=5", "linear:a=5"),
    "Constant",
    "constant:1",
    "halve",
    "halve:",
    "halve:0",
    "halve:-3",
    "halve:2.5",
    "piecewise:",
    "piecewise:3",
    "piecewise:3=0",
    "piecewise:3=nan",
    "piecewise:3=0.5,3=0.1",
    "piecewise:5=0.5,3=0.1",
    "exponential:10",
    "exponential:0=0.1",
    "exponential:10=inf",
    "exponential:10=0.1,20=0.01",
    "plateau:5",
    "plateau:factor",
    "plateau:factor=1",
    "plateau:factor=0",
    "plateau:patience=0",
    "plateau:patience=1.5",
    "plateau:min_delta=-1",
    "plateau:min_lr=0.1",
    "plateau:factor=0.5,factor=0.2",
    "cosine:10",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_other_texts_are_an_error_of_one_line(text):
    with pytest.raises(UserError) as error:
        schedules.parse(text)
    assert f"received {text!r}" in str(error.value)
    assert "plateau:factor=F,patience=N" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_plateau_has_keras_defaults():
    defaults = keras.callbacks.ReduceLROnPlateau()
    assert schedules.parse("plateau") == schedules.parse("plateau:") == PlateauRule()
    rule = PlateauRule()
    expected = defaults.factor, defaults.patience, defaults.min_delta, defaults.cooldown
    assert (rule.factor, rule.patience, rule.min_delta, rule.cooldown) == expected
    assert rule.min_rate == defaults.min_lr
    text = "plateau:factor=0.5,patience=5,min_delta=0.1,cooldown=2,min_rate=1e-6"
    assert schedules.parse(text) == PlateauRule(0.5, 5, 0.1, 2, 1e-6)


def seen(rule, errors, rate=1.0):
    """The rate after each of these measurements."""
    plateau = Plateau(rate, rule)
    received = []
    for error in errors:
        plateau.see(error)
        received.append(plateau.learning_rate)
        assert float(plateau(tf.constant(0))) == plateau.learning_rate
    return received


def test_the_rate_falls_after_as_many_measurements_without_improvement_as_the_patience():
    # 10 is the best; 9.95 is no improvement by 0.1; the third in a row halves; then 9 is the best.
    errors = [10, 9.95, 10, 11, 12, 9, 9, 9, 9, 9, 9]
    expected = [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert seen(PlateauRule(0.5, 3, 0.1), errors) == expected


def test_an_improvement_of_exactly_min_delta_is_none():
    assert seen(PlateauRule(0.5, 1, 0.25), [1, 0.75, 0.5]) == [1, 0.5, 0.5]


def test_a_cooldown_does_not_count():
    errors = [1, 1, 1, 1, 1, 1, 1]
    assert seen(PlateauRule(0.5, 1, 0, cooldown=2), errors) == [
        1,
        0.5,
        0.5,
        0.25,
        0.25,
        0.125,
        0.125,
    ]


def test_the_rate_ends_at_the_least_one():
    received = seen(PlateauRule(0.5, 1, min_rate=0.3), [1] * 4)
    assert received == [1, 0.5, np.float32(0.3), np.float32(0.3)]


def test_a_measurement_that_is_no_number_is_no_improvement():
    assert seen(PlateauRule(0.5, 2), [math.nan, math.inf, 1, 1]) == [1, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("seed", range(4))
def test_plateaus_are_those_of_keras(seed):
    random = np.random.default_rng(seed)
    errors = (np.exp(-np.arange(120) / 30) + 0.1 * random.random(120)).astype(np.float32)
    rule = PlateauRule(*[(0.5, 3, 0.01, 0), (0.7, 2, 0.0, 4), (0.1, 1, 1e-4, 1), (0.3, 5)][seed])
    optimizer = keras.optimizers.SGD(1.0)
    callback = keras.callbacks.ReduceLROnPlateau(
        factor=rule.factor,
        patience=rule.patience,
        min_delta=rule.min_delta,
        cooldown=rule.cooldown,
        mode="min",
    )
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    expected = []
    for epoch, error in enumerate(errors):
        callback.on_epoch_end(epoch, {"val_loss": float(error)})
        expected.append(float(optimizer.learning_rate))
    assert len(set(expected)) > 3
    assert seen(rule, errors) == expected


def test_a_player_knows_its_plateau():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    chosen = adam_settings("autoencoder", 1.0, 0.5, 0.9, "plateau:factor=0.5,patience=1")
    values = {name: setting.default for name, setting in chosen.items()}
    player = Player("autoencoder", [network], optimizer_from(values, "autoencoder"))
    for _ in range(2):
        player.plateau.see(3.0)
    assert float(player.optimizer.learning_rate) == 0.5
    constant = values | {"autoencoder_schedule": "constant"}
    assert Player("autoencoder", [network], optimizer_from(constant, "autoencoder")).plateau is None
