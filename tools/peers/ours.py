"""This project's side of tools/benchmark_peers.py: whole iterations of the trainer."""

import numpy as np
import tensorflow as tf
from absl import flags

from flexae_tf import methods, networks, settings
from flexae_tf.algorithm.method import Method
from flexae_tf.data.dataset import Dataset
from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.trainer import Trainer

from . import timing


def main(
    method: str, batch_size: int, latent_dim: int, threads: int, warmup: int, iterations: int
) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    pixels = np.random.default_rng(0).integers(0, 256, (timing.IMAGES, *timing.SHAPE), np.uint8)
    dataset = Dataset("noise", pixels, pixels, None, None, (), "")
    options = TrainerOptions(batch_size=batch_size)
    trainer = Trainer(lambda: build(method, latent_dim), dataset, options)
    iterator = trainer.iterator(0, warmup + iterations + 1)
    found = trainer.method.networks.items()
    parameters = {name: networks.parameter_count(network) for name, network in found}

    def iterate():
        np.asarray(next(iter(trainer.iterate(iterator).values())))

    timing.report(parameters, iterate, warmup, iterations)


def build(method: str, latent_dim: int) -> Method:
    """The method as `train` builds it with --networks=flexae, but for what both sides set alike.

    Args:
      method: name of a method. latent_dim: dimension m of the codes.
    """
    values = flags.FlagValues()
    settings.define_flags(values)
    rates = {
        "learning_rate": timing.LEARNING_RATE,
        "beta_1": timing.BETA_1,
        "beta_2": timing.BETA_2,
        "epsilon": timing.EPSILON,
    }
    chosen = {"method": method, "networks": "flexae", "latent_dim": latent_dim}
    for name in methods.find(method).settings("paper"):
        for suffix, rate in rates.items():
            if name.endswith(f"_{suffix}"):
                chosen[name] = rate
    values(["ours", *[f"--{name}={value}" for name, value in chosen.items()]])
    return settings.build_method(timing.SHAPE, values)


if __name__ == "__main__":
    main(**timing.task())
