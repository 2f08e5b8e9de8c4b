"""The rows of all replicas: where each one's go, and what XLA cannot do. (Two real replicas and
their gradients: `wae_mmd` in test_conformance.)"""

import types

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm.replicas import of_all_replicas
from flexae_tf.errors import UserError

ROWS = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def second_of_two(monkeypatch):
    """This replica is the second, and the first has the same rows, negative."""

    def all_reduce(_, placed):
        return placed - tf.reverse(placed, [0])

    context = types.SimpleNamespace(
        num_replicas_in_sync=2, replica_id_in_sync_group=1, all_reduce=all_reduce
    )
    monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: context)


@pytest.mark.parametrize("xla", [False, True])
def test_those_of_one_replica_are_its_own(xla):
    assert of_all_replicas(ROWS, xla) is ROWS


def test_they_come_one_replica_after_another(monkeypatch):
    second_of_two(monkeypatch)
    np.testing.assert_array_equal(of_all_replicas(ROWS, False), tf.concat([-ROWS, ROWS], 0))


def test_xla_above_one_replica_is_refused(monkeypatch):
    second_of_two(monkeypatch)
    with pytest.raises(UserError, match="leave --xla out"):
        of_all_replicas(ROWS, True)
