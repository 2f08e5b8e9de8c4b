"""What Wasserstein autoencoders share beside the divergence that they minimize.

Tolstikhin et al., "Wasserstein Auto-Encoders", as its program has it: the prior N(0, s I), noise on
the encoder's input in training, and first iterations that only bring the codes' mean and covariance
to the prior's. That program takes at most 200 of these, over 1,000 (MNIST) or 256 examples (CelebA)
at a time, and ends them once the discrepancy is below 0.1; here they are `--pretraining_steps`
minibatches, and the encoder rests while the discrepancy is below, once Adam's momentum is spent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.method import Method, Player, Setting
from flexae_tf.algorithm.replicas import of_all_replicas
from flexae_tf.data import draws
from flexae_tf.model import Model

_PRETRAINED = 0.1


def settings() -> dict[str, Setting]:
    """The settings that they share; defaults are without noise and pre-training."""
    return {
        "prior_variance": Setting(1.0, "s of the normal prior N(0, s I)."),
        "input_noise": Setting(
            0.0, "Deviation of the truncated normal noise on the encoder's input, x in [0, 1]."
        ),
        "pretraining_steps": Setting(0, "First iterations, which only match the codes' moments."),
    }


class Wae(Method):
    """A deterministic autoencoder whose codes are matched to samples z_hat of a prior.

    Args:
      model: the `Model`.
      networks: others, by name.
      players: without that of the pre-training, whose optimizer is as the autoencoder's.
      spec: draw specification, with "x" and "z_hat".
      minibatches: per iteration.
      optimizer: function from a player's name to its optimizer.
      input_noise: deviation of the noise on the encoder's input.
      pretraining_steps: iterations of the pre-training.
    """

    def __init__(
        self,
        model: Model,
        networks: Mapping[str, keras.Model],
        players: Sequence[Player],
        spec: Mapping[str, Any],
        minibatches: int,
        *,
        optimizer: Callable,
        input_noise: float,
        pretraining_steps: int,
    ) -> None:
        self.input_noise, self.pretraining_steps = input_noise, pretraining_steps
        noise = {"input_noise": draws.truncated_normal_like(model.shape)} if input_noise else {}
        first = (
            [Player("pretraining", [model.encoder], optimizer("autoencoder"))]
            if pretraining_steps
            else []
        )
        super().__init__(model, networks, [*players, *first], {**spec, **noise}, minibatches)

    def step_at(self, iteration: int) -> Callable:
        return self.pretraining_step if iteration <= self.pretraining_steps else self.step

    def pretraining_step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of the encoder alone."""
        return self.update(self.moments, drawn[0])

    def moments(self, drawn: Any) -> dict[str, tf.Tensor]:
        """The discrepancy of moments moves the encoder while it is above 0.1."""
        both = of_all_replicas(tf.concat([self.encode(drawn), drawn.z_hat], 1), self.xla)
        discrepancy = objectives.moment_discrepancy(*tf.split(both, 2, axis=1))
        return {
            "pretraining": tf.maximum(discrepancy, _PRETRAINED),
            "wae/moment_discrepancy": discrepancy,
        }

    def encode(self, drawn: Any, training: bool = True) -> tf.Tensor:
        """Codes [B, m] of drawn.x, in training of x with noise."""
        x = drawn.x
        if training and self.input_noise:
            x += self.input_noise * drawn.input_noise
        return self.model.encode_batch(x, training=training)
