"""Trains a generative autoencoder: python -m flexae_tf.train --flagfile=configs/digits.cfg

Flags on the command line override those of the flagfile. Everything the run makes is in its run
directory; the same command started again resumes it.
"""

import contextlib
import functools
import tempfile

from absl import flags

from flexae_tf import methods, settings
from flexae_tf.errors import run_main
from flexae_tf.runs import RunDirectory
from flexae_tf.trainer import Interrupted, Trainer, is_chief, make_strategy

settings.define_flags()
FLAGS = flags.FLAGS
flags.DEFINE_string("inception", None, "For --eval_every_steps: see tools.evaluate.")
flags.DEFINE_string("features", None, "For --eval_every_steps: see tools.evaluate.")


def main(_):
    options = settings.trainer_options()
    method = methods.find(FLAGS.method)
    # Before the data: decoding them runs TensorFlow, after which devices cannot be set up.
    strategy = make_strategy(options)
    dataset = settings.load_dataset()
    resolved = settings.resolved(dataset.shape)
    shared = RunDirectory(FLAGS.run_dir or default_run_dir())
    with contextlib.ExitStack() as stack:
        run = shared
        if not is_chief(strategy):
            # The other workers do all that the chief does, because reading a replicated variable
            # takes every worker, but nobody keeps what they write.
            run = RunDirectory(stack.enter_context(tempfile.TemporaryDirectory()))
        run.create()
        stack.enter_context(run.lock())
        run.adopt(resolved, settings.FREE, dataset)
        build = functools.partial(
            method.build,
            dataset.shape,
            FLAGS.variant,
            settings.method_settings(dataset.shape),
        )
        trainer = Trainer(build, dataset, options, run, strategy, evaluator(dataset, run))
        trainer.resume(shared.checkpoints)
        try:
            grid = trainer.train()
        except Interrupted as stop:
            print(f"stopped by {stop} at iteration {trainer.iteration}; start again to resume")
            return 128 + stop.signum
    print(f"trained {trainer.iteration} iterations; generated examples: {grid}")
    return 0


def evaluator(dataset, run):
    """The function (method, iteration) that measures a model during training, or None.

    Its numbers have a folder of their own in TensorBoard: with fewer images they cannot be compared
    with those of tools.evaluate.
    """
    if not FLAGS.eval_every_steps:
        return None
    # Here, because it takes as long to import as TensorFlow.
    from flexae_tf.evaluation import pretrained, report, suite

    extractor = pretrained.choose(dataset.shape, FLAGS.inception, FLAGS.features)

    def evaluate(method, iteration):
        metrics = suite.evaluate_small(
            method, dataset, extractor, FLAGS.eval_images, FLAGS.seed, FLAGS.cache_dir
        )
        report.write_summaries(report.record(metrics, {}), run.eval / "training", iteration)

    return evaluate


def default_run_dir():
    """runs/<data set>-<method>-<variant>-<seed>."""
    return f"runs/{FLAGS.dataset}-{FLAGS.method}-{FLAGS.variant}-{FLAGS.seed}"


if __name__ == "__main__":
    run_main(main)
