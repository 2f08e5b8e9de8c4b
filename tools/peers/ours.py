"""This project's side of tools/benchmark_peers.py: whole iterations of the trainer."""

import numpy as np
import tensorflow as tf

from flexae_tf import methods, networks
from flexae_tf.data.dataset import Dataset
from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.trainer import Trainer
from tools.peers import timing


def main(
    method: str, batch_size: int, latent_dim: int, threads: int, warmup: int, iterations: int
) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    pixels = np.random.default_rng(0).integers(0, 256, (timing.IMAGES, *timing.SHAPE), np.uint8)
    dataset = Dataset("noise", pixels, pixels, None, None, (), "")
    options = TrainerOptions(batch_size=batch_size)
    trainer = Trainer(lambda: _build(method, latent_dim), dataset, options)
    iterator = trainer.iterator(0, warmup + iterations + 1)
    found = trainer.method.networks.items()
    parameters = {name: networks.parameter_count(network) for name, network in found}

    def iterate():
        np.asarray(next(iter(trainer.iterate(iterator).values())))

    timing.report(parameters, iterate, warmup, iterations)


def _build(name, latent_dim):
    module = methods.find(name)
    settings = {key: setting.default for key, setting in module.settings("paper").items()}
    settings["latent_dim"] = latent_dim
    for suffix, value in (
        ("learning_rate", timing.LEARNING_RATE),
        ("beta_1", timing.BETA_1),
        ("beta_2", timing.BETA_2),
    ):
        settings |= {key: value for key in settings if key.endswith(suffix)}
    return module.build(networks.Networks(timing.SHAPE), settings)


if __name__ == "__main__":
    main(**timing.task())
