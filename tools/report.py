"""Writes one self-contained HTML page about a run.

    python -m tools.report --run_dir=runs/mnist

The page, report.html in the run directory, holds the run's pictures, measures beside the paper's,
curves, settings, versions and checkpoints, and loads nothing. Pictures that tools.figures has not
drawn at that checkpoint are drawn first; neighbours by features only with --inception or
--features, because a network over all train images takes long.
"""

from absl import flags

from flexae_tf import pictures
from flexae_tf.errors import run_main
from flexae_tf.report import html_report

from . import extractor_flags

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory.", required=True)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Iteration of the model shown, or best; the newest by default."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the pictures that are missing.", lower_bound=0)


def main(_: list[str]) -> None:
    extractor_flags.check()
    make_extractor = extractor_flags.choose if extractor_flags.given() else None
    options = pictures.Options(seed=_SEED.value, make_extractor=make_extractor)
    print(html_report.write(_RUN_DIR.value, options, _CHECKPOINT.value))


if __name__ == "__main__":
    run_main(main)
