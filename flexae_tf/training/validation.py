"""The error on images that are not trained on, and what follows from it: rates, and an early end.

It is measured in inference mode, by the method's `validation_loss`, in chunks of about the batch
size: a function of the weights. Several workers measure the same and go by the chief's number.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm.method import Method
from flexae_tf.errors import UserError
from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.workers import Agreement


class Validation:
    """Measures the validation error, reduces rates on plateaus, and says when to end early.

    Construct it in the strategy's scope.

    Args:
      method: the Method.
      dataset: its Dataset.
      options: TrainerOptions.
      agreement: the workers' Agreement.

    Raises:
      UserError: an option needs validation images or measurements that there are not.

    Attributes:
      state: {name: tf.Variable} that a checkpoint holds beside those of the plateaus.
    """

    def __init__(
        self, method: Method, dataset: data.Dataset, options: TrainerOptions, agreement: Agreement
    ) -> None:
        self._method, self._options, self._agreement = method, options, agreement
        self._images: Any = dataset.validation
        self._plateaus = {name: p.plateau for name, p in method.players.items() if p.plateau}
        self._check()
        self.state: dict[str, tf.Variable] = {}
        if self._every:
            # The lowest error so far, and the measurements since.
            self.state["patience"] = tf.Variable([math.inf, 0.0], trainable=False)
        self._loss = tf.function(method.validation_loss, autograph=False)

    def due(self, iteration: int) -> bool:
        """Whether iteration number `iteration` is followed by a measurement."""
        last = iteration == self._options.training_steps
        return self._every > 0 and (last or iteration % self._every == 0)

    @property
    def exhausted(self) -> bool:
        """Whether as many measurements as `early_stopping_patience` came without a lower one."""
        patience = self._options.early_stopping_patience
        return patience > 0 and float(self.state["patience"].numpy()[1]) >= patience

    def measure(self, iteration: int) -> tuple[float, Mapping[str, float]]:
        """Measures, at statistics of these weights, and acts on it.

        A last measurement that is out of turn changes nothing, so that a run which is then given
        more iterations has the weights of one that had them from the beginning.

        Returns:
          The error, and {player: rate} of those that plateaus are for.
        """
        error = float(np.float32(self._agreement.of_chief(self._error())))
        if iteration % self._every == 0:
            best, wait = self.state["patience"].numpy().tolist()
            self.state["patience"].assign([error, 0] if error < best else [best, wait + 1])
            for plateau in self._plateaus.values():
                plateau.see(error)
        return error, {name: p.learning_rate for name, p in self._plateaus.items()}

    @property
    def _every(self):
        return self._options.validate_every_steps

    def _error(self):
        """The mean over all validation images of the method's loss."""
        count = len(self._images)
        total = 0.0
        # Of nearly equal size, because a loss may compare the images of a chunk with each other.
        for rows in np.array_split(np.arange(count), math.ceil(count / self._options.batch_size)):
            x = tf.constant(data.to_unit(data.gather(self._images, rows)))
            total += len(rows) * float(self._loss(x))
        return total / count

    def _check(self):
        options = self._options
        if options.validate_every_steps and self._images is None:
            raise UserError("--validate_every_steps needs --validation_images: say how many")
        needing = [
            name for name in ("keep_best", "early_stopping_patience") if getattr(options, name)
        ]
        needing += [f"{name}_schedule=plateau" for name in self._plateaus]
        if needing and not options.validate_every_steps:
            raise UserError(
                f"--{needing[0]} goes by the validation error: add --validation_images and "
                "--validate_every_steps"
            )
