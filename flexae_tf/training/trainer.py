"""The training loop. It knows no loss by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm.method import Method
from flexae_tf.data import draws
from flexae_tf.model import Model
from flexae_tf.networks import precision
from flexae_tf.training import workers
from flexae_tf.training.averages import Averages
from flexae_tf.training.drawing import Drawing
from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.progress import Progress
from flexae_tf.training.saving import LossCheck, Saving
from flexae_tf.training.schedule import due
from flexae_tf.training.statistics import Statistics
from flexae_tf.training.stopping import Interrupted, Stopping
from flexae_tf.training.strategy import make_strategy, synchronize_batch_norm
from flexae_tf.training.summaries import Summaries
from flexae_tf.training.validation import Validation


class Trainer:
    """Trains a method on a data set.

    Args:
      build: function without arguments that returns the Method; called in the strategy's scope
        and in that of `options.precision`, after the seed of the initial weights is set.
      dataset: a `data.Dataset`.
      options: TrainerOptions.
      run: RunDirectory to write to, or None to keep nothing.
      strategy: what `make_strategy(options)` returned, where that had to come first.
      stopping: a `Stopping` whose hours have begun before; one of `options.max_hours` by default.
      evaluate: function (model, iteration) called every `eval_every_steps`.

    Attributes:
      method: the Method. dataset, options: as given.
      averages: the Averages of its weights. statistics: its Statistics of batch normalization.
      saving: the Saving of its checkpoints. validation: its Validation.
    """

    def __init__(
        self,
        build: Callable[[], Method],
        dataset: data.Dataset,
        options: TrainerOptions,
        run: Any = None,
        strategy: tf.distribute.Strategy | None = None,
        stopping: Stopping | None = None,
        evaluate: Callable | None = None,
    ) -> None:
        self.dataset, self.options = dataset, options
        self._run, self._evaluate = run, evaluate
        self._strategy = strategy or make_strategy(options)
        keras.utils.set_random_seed(options.seed)
        with self._strategy.scope(), precision.networks_in(options.precision):
            self.method = build()
            self.method.initialize(dataset.train)
            self.method.xla = options.xla
            several = self._strategy.num_replicas_in_sync > 1
            synchronize_batch_norm(self.method, options.sync_batch_norm and several)
            self._iteration = tf.Variable(0, dtype=tf.int64, trainable=False)
            self._agreement = workers.Agreement(self._strategy)
            self.validation = Validation(self.method, dataset, options, self._agreement)
            half_life = options.ema_half_life_images
            self.averages = Averages(self.method, half_life, options.batch_size)
        self._stopping = stopping or Stopping(options.max_hours)
        self._drawing = Drawing(self._strategy, dataset.train, options.batch_size, options.seed)
        drawn = self._drawing, self._iteration
        self.statistics = Statistics(self._strategy, self.method, *drawn, self.averages)
        states = self.validation.state, self.averages.state
        self.saving = Saving(self.method, self._iteration, run, options, self._agreement, *states)
        self._graph_functions = {}

    @property
    def model(self) -> Model:
        """The `Model` that is trained."""
        return self.method.model

    @property
    def iteration(self) -> int:
        """How many iterations have been trained."""
        return int(self._iteration.numpy())

    def train(self) -> Path | None:
        """Trains until `training_steps` or an early end, from where the run is (see `resume`).

        Returns:
          The last grid of pictures (a path), or None without a run.

        Raises:
          Interrupted: SIGTERM or SIGINT came, or the hours are over; a checkpoint was saved.
          UserError: a loss or weight is not finite, or a checkpoint cannot be written or read.
        """
        start, steps = self.iteration, self.options.training_steps
        if self.validation.exhausted:
            steps = start
        players = tuple(self.method.players)
        summaries = Summaries(self._run, self.model, players, self.dataset, self.options)
        losses = LossCheck(players, self._run)
        with self._stopping, Progress(start, steps) as progress:
            iterator = self.iterator(start, steps)
            for iteration in range(start + 1, steps + 1):
                reported = self.iterate(iterator, iteration)
                losses.see(iteration, reported)  # checks those of the iteration before
                stop = self._agreement.stop(self._stopping.reason())
                ended = iteration == steps
                if self.validation.due(iteration):  # whatever stops here: rates depend on it
                    losses.check()
                    self._validate(iteration, summaries, progress)
                    ended |= self.validation.exhausted
                now = due(self.options, iteration, stop, ended)
                if now.scalars:
                    losses.check()
                    progress.report(iteration, summaries.scalars(iteration, reported))
                if now.pictures:  # before the checkpoint, which has statistics in order again
                    with self.statistics.disturbed():
                        error = summaries.test_error(self.options.batch_size)
                if now.checkpoint:
                    losses.check()
                    self.statistics.update_all()
                    self.saving.save()
                if now.pictures:
                    with self.statistics.measured():
                        progress.report_line(summaries.pictures(iteration, error))
                if now.evaluation and self._evaluate:
                    with self.statistics.measured():
                        self._evaluate(self.model, iteration)
                if ended:
                    break
                if stop:
                    raise Interrupted(stop)
        return summaries.last_grid()

    def _validate(self, iteration, summaries, progress):
        with self.statistics.measured():
            error, rates = self.validation.measure(iteration)
        progress.report_line(summaries.validation(iteration, error, rates))
        if self.options.keep_best:
            self.statistics.update_all()
            self.saving.save_best(error)

    def iterator(self, start: int, stop: int) -> Iterator:
        """An iterator over the distributed minibatches of the iterations after `start`."""
        method = self.method
        return iter(
            self._drawing.minibatches(
                method.draw_spec, method.minibatches, draws.TRAINING, range(start, stop)
            )
        )

    def iterate(self, iterator: Iterator, iteration: int = 1) -> dict[str, tf.Tensor]:
        """Iteration number `iteration`. Returns {name: scalar tensor}, means over the replicas."""
        frozen_after = self.method.frozen_after
        if frozen_after is not None and iteration > frozen_after:
            self.statistics.update()  # which the step reads
        return self.graph_function(iteration)(iterator)

    def graph_function(self, iteration: int) -> tf.types.experimental.PolymorphicFunction:
        """The tf.function (iterator) -> reports that runs such an iteration on every replica."""
        step = self.method.step_at(iteration)
        if step not in self._graph_functions:
            after = self._iteration, self.averages
            self._graph_functions[step] = _traced(step, self._strategy, *after)
        return self._graph_functions[step]

    def resume(self, folder: Path | None = None) -> None:
        """As `Saving.resume`, of the run's checkpoints or of those in another folder."""
        folder = folder or (self._run and self._run.checkpoints)
        if folder:
            self.saving.resume(folder)


def _traced(step, strategy, counter, averages):
    """The tf.function of a method's step on every replica; it counts, and averages the weights."""

    def replica_step(drawn):
        return step(tf.nest.map_structure(data.to_unit, drawn))

    @tf.function(autograph=False)
    def iterate(iterator):
        reported = strategy.run(replica_step, (next(iterator),))
        counter.assign_add(1)
        averages.update(strategy, counter)
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
            for name, value in reported.items()
        }

    return iterate
