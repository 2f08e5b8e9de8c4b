"""Minibatches of replicas and workers."""

import types

import numpy as np
import tensorflow as tf

from flexae_tf.data import draws
from flexae_tf.training.drawing import Drawing

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 2, 2, 1), np.uint8)
SPEC = {"x": draws.IMAGES, "n": draws.noise("normal", 3)}


class Workers:
    """A strategy of two workers with two replicas each, whose input pipelines it hands out."""

    def distribute_datasets_from_function(self, function):
        return [
            function(
                types.SimpleNamespace(
                    input_pipeline_id=index, num_input_pipelines=2, num_replicas_in_sync=4
                )
            )
            for index in range(2)
        ]


def drawn(strategy, stream=draws.TRAINING, numbers=range(3, 5), seed=1):
    drawing = Drawing(strategy, IMAGES, 8, seed)
    return drawing.minibatches(SPEC, 2, stream, numbers)


def arrays(dataset):
    """[elements][minibatches] of (x, n) as NumPy arrays."""
    return [[tuple(f.numpy() for f in minibatch) for minibatch in element] for element in dataset]


def test_one_device_gets_the_global_minibatches_of_the_numbers_asked_for():
    found = arrays(drawn(tf.distribute.OneDeviceStrategy("/cpu:0")))
    assert len(found) == 2
    for number, element in zip((3, 4), found, strict=True):
        key = draws.key(1, draws.TRAINING, number)
        expected = draws.minibatches(SPEC, key, 2, 8, len(IMAGES))
        for (x, n), (rows, noise) in zip(element, expected, strict=True):
            np.testing.assert_array_equal(x, IMAGES[rows.numpy()])
            np.testing.assert_array_equal(n, noise)


def test_replicas_of_workers_together_have_the_minibatch_of_one_device():
    alone = arrays(drawn(tf.distribute.OneDeviceStrategy("/cpu:0")))
    # Two elements of each worker make an iteration, one for each of its replicas.
    workers = [arrays(pipeline) for pipeline in drawn(Workers())]
    for i, expected in enumerate(alone):
        parts = [element for worker in workers for element in worker[2 * i : 2 * i + 2]]
        assert len(parts) == 4
        for j, minibatch in enumerate(expected):
            for field, whole in enumerate(minibatch):
                together = np.concatenate([part[j][field] for part in parts])
                np.testing.assert_array_equal(together, whole)


def test_streams_and_seeds_differ():
    device = tf.distribute.OneDeviceStrategy("/cpu:0")
    training = arrays(drawn(device))[0][0][1]
    assert (arrays(drawn(device, draws.STATISTICS))[0][0][1] != training).all()
    assert (arrays(drawn(device, seed=2))[0][0][1] != training).all()
