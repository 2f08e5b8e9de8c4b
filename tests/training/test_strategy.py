"""Which devices train, and what does not go with several."""

import types

import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.strategy import make_strategy, synchronize_batch_norm
from tests.algorithm.test_method import toy_flexae


@pytest.fixture
def two_replicas(monkeypatch):
    """A mirrored strategy of two replicas, which stands for two GPUs."""
    strategy = types.SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda _: strategy)
    return strategy


def mirrored(**chosen):
    return make_strategy(TrainerOptions(strategy="mirrored", **chosen))


def test_one_device_is_named_or_follows():
    named = make_strategy(TrainerOptions(strategy="one_device", batch_size=3))
    assert isinstance(named, tf.distribute.OneDeviceStrategy)
    if len(tf.config.list_physical_devices("GPU")) < 2:
        followed = make_strategy(TrainerOptions())
        assert isinstance(followed, tf.distribute.OneDeviceStrategy)


def test_a_minibatch_must_divide_into_replicas(two_replicas):
    assert mirrored(batch_size=4) is two_replicas
    with pytest.raises(UserError, match=r"--batch_size=3 is not divisible by the 2 replicas"):
        mirrored(batch_size=3)


def test_xla_does_not_go_with_normalization_over_replicas(two_replicas):
    assert mirrored(xla=True, sync_batch_norm=False) is two_replicas
    with pytest.raises(UserError, match="add --sync_batch_norm=false"):
        mirrored(xla=True)


@pytest.mark.parametrize("synchronized", [True, False])
def test_every_normalization_is_told_whether_it_is_over_all_replicas(synchronized):
    method = toy_flexae()
    norms = [method.encoder.layers[-1], method.decoder.layers[-1]]
    for norm in norms:
        norm.synchronized = not synchronized
    synchronize_batch_norm(method, synchronized)
    assert [norm.synchronized for norm in norms] == [synchronized] * 2
