"""The training loop: strategy, iterations, checkpoints, summaries. It knows no loss by name."""

import dataclasses
import math

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import data
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.networks.layers import held_power_iterations, layers_of
from flexae_tf.training import checkpoints, workers
from flexae_tf.training.progress import Progress
from flexae_tf.training.stopping import Interrupted, Stopping
from flexae_tf.training.summaries import Summaries

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker_mirrored")
# Minibatches that the test-time statistics of batch normalization are averaged over.
_STATISTICS_MINIBATCHES = 20


def _option(default, text, choices=None, free=False):
    return dataclasses.field(
        default=default, metadata={"help": text, "choices": choices, "free": free}
    )


@dataclasses.dataclass(frozen=True)
class TrainerOptions:
    """How to train; every field is a flag of the same name (`free`: may change on resuming)."""

    training_steps: int = _option(130_000, "Iterations in all.", free=True)
    batch_size: int = _option(128, "Examples in a global minibatch.")
    max_hours: float = _option(
        0.0, "Stop with a checkpoint after so many hours; 0: never.", free=True
    )
    seed: int = _option(0, "Seed of the initial weights and of every draw.")
    strategy: str = _option(
        "auto", "auto: mirrored with two or more GPUs, else one device.", STRATEGIES, free=True
    )
    xla: bool = _option(False, "Compile the gradient functions with XLA.", free=True)
    sync_batch_norm: bool = _option(
        True, "Above one replica, normalize over the global batch.", free=True
    )
    log_every_steps: int = _option(100, "Scalars to TensorBoard and console.", free=True)
    picture_every_steps: int = _option(1000, "Grids and test error.", free=True)
    checkpoint_every_steps: int = _option(1000, "Checkpoints.", free=True)
    keep_checkpoints: int = _option(3, "How many of the newest checkpoints to keep.", free=True)
    keep_every_steps: int = _option(
        0, "Also keep checkpoints of these multiples; 0: none.", free=True
    )
    test_images: int = _option(1000, "Test images that the test error is taken over.", free=True)
    eval_every_steps: int = _option(0, "Measure FID, PRD, ...; 0: never.", free=True)
    eval_images: int = _option(2048, "Images of each kind in such a measurement.", free=True)

    def __post_init__(self):
        for name in ("training_steps", "seed", "max_hours"):
            _at_least(0, name, getattr(self, name))
        if not math.isfinite(self.max_hours):
            raise UserError(f"--max_hours must be a finite number; received {self.max_hours}")
        for field in dataclasses.fields(self):
            if field.name.endswith("_every_steps"):
                # These two have a 0 that turns them off.
                bound = 0 if field.name in ("keep_every_steps", "eval_every_steps") else 1
                _at_least(bound, field.name, getattr(self, field.name))
        for name in ("batch_size", "keep_checkpoints"):
            _at_least(1, name, getattr(self, name))
        for name in ("test_images", "eval_images"):
            _at_least(2, name, getattr(self, name))
        if self.seed >= 2**32:
            raise UserError(f"--seed must be at most 4294967295; received {self.seed}")


