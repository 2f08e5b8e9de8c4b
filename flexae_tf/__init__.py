"""flexae_tf: generative models built on autoencoders, in Keras 3 and TensorFlow."""

from typing import TYPE_CHECKING

from flexae_tf import backend, quiet

if TYPE_CHECKING:
    from pathlib import Path

    from flexae_tf.model import Model

backend.prepare()
if backend.is_command():
    quiet.begin()
    backend.defer()


def load(
    run_dir: "Path | str", checkpoint: int | str | None = None, averaged: bool = True
) -> "Model":
    """Loads a trained model back.

    Args:
      run_dir: a run directory of flexae_tf.train.
      checkpoint: iteration of the checkpoint, or "best" for the one with the lowest validation
        error; the newest readable one by default.
      averaged: with the averages of the weights where the run has such (--ema_half_life_images);
        False for the weights of the iteration.

    Returns:
      The `Model`, in inference mode: `encode`, `decode`, `reconstruct`, `interpolate` and
      `sample(n, seed)`, NumPy in and out, images in [0, 1].

    Raises:
      errors.UserError: it is no run directory, or has no such or no readable checkpoint.
    """
    from flexae_tf import runs  # here, so that the package itself imports at once

    return runs.load(run_dir, checkpoint, averaged).model
