"""The mask's terms against NumPy, and its schedule at its edges."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import masks
from flexae_tf.algorithm.masks import MaskSchedule


def test_terms_against_numpy():
    random = np.random.default_rng(0)
    z, alpha = random.normal(2, 3, (6, 4)), np.array([0.0, 0.09, 0.1, 0.9])
    penalty = 0.0
    for i in range(6):
        for j in range(4):
            penalty += (z[i, j] - z[:, j].mean()) ** 2 * np.exp(-10 * alpha[j] ** 2) / 24
    z, alpha = tf.constant(z, tf.float32), tf.constant(alpha, tf.float32)
    assert float(masks.variance_penalty(z, alpha)) == pytest.approx(penalty, rel=1e-5)
    polarization = 0.09 * 0.91 + 0.1 * 0.9 + 0.9 * 0.1
    assert float(masks.polarization(alpha)) == pytest.approx(polarization, rel=1e-5)
    assert masks.active(alpha).numpy().tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("m", "interval"),
    [
        (1, 75),
        (20, 75),
        (21, 2362),
        (32, 3600),
        (48, 5400),
        (88, 9900),
        (89, 10_000),
        (256, 10_000),
    ],
)
def test_the_interval_follows_from_m(m, interval):
    assert MaskSchedule(m).interval == interval
    assert MaskSchedule(m, 7).interval == 7


def test_the_weight_doubles_every_four_intervals_up_to_2048():
    schedule, each = MaskSchedule(32), 4 * 3600

    def weight(updates):
        return float(schedule.weight(tf.constant(updates, tf.int64)))

    assert weight(0) == weight(each - 1) == 2 / 32
    assert weight(each) == weight(2 * each - 1) == 4 / 32
    assert weight(14 * each) == 1024
    assert weight(15 * each - 1) == 1024
    assert weight(15 * each) == weight(500_000) == 2048
    assert (schedule.doublings, MaskSchedule(3).doublings) == (15, 12)
    # 2 / m is no power of two, and 2 to the 1,666th no float32.
    assert float(MaskSchedule(3).weight(tf.constant(500_000, tf.int64))) == 2048
    assert float(MaskSchedule(3).weight(tf.constant(11 * 300, tf.int64))) == pytest.approx(4096 / 3)


@pytest.mark.parametrize("divided", ["rates", "losses"])
def test_after_five_intervals_rates_or_losses_are_a_fifth(divided):
    """As in the program the update with number 5 I, counted from 0, is the last before."""
    schedule = MaskSchedule(4, 2, divided)
    names = {"learning_rate": 1.0, "beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-8}
    settings = {"mask_schedule": "constant", "mask_optimizer": "rmsprop"}
    settings |= {f"mask_{name}": value for name, value in names.items()}
    optimizer = masks.optimizer_from(settings, schedule, "mask")
    optimizer.build([tf.Variable(0.0)])
    rates, factors = [], []
    for updates in (0, 10, 11, 50):
        optimizer.iterations.assign(updates)
        rates.append(float(optimizer.learning_rate))
        factors.append(float(schedule.loss_factor(optimizer.iterations)))
    divided_by_5 = pytest.approx([1, 1, 0.2, 0.2])
    assert {"rates": rates, "losses": factors}[divided] == divided_by_5
    assert {"rates": factors, "losses": rates}[divided] == [1, 1, 1, 1]


def test_another_schedule_of_a_player_stays():
    settings = {"mask_schedule": "halve:3", "mask_optimizer": "adam", "mask_learning_rate": 1.0}
    settings |= {"mask_beta_1": 0.0, "mask_beta_2": 0.9, "mask_epsilon": 1e-8}
    optimizer = masks.optimizer_from(settings, MaskSchedule(4, 1), "mask")
    optimizer.build([tf.Variable(0.0)])
    optimizer.iterations.assign(6)
    assert float(optimizer.learning_rate) == 0.25