def make_strategy(options):
    """The tf.distribute strategy that the options name. Raises UserError if it cannot be had."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
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


class Trainer:
    """Trains a method on a data set.

    Args:
      build: function without arguments that returns the Method; called in the strategy's scope,
        after the seed of the initial weights is set.
      dataset: a `data.Dataset`.
      options: TrainerOptions.
      run: RunDirectory to write to, or None to keep nothing.
      strategy: what `make_strategy(options)` returned, where that had to come first.
      stopping: a `Stopping` whose hours have begun before; one of `options.max_hours` by default.
      evaluate: function (model, iteration) called every `eval_every_steps`.
    """

    def __init__(
        self, build, dataset, options, run=None, strategy=None, stopping=None, evaluate=None
    ):
        self.options = options
        self.dataset = dataset
        self.strategy = strategy or make_strategy(options)
        keras.utils.set_random_seed(options.seed)
        with self.strategy.scope():
            self.method = build()
            self.method.xla = options.xla
            synchronize_batch_norm(
                self.method, options.sync_batch_norm and self.strategy.num_replicas_in_sync > 1
            )
            self._iteration = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._run = run
        self._stopping = stopping or Stopping(options.max_hours)
        self._agreement = workers.Agreement(self.strategy)
        self._evaluate = evaluate
        self._state = checkpoint_of(self.method, self._iteration)
        self._checkpoints = run and checkpoints.Checkpoints(
            run.checkpoints,
            self._state,
            options.keep_checkpoints,
            options.keep_every_steps,
        )
        self._graph_functions = {}
        self._statistics_iteration = None

    @property
    def model(self):
        """The `Model` that is trained."""
        return self.method.model

    @property
    def iteration(self):
        """How many iterations have been trained."""
        return int(self._iteration.numpy())

    def resume(self, folder=None):
        """Restores the newest readable checkpoint of the run, or of another folder, if any.

        The chief of several workers chooses, and the others restore the same one.

        Raises:
          UserError: a checkpoint is there and cannot be read.
        """
        folder = folder or (self._run and self._run.checkpoints)
        if not folder:
            return
        chief = workers.is_chief(self.strategy)
        if chief:
            checkpoints.Checkpoints(folder, self._state).restore()
        iteration = self._agreement.of_chief(self.iteration)
        if not chief and iteration:
            checkpoints.restore(self._state, folder / f"ckpt-{iteration}")

    def train(self):
        """Trains until `training_steps`, from where the run is (see `resume`).

        Returns:
          The last grid of pictures (a path), or None without a run.

        Raises:
          Interrupted: SIGTERM or SIGINT came, or the hours are over; a checkpoint was saved.
          UserError: a loss or weight is not finite, or a checkpoint cannot be written or read.
        """
        options = self.options
        start = self.iteration
        summaries = Summaries(
            self._run, self.model, tuple(self.method.players), self.dataset, options
        )
        # Iteration number of the losses last seen and not yet checked.
        unchecked = None
        with self._stopping, Progress(start, options.training_steps) as progress:
            iterator = self.iterator(start, options.training_steps)
            for iteration in range(start + 1, options.training_steps + 1):
                reported = self.iterate(iterator, iteration)
                # One iteration late, so that an accelerator never waits for the check.
                self._check_losses(unchecked)
                unchecked = (iteration, reported)
                stop = self._agreement.stop(self._stopping.reason())
                finished = iteration == options.training_steps
                last = stop or finished
                if last or iteration % options.log_every_steps == 0:
                    self._check_losses(unchecked)
                    progress.report(iteration, summaries.scalars(iteration, reported))
                pictures_due = finished or iteration % options.picture_every_steps == 0
                if pictures_due:
                    with held_power_iterations(self.method.networks.values()):
                        error = summaries.test_error(options.batch_size)
                    self._statistics_iteration = None  # that disturbed them
                if last or iteration % options.checkpoint_every_steps == 0:
                    self._check_losses(unchecked)
                    self._save()
                if pictures_due:
                    self.update_statistics()
                    progress.report_line(summaries.pictures(iteration, error))
                if self._evaluate and iteration % options.eval_every_steps == 0:
                    self.update_statistics()
                    self._evaluate(self.model, iteration)
                if stop and not finished:
                    raise Interrupted(stop)
        return summaries.last_grid()

    def iterator(self, start, stop):
        """An iterator over the distributed minibatches of the iterations after `start`."""
        return iter(
            self._distribute(
                self.method.draw_spec,
                self.method.minibatches,
                draws.TRAINING,
                range(start, stop),
            )
        )

    def iterate(self, iterator, iteration=1):
        """Iteration number `iteration`. Returns {name: scalar tensor}, means over the replicas."""
        return self.graph_function(iteration)(iterator)

    def graph_function(self, iteration):
        """The tf.function (iterator) -> reports that runs such an iteration on every replica."""
        step = self.method.step_at(iteration)
        if step not in self._graph_functions:
            self._graph_functions[step] = self._trace(step)
        return self._graph_functions[step]

    def _trace(self, step):
        def replica_step(drawn):
            return step(tf.nest.map_structure(data.to_unit, drawn))

        @tf.function(autograph=False)
        def iterate(iterator):
            reported = self.strategy.run(replica_step, (next(iterator),))
            self._iteration.assign_add(1)
            return {
                name: self.strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
                for name, value in reported.items()
            }

        return iterate

    def update_statistics(self):
        """Brings the test-time statistics of batch normalization up to the present weights."""
        iteration = self.iteration
        if self._statistics_iteration == iteration:
            return
        first = iteration * _STATISTICS_MINIBATCHES
        dataset = self._distribute(
            self.method.statistics_spec(),
            1,
            draws.STATISTICS,
            range(first, first + _STATISTICS_MINIBATCHES),
        )
        for count, (drawn,) in enumerate(dataset):
            self._take_statistics(drawn, tf.constant(count))
        self._statistics_iteration = iteration

    @tf.function(autograph=False)
    def _take_statistics(self, drawn, count):
        def replica(drawn):
            drawn = tf.nest.map_structure(data.to_unit, drawn)
            self.method.update_statistics(drawn)

        with self.method.averaging(count):
            self.strategy.run(replica, (drawn,))

    def _distribute(self, spec, count, stream, numbers):
        def shard(context):
            return draws.pipeline(
                spec,
                self.dataset.train,
                count=count,
                batch_size=self.options.batch_size,
                seed=self.options.seed,
                stream=stream,
                numbers=numbers,
                shard=(context.input_pipeline_id, context.num_input_pipelines),
                replicas=context.num_replicas_in_sync // context.num_input_pipelines,
            )

        return self.strategy.distribute_datasets_from_function(shard)

    def _save(self):
        self.update_statistics()
        for name, network in self.method.networks.items():
            if not all_finite(network):
                self._stop_nonfinite(f"a weight of the {name}", self.iteration)
        if self._run:
            self._checkpoints.save(self.iteration)

    def _check_losses(self, unchecked):
        iteration, reported = unchecked or (0, {})
        for name in self.method.players:
            if name in reported and not np.isfinite(float(reported[name])):
                self._stop_nonfinite(f"the loss of the {name}", iteration)

    def _stop_nonfinite(self, what, iteration):
        kept = checkpoints.iterations(self._run.checkpoints) if self._run else []
        raise UserError(
            f"{what} is not finite at iteration {iteration}; "
            + (f"the checkpoint of iteration {kept[-1]} is intact: " if kept else "")
            + "lower the learning rates, or try another --seed"
        )


def checkpoint_of(method, iteration):
    """The tf.train.Checkpoint of a method's networks and optimizers and the iteration."""
    optimizers = {name: player.optimizer for name, player in method.players.items()}
    return tf.train.Checkpoint(iteration=iteration, networks=method.networks, optimizers=optimizers)


def synchronize_batch_norm(method, synchronized):
    """Says for every BN layer whether it normalizes over all replicas."""
    for norm in layers_of(method.networks.values(), keras.layers.BatchNormalization):
        norm.synchronized = synchronized


def all_finite(network):
    """Whether every weight of a network is finite."""
    return all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in network.weights)


def _at_least(bound, name, value):
    if value < bound:
        raise UserError(f"--{name} must be at least {bound}; received {value}")


def _logical_cpus():
    return [d.name.removeprefix("/device:") for d in tf.config.list_logical_devices("CPU")]
