"""Saving what is trained, and only what is finite: losses and weights are checked before."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.method import Method
from flexae_tf.errors import UserError
from flexae_tf.training import workers
from flexae_tf.training.best import Best
from flexae_tf.training.checkpoints import LOSS_SCALES, Checkpoints, iterations, restore
from flexae_tf.training.options import TrainerOptions

# Of losses in float16: thirty steps in a row were left out, and more would be in silence.
_LEAST_SCALE = 2.0**-15


class Saving:
    """Writes checkpoints whose weights are all finite.

    Args:
      method: the Method.
      iteration: tf.Variable, how many iterations have been trained.
      run: RunDirectory to write to, or None to check only.
      options: TrainerOptions.
      agreement: the workers' Agreement.
      validation, averages: the `state` of a `Validation` and of `Averages`.

    Attributes:
      state: the tf.train.Checkpoint of all that is saved.
    """

    def __init__(
        self,
        method: Method,
        iteration: tf.Variable,
        run: Any,
        options: TrainerOptions,
        agreement: workers.Agreement,
        validation: Mapping[str, tf.Variable],
        averages: Mapping[str, list] = types.MappingProxyType({}),
    ) -> None:
        self.state = checkpoint_of(method, iteration, validation, averages)
        self._agreement = agreement
        self._networks, self._iteration, self._run = method.networks, iteration, run
        self._checkpoints = run and Checkpoints(
            run.checkpoints, self.state, options.keep_checkpoints, options.keep_every_steps
        )

    def save(self) -> None:
        """Writes a checkpoint.

        Raises:
          UserError: a weight is not finite, or the checkpoint cannot be written.
        """
        iteration = self._checked()
        if self._run:
            self._checkpoints.save(iteration)

    def save_best(self, error: float) -> None:
        """Writes a checkpoint beside the others if none had a lower validation error.

        Raises:
          UserError: as `save`.
        """
        if not self._run:
            return
        best = Best(self._run.best)
        # The other workers have folders of their own, which are new in every start.
        if self._agreement.of_chief(int(error < best.error)):
            best.save(self.state, self._checked(), error)

    def resume(self, folder: Path) -> None:
        """Restores the newest readable checkpoint of a folder, if any.

        The chief of several workers chooses, and the others restore the same one.

        Raises:
          UserError: a checkpoint is there and cannot be read.
        """
        chief = self._agreement.is_chief
        if chief:
            Checkpoints(folder, self.state).restore()
        iteration = self._agreement.of_chief(int(self._iteration.numpy()))
        if not chief and iteration:
            restore(self.state, folder / f"ckpt-{iteration}")

    def _checked(self):
        """The iteration. Raises UserError if a weight is not finite."""
        iteration = int(self._iteration.numpy())
        for name, network in self._networks.items():
            if not all_finite(network):
                raise not_finite(f"a weight of the {name}", iteration, self._run)
        return iteration


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
            if float(self._reported.get(f"loss_scale/{name}", 1)) < _LEAST_SCALE:
                raise not_finite(f"every gradient of the {name}", self._iteration, self._run)


def checkpoint_of(
    method: Method,
    iteration: tf.Variable,
    validation: Mapping[str, tf.Variable] = types.MappingProxyType({}),
    averages: Mapping[str, list] = types.MappingProxyType({}),
) -> tf.train.Checkpoint:
    """The checkpoint of a method's networks and optimizers, and the iteration (a tf.Variable).

    Also of what goes by the validation error, where that is measured: the plateaus of the method,
    and variables by name; and of the averages of the weights. Loss scales, where there are any,
    stand beside the optimizers, so that these are the same in every precision.
    """
    optimizers = {name: player.optimizer for name, player in method.players.items()}
    scales = {name: p.loss_scale.state for name, p in method.players.items() if p.loss_scale}
    plateaus = {name: p.plateau.state for name, p in method.players.items() if p.plateau}
    more = {"plateaus": plateaus, "validation": dict(validation), LOSS_SCALES: scales}
    more["averages"] = dict(averages)
    return tf.train.Checkpoint(
        iteration=iteration,
        networks=method.networks,
        optimizers=optimizers,
        **{name: variables for name, variables in more.items() if variables},
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
