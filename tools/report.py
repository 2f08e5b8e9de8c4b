"""Writes one self-contained HTML page about a run, or one that compares several.

    python -m tools.report --run_dir=runs/mnist
    python -m tools.report --run_dirs=runs/vae-0,runs/vae-1,runs/ae-0 --output=comparison.html

The page of a run, report.html in its directory, holds the run's pictures, measures beside the
paper's, curves, settings, versions and checkpoints, and loads nothing. Pictures that tools.figures
has not drawn at that checkpoint are drawn first; neighbours by features only with --inception or
--features, because a network over all train images takes long.

The page that compares runs on the same data, which loads nothing either, holds a table of measures
to be sorted, curves in common charts, the same test images reconstructed by each, samples with the
same seed and the settings that differ. Runs that differ in nothing but their seed are one group. A
directory with a comma in its name, as tools.sweep gives them, stands in double quotes.
With --hparams_dir the settings that differ and the measures are written for TensorBoard, too:
tensorboard --logdir FOLDER shows them under HPARAMS.
"""

from absl import flags

from flexae_tf import pictures
from flexae_tf.errors import UserError, run_main
from flexae_tf.report import hparams, html_comparison, html_report

from . import extractor_flags

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory.")
_RUN_DIRS = flags.DEFINE_list("run_dirs", None, "Run directories to compare.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Iteration of the model shown, or best; the newest by default."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Draws samples and chooses test images of pictures to be drawn.", lower_bound=0
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Page of --run_dirs; comparison.html in this folder by default."
)
_HPARAMS_DIR = flags.DEFINE_string(
    "hparams_dir", None, "Folder for TensorBoard's table of hyperparameters of --run_dirs."
)


def main(_: list[str]) -> None:
    extractor_flags.check()
    if bool(_RUN_DIR.value) == bool(_RUN_DIRS.value):
        raise UserError("expected one of --run_dir and --run_dirs")
    if _RUN_DIRS.value:
        _compare(_RUN_DIRS.value)
        return
    if _OUTPUT.value or _HPARAMS_DIR.value:
        raise UserError("--output and --hparams_dir are for --run_dirs")
    make_extractor = extractor_flags.choose if extractor_flags.given() else None
    options = pictures.Options(seed=_SEED.value, make_extractor=make_extractor)
    print(html_report.write(_RUN_DIR.value, options, _CHECKPOINT.value))


def _compare(run_dirs):
    if extractor_flags.given():
        raise UserError("--inception and --features are for --run_dir")
    path = _OUTPUT.value or "comparison.html"
    groups = html_comparison.write(path, run_dirs, _SEED.value, _CHECKPOINT.value)
    print(path)
    if _HPARAMS_DIR.value:
        hparams.write_compared(_HPARAMS_DIR.value, groups)
        print(_HPARAMS_DIR.value)


if __name__ == "__main__":
    run_main(main)
