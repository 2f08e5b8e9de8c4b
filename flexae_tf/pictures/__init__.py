"""Pictures of a trained run, one module for each kind.

A kind is a function (run, dataset, options) that yields `Picture`s. Nothing in them is selected:
which test images are shown and what is generated follows from the seed. Data that are vectors are
shown in the plane of the test data's two principal components.

Files: <run_dir>/figures/<kind>[-<what>][-<density>]-<iteration>.png
"""

from collections.abc import Iterator
from pathlib import Path

from flexae_tf import densities, figures
from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.pictures import (
    attributes,
    grids,
    interpolations,
    latents,
    mask,
    neighbours,
    pseudo_inputs,
    transfer,
)
from flexae_tf.pictures.picture import Options, Picture
from flexae_tf.runs import Run

__all__ = ["FOLDER", "KINDS", "Options", "Picture", "existing", "write"]

FOLDER = "figures"
KINDS = {
    "samples": grids.draw_samples,
    "reconstructions": grids.draw_reconstructions,
    "interpolations": interpolations.draw,
    "attributes": attributes.draw,
    "neighbours": neighbours.draw,
    "latents": latents.draw,
    "mask": mask.draw,
    "pseudo_inputs": pseudo_inputs.draw,
    "appearance_transfer": transfer.draw_appearance_transfer,
    "pose_transfer": transfer.draw_pose_transfer,
}


def write(
    kind: str, run: Run, dataset: Dataset, options: Options
) -> Iterator[tuple[Path, Picture]]:
    """Draws and writes the pictures of a kind, and for attributes their directions.

    Args:
      kind: one of `KINDS`.
      run: `runs.Run`, with a density attached where `options.density` names one.
      dataset: the Dataset it was trained on.
      options: Options.

    Yields:
      (path, Picture) of each as soon as it is written.

    Raises:
      UserError: the run or its data have no such pictures, or a file cannot be written.
    """
    folder = Path(run.path, FOLDER)
    for picture in KINDS[kind](run, dataset, options):
        path = folder / f"{picture.name}-{run.iteration:07d}.png"
        text = {
            "Title": picture.title,
            "Description": picture.note,
            "seed": options.seed,
            "density": options.density or densities.OWN,
        }
        try:
            folder.mkdir(exist_ok=True)
            figures.save_png(path, picture.image, text)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        yield path, picture


def existing(kind: str, run_dir: Path | str, iteration: int) -> list[Path]:
    """Paths of the pictures of a kind that were drawn at an iteration, sorted."""
    return sorted(Path(run_dir, FOLDER).glob(f"{kind}*-{iteration:07d}.png"))
