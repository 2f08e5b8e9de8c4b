"""Saving what is trained, and only what is finite: losses and weights are checked before."""

from collections.abc import Collection
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.method import Method
from flexae_tf.errors import UserError
from flexae_tf.training.checkpoints import Checkpoints, iterations
from flexae_tf.training.options import TrainerOptions


class Saving:
    """Writes checkpoints whose weights are all finite.

    Args:
      method: the Method.
      iteration: tf.Variable, how many iterations have been trained.
      run: RunDirectory to write to, or None to check only.
      options: TrainerOptions.

    Attributes:
      state: the tf.train.Checkpoint of all that is saved.
    """

    def __init__(
        self, method: Method, iteration: tf.Variable, run: Any, options: TrainerOptions
    ) -> None:
        self.state = checkpoint_of(method, iteration)
        self._networks, self._iteration, self._run = method.networks, iteration, run
        self._checkpoints = run and Checkpoints(
            run.checkpoints, self.state, options.keep_checkpoints, options.keep_every_steps
        )

    def save(self) -> None:
        """Writes a checkpoint.

        Raises:
          UserError: a weight is not finite, or the checkpoint cannot be written.
        """
        iteration = int(self._iteration.numpy())
        for name, network in self._networks.items():
            if not all_finite(network):
                raise not_finite(f"a weight of the {name}", iteration, self._run)
        if self._run:
            self._checkpoints.save(iteration)


class LossCheck:
    """Checks that losses are finite, one iteration late, so that an accelerator never waits for it.

    Args:
      players: names of the losses; what else an iteration reports may be anything.
      run: RunDirectory whose checkpoints a message names, or None.
    """

    def __init__(self, players: Collection[str], run: Any) -> None:
        self._players, self._run = list(players), run
        self._iteration, self._reported = 0, {}

    def see(self, iteration: int, reported: dict[str, tf.Tensor]) -> None:
        """Checks what an iteration before reported, and keeps this for later.

        Args:
          reported: {name: scalar tensor}.

        Raises:
          UserError: a loss of the iteration before is not finite.
        """
        self.check()
        self._iteration, self._reported = iteration, reported

    def check(self) -> None:
        """Checks what was seen last. Raises UserError, as `see` would in the next iteration."""
        for name in self._players:
            if name in self._reported and not np.isfinite(float(self._reported[name])):
                raise not_finite(f"the loss of the {name}", self._iteration, self._run)


def checkpoint_of(method: Method, iteration: tf.Variable) -> tf.train.Checkpoint:
    """The checkpoint of a method's networks and optimizers and the iteration (a tf.Variable).

    Loss scales, where there are any, stand beside the optimizers, so that these are the same in
    every precision.
    """
    players = method.players.items()
    optimizers = {name: player.optimizer for name, player in players}
    scales = {name: player.loss_scale.state for name, player in players if player.loss_scale}
    return tf.train.Checkpoint(
        iteration=iteration,
        networks=method.networks,
        optimizers=optimizers,
        **({"loss_scales": scales} if scales else {}),
    )


def all_finite(network: keras.Model) -> bool:
    """Whether every weight of a network is finite."""
    return all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in network.weights)


def not_finite(what: str, iteration: int, run: Any) -> UserError:
    """The error that says what is not finite, and which checkpoint of a run (or None) is intact."""
    kept = iterations(run.checkpoints) if run else []
    return UserError(
        f"{what} is not finite at iteration {iteration}; "
        + (f"the checkpoint of iteration {kept[-1]} is intact: " if kept else "")
        + "lower the learning rates, or try another --seed"
    )
