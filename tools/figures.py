"""Draws pictures of a trained run.

    python -m tools.figures --run_dir=runs/mnist --kind=samples
    python -m tools.figures --run_dir=runs/mnist --kind=all
    python -m tools.figures --run_dir=runs/celeba --kind=attributes --attributes=Male,Smiling
    python -m tools.figures --run_dir=runs/flow --kind=interpolations --space=z0
    python -m tools.figures --run_dir=runs/mnist --kind=neighbours --inception=PATH
    python -m tools.figures --run_dir=runs/mask --kind=mask --beside=runs/wae
    python -m tools.figures --run_dir=runs/vamp --kind=pseudo_inputs
    python -m tools.figures --run_dir=runs/vunet --kind=pose_transfer

Kinds: samples, reconstructions, interpolations, attributes, neighbours, latents, mask,
pseudo_inputs, appearance_transfer, pose_transfer; all draws every kind that the run can have and
says on standard error what is left out. Writes PNG files to the run's figures/ (flexae_tf/pictures
says how they are named) and prints a line for each: the path, a tab, and what is to be seen, with
the seed. attributes also writes the run's directions/, which tools.export takes up.
"""

import sys

from absl import flags

from flexae_tf import densities, pictures, runs
from flexae_tf.errors import UserError, run_main
from flexae_tf.evaluation.interpolation import SPACES

from . import extractor_flags

_ALL = "all"
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory.", required=True)
_KIND = flags.DEFINE_enum("kind", None, [*pictures.KINDS, _ALL], "What to draw.", required=True)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Iteration of the checkpoint, or best; the newest one by default."
)
_SEED = flags.DEFINE_integer("seed", 0, "Draws samples and chooses test images.", lower_bound=0)
_COUNT = flags.DEFINE_integer(
    "count", None, "Samples, images, pairs or points; each kind has its own default.", lower_bound=1
)
_COLUMNS = flags.DEFINE_integer("columns", 11, "Of interpolations and attributes; odd.")
_SPACE = flags.DEFINE_enum(
    "space", "zt", SPACES, "Where interpolations run: zt, codes; z0, the noise of a flow's codes."
)
_STRENGTH = flags.DEFINE_float("strength", 2.0, "Attributes go from -strength to strength.")
_ATTRIBUTES = flags.DEFINE_list(
    "attributes", None, "Classes or attributes by name; default all, on CelebA the paper's five."
)
_NEIGHBOURS = flags.DEFINE_integer("neighbours", 14, "Train images beside a sample.", lower_bound=1)
_BESIDE = flags.DEFINE_string("beside", None, "Run directory that mask is shown beside.")
_DENSITY = flags.DEFINE_string(
    "density", densities.OWN, f"What to sample from: {', '.join(densities.NAMES)}."
)


def main(_: list[str]) -> None:
    extractor_flags.check()
    options = pictures.Options(
        seed=_SEED.value,
        count=_COUNT.value,
        columns=_COLUMNS.value,
        space=_SPACE.value,
        strength=_STRENGTH.value,
        neighbours=_NEIGHBOURS.value,
        attributes=_ATTRIBUTES.value and tuple(_ATTRIBUTES.value),
        density=None if _DENSITY.value == densities.OWN else _DENSITY.value,
        make_extractor=extractor_flags.choose,
        beside=_BESIDE.value and runs.load(_BESIDE.value),
    )
    run = runs.load(_RUN_DIR.value, _CHECKPOINT.value)
    dataset = run.load_dataset()
    if options.density:
        run = densities.attach(run, options.density, dataset)
    if _KIND.value != _ALL:
        _draw(_KIND.value, run, dataset, options)
        return
    for kind in pictures.KINDS:
        try:
            _draw(kind, run, dataset, options)
        except UserError as error:
            print(f"left out of {kind}: {error}", file=sys.stderr)


def _draw(kind, run, dataset, options):
    for path, picture in pictures.write(kind, run, dataset, options):
        print(f"{path}\t{picture.title}; {picture.note}", flush=True)


if __name__ == "__main__":
    run_main(main)
