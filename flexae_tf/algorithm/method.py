"""What a method is: networks, players, and a step that reads as the paper's algorithm.

A *player* is one optimizer and the variables it moves. An *objective* is a function of a minibatch
that returns {player: loss} after one shared forward pass; what else it returns under other names
is only reported. `Method.update` is the one place with a gradient tape, replica scaling, XLA and
optimizers. A method's `step` is plain Python over `update`; a strategy runs it on each replica.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.optimizers import OPTIMIZERS
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.model import Model
from flexae_tf.networks import Networks
from flexae_tf.networks.precision import any_in_float16, keep_output_in_float32

_SCHEDULE = "constant, halve:N, piecewise:N=F,..., exponential:N=F, linear:N=M, plateau:...: rate"


@dataclasses.dataclass(frozen=True)
class Setting:
    """A hyperparameter of a method, and the flag of the same name.

    Attributes:
      default: its value, or None where it follows from the data or the networks.
      help: one line for --help.
      choices: the allowed values, or None for any of the default's type.
      kind: the type of a setting whose default is None.
      derived: function (Networks) -> the value that follows from them, where that is so.
      former: its value in runs whose flags.cfg lacks it, where that is not the default.
    """

    default: int | float | str | bool | None
    help: str
    choices: Collection[str] | None = None
    kind: type = int
    derived: Callable[[Networks], int | float | str] | None = None
    former: int | float | str | bool | None = None


class Player:
    """An optimizer and the variables it moves; with networks in float16, a loss scale of its own.

    Args:
      name: the player's name: of its loss, its flags and its TensorBoard tags.
      networks: those whose trainable variables it moves, within the constraints that these have.
      optimizer: a Keras optimizer of its own; built here, as tf.distribute needs.

    Attributes:
      plateau: the `schedules.Plateau` that its rate follows, or None.
    """

    def __init__(
        self, name: str, networks: Iterable[keras.Model], optimizer: keras.optimizers.Optimizer
    ) -> None:
        from flexae_tf.algorithm.loss_scale import LossScale
        from flexae_tf.algorithm.schedules import Plateau

        self.name = name
        networks = list(networks)
        self.variables = [v for network in networks for v in network.trainable_variables]
        self.optimizer = optimizer
        self.loss_scale = LossScale(optimizer) if any_in_float16(networks) else None
        (self.loss_scale or optimizer).build(self.variables)
        rate = optimizer._learning_rate
        self.plateau = rate if isinstance(rate, Plateau) else None

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss whose gradients `apply` takes."""
        return loss if self.loss_scale is None else self.loss_scale.scale_loss(loss)

    def gradients(self, tape: tf.GradientTape, loss: tf.Tensor) -> list[tf.Tensor]:
        """Of a loss by its variables; 0 by those that the loss does not depend on."""
        found = zip(tape.gradient(loss, self.variables), self.variables, strict=True)
        return [tf.zeros(v.shape) if gradient is None else gradient for gradient, v in found]

    def apply(self, gradients: list[tf.Tensor]) -> None:
        """One step of the optimizer, left out where a scaled gradient is not finite."""
        (self.loss_scale or self.optimizer).apply(gradients, self.variables)


