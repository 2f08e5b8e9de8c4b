"""Which devices train together, and what they normalize over."""

from __future__ import annotations

import keras
import tensorflow as tf

from flexae_tf.algorithm.method import Method
from flexae_tf.errors import UserError
from flexae_tf.networks import layers_of
from flexae_tf.networks.precision import warn_if_emulated
from flexae_tf.training import allocation, workers
from flexae_tf.training.options import TrainerOptions


def make_strategy(options: TrainerOptions) -> tf.distribute.Strategy:
    """The tf.distribute strategy that the options name. Raises UserError if it cannot be had."""
    allocation.keep_freed_memory()
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    warn_if_emulated(options.precision)
    name = options.strategy
    if name == "auto":
        name = "mirrored" if len(gpus) > 1 else "one_device"
    if name == "one_device":
        strategy = tf.distribute.OneDeviceStrategy("/gpu:0" if gpus else "/cpu:0")
    elif name == "mirrored":
        # Without a GPU: the logical CPU devices, of which there is one unless they are configured.
        devices = [d.name.removeprefix("/physical_device:") for d in gpus]
        strategy = tf.distribute.MirroredStrategy(devices or _logical_cpus())
    else:
        with workers.bounded_start():
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
    replicas = strategy.num_replicas_in_sync
    if options.batch_size % replicas:
        raise UserError(
            f"--batch_size={options.batch_size} is not divisible by the {replicas} replicas: "
            f"choose a multiple of {replicas}"
        )
    if options.xla and replicas > 1 and options.sync_batch_norm:
        raise UserError(
            "--xla cannot compile batch normalization that is synchronized over replicas: "
            "add --sync_batch_norm=false, or leave --xla out"
        )
    return strategy


def synchronize_batch_norm(method: Method, synchronized: bool) -> None:
    """Says for every BN layer whether it normalizes over all replicas."""
    for norm in layers_of(method.networks.values(), keras.layers.BatchNormalization):
        norm.synchronized = synchronized


def _logical_cpus():
    return [d.name.removeprefix("/device:") for d in tf.config.list_logical_devices("CPU")]
