"""Writes a run's codes for TensorBoard's projector.

    python -m tools.projector --run_dir=runs/mnist
    tensorboard --logdir runs/mnist

Test examples' codes E(x), their classes or attributes and, unless they are vectors, their images
go into the run's train/; TensorBoard shows them under PROJECTOR, coloured by class, in the plane or
space of principal components, t-SNE or UMAP. Another checkpoint replaces them. Prints the
command line of TensorBoard.
"""

from absl import flags

from flexae_tf import runs
from flexae_tf.errors import run_main
from flexae_tf.report import projector

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory.", required=True)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Iteration of the checkpoint, or best; the newest one by default."
)
_COUNT = flags.DEFINE_integer("count", projector.POINTS, "Test examples, at most.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Chooses the test examples.", lower_bound=0)


def main(_: list[str]) -> None:
    run = runs.load(_RUN_DIR.value, _CHECKPOINT.value)
    folder = projector.write(run, run.load_dataset(), _COUNT.value, _SEED.value)
    print(f"tensorboard --logdir {folder}")


if __name__ == "__main__":
    run_main(main)
