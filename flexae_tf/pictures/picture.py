"""What a picture is, what decides it, and which examples are in it."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from flexae_tf import figures
from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.runs import Run

CELEBA_ATTRIBUTES = ("Big_Nose", "Heavy_Makeup", "Black_Hair", "Smiling", "Male")  # the paper's


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture to be written.

    Attributes:
      name: of its file, without iteration and suffix.
      image: uint8 [H, W, 1 or 3].
      title, note: what it shows, and of which model with which seed; they are in the image too.
    """

    name: str
    image: np.ndarray
    title: str
    note: str


@dataclasses.dataclass(frozen=True)
class Options:
    """What a user may choose.

    Attributes:
      seed: draws the samples and chooses the test images.
      count: how many samples, images, pairs or points; None is the kind's own number.
      columns: of interpolations and attributes, odd.
      space: of interpolations, "zt" of codes or "z0" of the prior's noise.
      strength: attributes are shifted by t v with t from -strength to strength.
      neighbours: how many of each sample.
      attributes: names of classes or attributes; None is all, on CelebA the paper's five.
      density: name of the density that stands for the prior, or None for the method's own.
      make_extractor: function of an example's shape, returning the `features.Extractor` of
        neighbours by features; None leaves those out.
      beside: another run on the same data that the mask is shown beside, or None.
    """

    seed: int = 0
    count: int | None = None
    columns: int = 11
    space: str = "zt"
    strength: float = 2.0
    neighbours: int = 14
    attributes: tuple[str, ...] | None = None
    density: str | None = None
    make_extractor: Callable | None = None
    beside: Run | None = None

    def __post_init__(self) -> None:
        if self.columns < 3 or self.columns % 2 == 0:
            raise UserError(f"--columns must be odd and at least 3; received {self.columns}")
        if not 0 < self.strength < math.inf:
            raise UserError(f"--strength must be finite and above 0; received {self.strength}")

    def name(self, *parts: str) -> str:
        """Name of a file of what the prior generated: its density belongs to it."""
        return "-".join([*parts, self.density] if self.density else parts)


def compose(
    name: str,
    image: np.ndarray,
    title: str,
    run: Run,
    options: Options,
    columns: Sequence[str] = (),
    rows: Sequence[str] = (),
) -> Picture:
    """A Picture of an image with its title; the other arguments as in `figures.titled`."""
    settings = run.settings
    note = (
        f"{settings['method']} ({settings['variant']}) on {settings['dataset']}, "
        f"iteration {run.iteration:,}, seed {options.seed}, no selection"
    )
    if options.density:
        note += f", density {options.density}"
    return Picture(name, figures.titled(image, title, note, columns, rows), title, note)


def require_prior(run: Run, kind: str) -> None:
    """Raises UserError for a run whose method has nothing to sample from."""
    run.model.require_unconditional(f"--kind={kind}")
    if run.model.density is None:
        raise UserError(
            f"--kind={kind}: {run.settings['method']} has no prior of its own to sample from: "
            "give --density=gaussian or another"
        )


def are_vectors(dataset: Dataset) -> bool:
    """Whether the examples are vectors, which are shown as points."""
    return len(dataset.shape) == 1


def choose(available: int, count: int, seed: int) -> np.ndarray:
    """Row numbers of `count` examples (or all there are), in random order."""
    return np.random.default_rng(seed).permutation(available)[:count]


def class_name(dataset: Dataset, number: int) -> str:
    """Name of a class, or its number where it has none."""
    names = dataset.label_names
    return names[number] if 0 <= number < len(names) else str(number)
