"""Trains a generative autoencoder: python -m flexae_tf.train --flagfile=configs/digits.cfg

Flags on the command line override those of the flagfile. Everything the run makes is in its run
directory; the same command started again resumes it.

Exit status: 0 finished; 75 stopped by --max_hours, 130 by Ctrl-C and 143 by SIGTERM, each with a
checkpoint; 69 another worker was lost; 2 a mistake or a circumstance that the last line names.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Callable

import tensorflow as tf
from absl import flags

from flexae_tf import methods, settings
from flexae_tf.data import Dataset
from flexae_tf.errors import UserError, run_main
from flexae_tf.model import Model
from flexae_tf.runs import RunDirectory
from flexae_tf.training import workers
from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.stopping import Interrupted, Stopping
from flexae_tf.training.strategy import make_strategy
from flexae_tf.training.trainer import Trainer

settings.define_flags()
FLAGS = flags.FLAGS
flags.DEFINE_list("worker_hosts", [], "host:port of every worker, the chief's first.")
flags.DEFINE_integer("worker_index", None, "Which of --worker_hosts this process is, from 0.")
flags.DEFINE_string("inception", None, "For --eval_every_steps: see tools.evaluate.")
flags.DEFINE_string("features", None, "For --eval_every_steps: see tools.evaluate.")


def main(_: list[str]) -> int:
    options = settings.trainer_options()
    stopping = Stopping(options.max_hours)
    methods.find(FLAGS.method)  # before the data, which can take a while
    configure_workers(options)
    with workers.lost():
        # Before the data: decoding them runs TensorFlow, after which devices cannot be set up.
        strategy = make_strategy(options)
        return train(options, strategy, stopping)


def configure_workers(options: TrainerOptions) -> None:
    """Says to TensorFlow which workers there are. Raises UserError where the flags disagree."""
    if options.strategy == "multi_worker_mirrored":
        workers.configure(FLAGS.worker_hosts, FLAGS.worker_index)
    elif FLAGS.worker_hosts or FLAGS.worker_index is not None:
        raise UserError("--worker_hosts and --worker_index need --strategy=multi_worker_mirrored")


def train(options: TrainerOptions, strategy: tf.distribute.Strategy, stopping: Stopping) -> int:
    """Trains what the flags say. Returns the exit status."""
    dataset = settings.load_dataset()
    resolved = settings.resolved(dataset.shape)
    shared = RunDirectory(FLAGS.run_dir or default_run_dir())
    with contextlib.ExitStack() as stack:
        run = shared
        if not workers.is_chief(strategy):
            # The other workers do all that the chief does, because reading a replicated variable
            # takes every worker, but nobody keeps what they write.
            run = RunDirectory(stack.enter_context(tempfile.TemporaryDirectory()))
            options = dataclasses.replace(options, keep_checkpoints=1, keep_every_steps=0)
        run.create()
        stack.enter_context(run.lock())
        build = functools.partial(settings.build_method, dataset.shape)
        evaluate = evaluator(dataset, run)
        trainer = Trainer(build, dataset, options, run, strategy, stopping, evaluate)
        run.adopt(resolved, settings.FREE, dataset)  # not before it is known that this can be built
        trainer.resume(shared.checkpoints)
        try:
            grid = trainer.train()
        except Interrupted as stop:
            print(f"stopped by {stop} at iteration {trainer.iteration}; start again to resume")
            return stop.status
    print(f"trained {trainer.iteration} iterations; examples: {grid}")
    return 0


def evaluator(dataset: Dataset, run: RunDirectory) -> Callable[[Model, int], None] | None:
    """The function (model, iteration) that measures a model during training, or None.

    Its numbers have a folder of their own in TensorBoard: with fewer images they cannot be compared
    with those of tools.evaluate.
    """
    if not FLAGS.eval_every_steps:
        return None
    # Here, because it takes as long to import as TensorFlow.
    from flexae_tf.evaluation import pretrained, report, suite

    extractor = pretrained.choose(dataset.shape, FLAGS.inception, FLAGS.features)

    def evaluate(model, iteration):
        metrics = suite.evaluate_small(
            model, dataset, extractor, FLAGS.eval_images, FLAGS.seed, FLAGS.cache_dir
        )
        report.write_summaries(report.record(metrics, {}), run.eval / "training", iteration)

    return evaluate


def default_run_dir() -> str:
    """runs/<data set>-<method>-<variant>-<seed>."""
    return f"runs/{FLAGS.dataset}-{FLAGS.method}-{FLAGS.variant}-{FLAGS.seed}"


if __name__ == "__main__":
    run_main(main)
