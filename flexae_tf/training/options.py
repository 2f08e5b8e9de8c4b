"""How to train: options that are flags too. Imports nothing that trains."""

import dataclasses
import math

from flexae_tf.errors import UserError
from flexae_tf.networks.precision import PRECISIONS

# Intervals with a 0 that turns them off.
_MAY_BE_OFF = ("keep_every_steps", "eval_every_steps", "validate_every_steps")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker_mirrored")


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
    ema_half_life_images: float = _option(
        0.0, "Half-life of averages of the weights, to be measured; 0: none."
    )
    seed: int = _option(0, "Seed of the initial weights and of every draw.")
    strategy: str = _option(
        "auto", "auto: mirrored with two or more GPUs, else one device.", STRATEGIES, free=True
    )
    precision: str = _option(
        "float32", "What networks compute in; weights are float32.", PRECISIONS, free=True
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
    validate_every_steps: int = _option(0, "Validation error, and plateaus; 0: never.")
    keep_best: bool = _option(False, "Also keep the checkpoint that validated best.", free=True)
    early_stopping_patience: int = _option(
        0, "End after so many measurements without a better one; 0: never.", free=True
    )
    test_images: int = _option(1000, "Test images that the test error is taken over.", free=True)
    eval_every_steps: int = _option(0, "Measure FID, PRD, ...; 0: never.", free=True)
    eval_images: int = _option(2048, "Images of each kind in such a measurement.", free=True)

    def __post_init__(self) -> None:
        for name in ("training_steps", "seed", "max_hours", "early_stopping_patience"):
            _at_least(0, name, getattr(self, name))
        if not math.isfinite(self.max_hours):
            raise UserError(f"--max_hours must be a finite number; received {self.max_hours}")
        for field in dataclasses.fields(self):
            if field.name.endswith("_every_steps"):
                bound = 0 if field.name in _MAY_BE_OFF else 1
                _at_least(bound, field.name, getattr(self, field.name))
        if not 0 <= self.ema_half_life_images < math.inf:
            raise UserError(
                "--ema_half_life_images must be a finite number of at least 0; "
                f"received {self.ema_half_life_images}"
            )
        for name in ("batch_size", "keep_checkpoints"):
            _at_least(1, name, getattr(self, name))
        for name in ("test_images", "eval_images"):
            _at_least(2, name, getattr(self, name))
        if self.seed >= 2**32:
            raise UserError(f"--seed must be at most 4294967295; received {self.seed}")


def _at_least(bound, name, value):
    if value < bound:
        raise UserError(f"--{name} must be at least {bound}; received {value}")
