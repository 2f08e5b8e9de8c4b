"""Test-time statistics: what they average, and when they are current."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm import objectives
from flexae_tf.data import draws
from flexae_tf.methods import flexae_sr
from flexae_tf.networks import Networks
from flexae_tf.training.averages import Averages
from flexae_tf.training.statistics import MINIBATCHES, Statistics, averaging, take_in
from flexae_tf.training.trainer import Trainer
from tests import tiny
from tests.algorithm.test_method import examples, minibatch, toy_flexae, weights


def take_statistics(method, minibatches, garbage=7.0):
    """Averages the statistics over minibatches as the trainer does, from meaningless ones."""
    for network in (method.networks["encoder"], method.networks["decoder"]):
        norm = network.layers[-1]
        norm.moving_mean.assign(tf.fill(norm.moving_mean.shape, garbage))
        norm.moving_variance.assign(tf.fill(norm.moving_variance.shape, garbage))

    @tf.function
    def take(drawn, count):
        with averaging(method, count):
            take_in(method, drawn)

    for count, drawn in enumerate(minibatches):
        take(drawn, tf.constant(count))


def statistics(network):
    norm = network.layers[-1]
    return norm.moving_mean.numpy(), norm.moving_variance.numpy()


def expected_statistics(network, batches):
    """Mean over batches of the moments of what reaches the normalization, with NumPy."""
    kernel, bias = (weight.numpy() for weight in network.layers[0].weights)
    reaching = [batch @ kernel + bias for batch in batches]
    return np.mean([r.mean(0) for r in reaching], 0), np.mean([r.var(0) for r in reaching], 0)


def normalized(network, batch):
    """What the network gives for a batch in training mode, with NumPy (scale 1, offset 0)."""
    kernel, bias = (weight.numpy() for weight in network.layers[0].weights)
    reaching = batch @ kernel + bias
    return (reaching - reaching.mean(0)) / np.sqrt(reaching.var(0) + 1e-3)


@pytest.mark.parametrize("image_critic", [True, False])
def test_statistics_average_minibatches_and_kinds_of_codes_equally(image_critic):
    method = toy_flexae(image_critic)
    minibatches = [minibatch(method.statistics_spec(), seed) for seed in range(3)]
    take_statistics(method, minibatches)
    images, codes = [], []
    for drawn in minibatches:
        x, x_prime, n, gamma = (field.numpy() for field in drawn)
        images.append(np.concatenate([x, x_prime]))
        z, z_prime = np.split(normalized(method.encoder, images[-1]), 2)
        kinds = [z, method.generator(n).numpy()]
        if image_critic:
            kinds.append(gamma[:, None] * z + (1 - gamma[:, None]) * z_prime)
        codes.append(np.concatenate(kinds))
    for network, batches in ((method.encoder, images), (method.decoder, codes)):
        for ours, theirs in zip(
            statistics(network), expected_statistics(network, batches), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_statistics_forget_what_was_before():
    method = toy_flexae()
    minibatches = [minibatch(method.statistics_spec(), seed) for seed in range(2)]
    results = []
    for garbage in (0.0, 7.0, 1e6):
        take_statistics(method, minibatches, garbage)
        results.append([statistics(method.encoder), statistics(method.decoder)])
    tf.nest.map_structure(np.testing.assert_array_equal, results[0], results[1])
    tf.nest.map_structure(np.testing.assert_array_equal, results[0], results[2])


def test_statistics_leave_weights_and_momentum():
    method = toy_flexae()
    before = weights(method)
    take_statistics(method, [minibatch(method.statistics_spec())])
    tf.nest.map_structure(np.testing.assert_array_equal, before, weights(method))
    assert method.encoder.layers[-1].momentum == 0.99
    assert method.decoder.layers[-1].momentum == 0.99


def test_statistics_make_test_mode_agree_with_batch_mode():
    method = toy_flexae()
    drawn = minibatch(method.statistics_spec())
    take_statistics(method, [drawn._replace(x_prime=drawn.x)])
    np.testing.assert_allclose(
        method.model.encode(drawn.x.numpy()),
        method.model.encode_batch(drawn.x, training=True),
        rtol=1e-3,
        atol=1e-3,
    )


class CountedDrawing:
    """Stands for a Drawing of two minibatches each time, and writes down what was asked of it."""

    def __init__(self):
        self.asked = []

    def minibatches(self, spec, count, stream, numbers):
        assert (count, stream) == (1, draws.STATISTICS)
        self.asked.append(numbers)
        return [(minibatch(spec, seed),) for seed in range(2)]


@pytest.fixture
def counted():
    """Statistics of a method after 5 iterations, their drawing and the count of iterations."""
    iteration, drawing = tf.Variable(5, dtype=tf.int64), CountedDrawing()
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        method = toy_flexae()
    taken = Statistics(strategy, method, drawing, iteration, Averages(method, 0, 8))
    return taken, drawing, iteration, method


def test_statistics_are_taken_once_for_the_same_weights(counted):
    taken, drawing, iteration, _ = counted
    assert not taken.current
    taken.update()
    assert taken.current
    taken.update()
    assert drawing.asked == [range(5 * MINIBATCHES, 6 * MINIBATCHES)]
    iteration.assign_add(1)
    assert not taken.current
    taken.update()
    assert drawing.asked[1:] == [range(6 * MINIBATCHES, 7 * MINIBATCHES)]


def test_disturbed_statistics_come_back_as_they_were(counted):
    taken, drawing, _, method = counted
    taken.update()
    before = statistics(method.encoder), statistics(method.decoder)
    with taken.disturbed():
        method.model.encode_batch(tf.constant(7 * examples()), training=True)
    assert not taken.current
    assert (statistics(method.encoder)[0] != before[0][0]).any()
    taken.update()
    assert taken.current
    assert drawing.asked == [range(5 * MINIBATCHES, 6 * MINIBATCHES)] * 2
    tf.nest.map_structure(
        np.testing.assert_array_equal,
        before,
        (statistics(method.encoder), statistics(method.decoder)),
    )


def test_test_time_statistics_stand_for_an_equal_mixture_of_codes():
    """Every decoder BN layer's moving mean against a fresh equal mixture at the same weights.

    With the published widths: over few units the mean deviation scatters more than its bound.
    """
    nets, settings = Networks((8, 8, 1)), tiny.settings("flexae_sr")
    options = tiny.options(batch_size=64)
    trainer = Trainer(lambda: flexae_sr.build(nets, settings), tiny.dataset(), options)
    trainer.train()
    trainer.statistics.update()
    method, decoder = trainer.method, trainer.method.networks["decoder"]
    x = tf.constant(data.to_unit(trainer.dataset.train))
    z = method.model.encode_batch(x, training=True)
    mixed = objectives.interpolate(
        z, tf.reverse(z, [0]), tf.random.stateless_uniform([200], [1, 2])
    )
    density = method.model.density
    kinds = [z, density.prior(density.noise(tf.constant([3, 4], tf.int64), 200)), mixed]
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
