"""Pictures of several runs that are alike: of the same test images, and with the same seed."""

import dataclasses
from collections.abc import Sequence

from flexae_tf import figures, pictures, runs
from flexae_tf.data import gather
from flexae_tf.errors import UserError
from flexae_tf.pictures.picture import are_vectors, choose
from flexae_tf.report.comparison import Group

_RECONSTRUCTED = 12
_SAMPLES = 100


@dataclasses.dataclass
class Pictures:
    """PNG files of runs, by their names.

    Attributes:
      originals: the test images in a row, or None for vectors.
      reconstructions, samples: {name of the run: PNG, or the reason why there is none}.
    """

    originals: bytes | None = None
    reconstructions: dict[str, bytes | str] = dataclasses.field(default_factory=dict)
    samples: dict[str, bytes | str] = dataclasses.field(default_factory=dict)


def draw(groups: Sequence[Group], seed: int) -> Pictures:
    """Draws reconstructions and samples of every run; the models are in memory one at a time.

    Args:
      groups: of runs on the same data.
      seed: chooses the test images and draws the samples.
    """
    drawn, dataset = Pictures(), None
    for run in [run for group in groups for run in group.runs]:
        try:
            if run.iteration is None:
                raise UserError("no checkpoint yet")
            loaded = runs.load(run.directory.path, run.iteration)
            dataset = dataset or loaded.load_dataset()
        except UserError as error:
            drawn.reconstructions[run.name] = drawn.samples[run.name] = str(error)
            continue
        if are_vectors(dataset):
            drawn.reconstructions[run.name] = _picture("reconstructions", loaded, dataset, seed)
        else:
            x = gather(dataset.test, choose(len(dataset.test), _RECONSTRUCTED, seed))
            drawn.originals = _row(loaded.model.image_of(x))
            drawn.reconstructions[run.name] = _row(loaded.model.reconstruct(x))
        drawn.samples[run.name] = _samples(loaded, dataset, seed)
    return drawn


def _row(images):
    return figures.png(figures.grid(images, len(images)))


def _picture(kind, run, dataset, seed, count=None):
    """The picture of a kind, or the reason why the run has none."""
    try:
        (picture,) = pictures.KINDS[kind](run, dataset, pictures.Options(seed=seed, count=count))
    except UserError as error:
        return str(error)
    return figures.png(picture.image)


def _samples(run, dataset, seed):
    if run.model.density is None:
        return f"no samples, {run.settings['method']} has no prior of its own"
    return _picture("samples", run, dataset, seed, None if are_vectors(dataset) else _SAMPLES)
