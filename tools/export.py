"""Exports a trained run as a SavedModel for TensorFlow Serving.

    python -m tools.export --run_dir=runs/mnist
    python -m tools.export --run_dir=runs/mnist --checkpoint=50000
    python -m tools.export --run_dir=runs/mnist --density=gmm
    python -m tools.export --run_dir=runs/alae --averaged=false   # the last iteration's weights

Writes the next version to the run's export/; see flexae_tf/serving/export.py for what is in it and
flexae_tf/serving/signatures.py for the signatures.
"""

import json
import sys

from absl import flags

from flexae_tf import densities, runs
from flexae_tf.errors import run_main
from flexae_tf.serving.export import export

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory to export.", required=True)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Iteration of the checkpoint, or best; the newest one by default."
)
_DENSITY = flags.DEFINE_string(
    "density",
    densities.OWN,
    f"What it samples from: {', '.join(densities.NAMES)}, gmm<n> or bayesian_gmm<n>.",
)
_AVERAGED = flags.DEFINE_bool(
    "averaged", True, "The averages of the weights, where the run has such."
)


def main(_: list[str]) -> None:
    density = densities.check(_DENSITY.value)
    run = runs.load(_RUN_DIR.value, _CHECKPOINT.value, _AVERAGED.value)
    folder = export(run, density)
    card = json.loads((folder / "assets.extra" / "card.json").read_text())
    for name, reason in card["left_out"].items():
        print(f"left out {name}: {reason}", file=sys.stderr)
    state = "" if card["finished"] else f" of {card['training_steps']}, unfinished"
    print(f"exported {card['dataset']}, {card['method']}, iteration {card['iteration']}{state}")
    print(f"signatures: {', '.join(card['signatures'])}")
    print(folder)


if __name__ == "__main__":
    run_main(main)
