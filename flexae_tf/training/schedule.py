"""What follows an iteration: scalars, pictures, a checkpoint, a measurement."""

import dataclasses

from flexae_tf.training.options import TrainerOptions


@dataclasses.dataclass(frozen=True)
class Due:
    """What follows an iteration.

    Attributes:
      scalars: to TensorBoard and the console.
      pictures: grids, and the test errors.
      checkpoint: of the iteration.
      evaluation: FID, PRD and so on.
    """

    scalars: bool
    pictures: bool
    checkpoint: bool
    evaluation: bool


def due(options: TrainerOptions, iteration: int, stop: int, ended: bool = False) -> Due:
    """What follows iteration number `iteration` (1 is the first).

    The last one has scalars, pictures and a checkpoint; one that training stops at has scalars and
    a checkpoint, as there may be little time.

    Args:
      stop: why training stops here, or 0.
      ended: whether it is the last one, whatever `training_steps` is.
    """

    def every(steps):
        return steps > 0 and iteration % steps == 0

    finished = ended or iteration == options.training_steps
    last = finished or bool(stop)
    return Due(
        scalars=last or every(options.log_every_steps),
        pictures=finished or every(options.picture_every_steps),
        checkpoint=last or every(options.checkpoint_every_steps),
        evaluation=every(options.eval_every_steps),
    )