class Method(abc.ABC):
    """An algorithm that trains a generative autoencoder.

    Attributes:
      model: the `Model` that it trains.
      networks: {name: keras.Model}, all that is saved: the model's "encoder" and "decoder", and
        those that are given beside them.
      players: {name: Player}.
      draw_spec: what a minibatch holds (see `draws`).
      minibatches: how many minibatches an iteration takes.
      frozen_after: iterations after which encoder and decoder stay as they are, so that steps may
        run them in inference mode: their statistics are from then on those of that iteration.
    """

    frozen_after: int | None = None

    def __init__(
        self,
        model: Model,
        networks: Mapping[str, keras.Model],
        players: Iterable[Player],
        draw_spec: Mapping[str, Any],
        minibatches: int,
    ) -> None:
        self.model = model
        self.networks = {"encoder": model.encoder, "decoder": model.decoder, **networks}
        for network in self.networks.values():
            keep_output_in_float32(network)
        self.players = {player.name: player for player in players}
        self.draw_spec = draw_spec
        self.minibatches = minibatches
        self.xla = False
        self._differentiated = {}

    def initialize(self, images: np.ndarray) -> None:
        """Sets the initial weights that follow from the train set, where there are such.

        Called once, before a run's first iteration or before its weights are read back.

        Args:
          images: uint8 [N, H, W, C], or float32 [N, D].

        Raises:
          UserError: the images are too few.
        """
        del images

    @abc.abstractmethod
    def step(self, drawn: tuple) -> dict[str, tf.Tensor]:
        """One iteration of the algorithm.

        Args:
          drawn: tuple of `minibatches` records, images float32 as the networks take them.

        Returns:
          {name: tensor}: each player's loss just before its update, a scalar, and what else an
          objective reports, scalars and vectors.
        """

    def step_at(self, iteration: int) -> Callable:
        """The step of an iteration (1 is the first), for a method with stages."""
        del iteration
        return self.step

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        """What says how good the weights are, of images that are not trained on, a scalar.

        In inference mode and with the same noise each time, so that it is a function of the
        weights. A method with one objective takes that; of several that are played against each
        other none says it, so here it is the reconstruction error of an image.

        Args:
          x: float32 [B, ...], as the networks take them.
        """
        return objectives.squared_error(self.model.image_of(x), self.model.reconstruct_batch(x))

    def _validated(self, objective, x):
        """The loss of `validation_loss` by an objective (drawn, training) of one player."""
        drawn = draws.around(self.draw_spec, x, draws.key(0, draws.VALIDATION, 0))
        return objective(drawn, training=False)["autoencoder"]

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        """The kinds of codes whose equal mixture the decoder's test-time statistics stand for.

        Args:
          drawn: a minibatch of `statistics_spec`.
          z, z_prime: the encoder's outputs for drawn.x and drawn.x_prime, in training mode.

        Returns:
          A list of [B, m].
        """
        del drawn, z_prime
        return [z]

    def update(self, objective: Callable, drawn: Any) -> dict[str, tf.Tensor]:
        """Moves the players of one objective and returns what it reported.

        The gradients of all its players are taken at the same weights and then applied. Losses are
        means over the replica's part of the minibatch and Keras optimizers sum gradients over
        replicas, hence the division by their number.
        """
        reported, gradients = self._differentiate(objective)(drawn)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        for name, gradient in gradients.items():
            player = self.players[name]
            # Of the replica's own minibatch: the norm of the sum would take a second reduction.
            norm = replicas * tf.linalg.global_norm(gradient)
            if player.loss_scale is not None:
                scale = reported[f"loss_scale/{name}"] = player.scaled(tf.constant(1.0))
                norm /= scale
            reported[f"gradient_norm/{name}"] = norm
            player.apply(gradient)
        return reported

    def _differentiate(self, objective):
        """The function drawn -> ({name: scalar}, {player: gradients}) of an objective.

        One graph function serves every call of an objective, so that five critic steps are traced
        (and compiled, with XLA) once. Above one replica only XLA gets one: synchronized batch
        normalization cannot be traced inside a nested function.
        """
        if objective not in self._differentiated:
            replicas = tf.distribute.get_strategy().num_replicas_in_sync

            def function(drawn):
                with tf.GradientTape(persistent=True) as tape:
                    reported = objective(drawn)
                    losses = {
                        k: self.players[k].scaled(v / replicas)
                        for k, v in reported.items()
                        if k in self.players
                    }
                gradients = {k: self.players[k].gradients(tape, v) for k, v in losses.items()}
                return reported, gradients

            if self.xla or replicas == 1:
                function = tf.function(function, jit_compile=self.xla, autograph=False)
            self._differentiated[objective] = function
        return self._differentiated[objective]

    def statistics_spec(self) -> dict[str, Any]:
        """Draw specification of the minibatches that the test-time statistics are taken over."""
        # In this order, which the random numbers depend on.
        n = {} if self.model.density is None else {"n": self.model.density.noise}
        return {"x": draws.IMAGES, "x_prime": draws.IMAGES, **n, "gamma": draws.uniform}


def adam_settings(
    player: str,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    schedule: str = "constant",
    epsilon: float = 1e-8,
    optimizer: str = "adam",
) -> dict[str, Setting]:
    """The settings of a player's optimizer, Adam unless one says otherwise, for `settings`."""
    return {
        f"{player}_learning_rate": Setting(learning_rate, f"Learning rate of the {player}."),
        f"{player}_beta_1": Setting(beta_1, f"beta_1 of the {player}; RMSProp's momentum."),
        f"{player}_beta_2": Setting(beta_2, f"beta_2 of the {player}; RMSProp's rho."),
        f"{player}_epsilon": Setting(epsilon, f"Epsilon of the {player}'s optimizer."),
        f"{player}_schedule": Setting(schedule, f"{_SCHEDULE} of the {player}."),
        f"{player}_optimizer": Setting(optimizer, f"Of the {player}.", tuple(OPTIMIZERS)),
    }


def rmsprop_settings(player: str, learning_rate: float, rho: float) -> dict[str, Setting]:
    """The same for RMSProp without momentum, with TF 1's epsilon."""
    return adam_settings(player, learning_rate, 0.0, rho, epsilon=1e-10, optimizer="rmsprop")


def halving_setting() -> dict[str, Setting]:
    """The setting that halves the learning rates of all players of a method."""
    text = "Iterations after which learning rates are halved, again and again; 0: never."
    return {"halve_rates_every_steps": Setting(0, text)}


def optimizer_from(
    settings: Mapping[str, Any], player: str, updates: int | None = None
) -> keras.optimizers.Optimizer:
    """The optimizer that `adam_settings` (and `halving_setting`) describe.

    Args:
      updates: of the player in an iteration; by default the setting `critic_steps` of a critic,
        `<player>_steps` of another, and 1 without it.

    Raises:
      UserError: the rate is to be halved and to follow a schedule, too.
    """
    from flexae_tf.algorithm import schedules

    learning_rate, schedule = settings[f"{player}_learning_rate"], settings[f"{player}_schedule"]
    halve_every_steps = settings.get("halve_rates_every_steps", 0)
    if halve_every_steps:
        if schedule != schedules.CONSTANT:
            raise UserError(
                f"--{player}_schedule={schedule} and a rate that is halved every "
                f"{halve_every_steps} iterations exclude each other: give one of them"
            )
        schedule = f"halve:{halve_every_steps}"
    if updates is None:
        steps = "critic_steps" if player.endswith("_critic") else f"{player}_steps"
        updates = settings.get(steps, 1)
    rate = schedules.rate(schedule, learning_rate, updates)
    values = [settings[f"{player}_{name}"] for name in ("beta_1", "beta_2", "epsilon")]
    return OPTIMIZERS[settings[f"{player}_optimizer"]](rate, *values)
