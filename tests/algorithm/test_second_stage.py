"""The second stage's network, as its seed and sizes describe it."""

import numpy as np

from flexae_tf.algorithm import second_stage


def test_the_network_sees_its_input_beside_the_last_hidden_layer():
    network = second_stage.network(3, 2, width=5)
    shapes = [weight.shape for weight in network.weights]
    assert shapes == [(3, 5), (5,), (5, 5), (5,), (5, 5), (5,), (5 + 3, 2), (2,)]
    assert network.input_shape == (None, 3)


def test_the_initial_weights_follow_a_seed():
    first, same, other = (second_stage.network(3, 2, width=5, seed=s) for s in (0, 0, 4))
    for kernel, again, another in zip(
        *(n.get_weights() for n in (first, same, other)), strict=True
    ):
        np.testing.assert_array_equal(kernel, again)
        assert kernel.ndim == 1 or not np.array_equal(kernel, another)
