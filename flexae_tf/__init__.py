"""flexae_tf: generative models built on autoencoders, in Keras 3 and TensorFlow."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from flexae_tf.model import Model

# Read when TensorFlow is imported. oneDNN kernels make training on a CPU 1.4 times faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def load(run_dir: "Path | str", checkpoint: int | str | None = None) -> "Model":
    """Loads a trained model back.

    Args:
      run_dir: a run directory of flexae_tf.train.
      checkpoint: iteration of the checkpoint, or "best" for the one with the lowest validation
        error; the newest readable one by default.

    Returns:
      The `Model`, in inference mode: `encode`, `decode`, `reconstruct`, `interpolate` and
      `sample(n, seed)`, NumPy in and out, images in [0, 1].

    Raises:
      errors.UserError: it is no run directory, or has no such or no readable checkpoint.
    """
    from flexae_tf import runs  # here, so that the package itself imports at once

    return runs.load(run_dir, checkpoint).model
