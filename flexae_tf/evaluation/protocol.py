"""How a model is measured, as data: what every reported number carries with it.

Scores of two protocols are not comparable. `STANDARD` is how we recommend to measure;
`RELEASED` repeats the FlexAE authors' program for comparison with the paper's tables, and `RAE`
that of Ghosh et al., but for one thing: the program clusters PRD against the validation images,
where the paper's Appendix B says test images, as here.
"""

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from flexae_tf.data import Dataset, gather
from flexae_tf.errors import UserError
from flexae_tf.evaluation.features import Extractor

CHUNK_IMAGES = 1000


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Settings of an evaluation.

    Attributes:
      name: one of PROTOCOLS.
      count: images in each set, fewer where the data set has fewer.
      stretch: whether each generated or reconstructed image is stretched so that its own smallest
        and largest value become 0 and 1.
      round_to_uint8: whether generated images are rounded as a PNG would; otherwise they reach the
        extractor as float32.
      truncate: whether that rounding is downwards, as that of a program that casts.
      split: "test" or "validation", the real images that everything is compared with.
      reconstructed_split: the images that are reconstructed and interpolated between; None for
        those of `split`.
      reconstruct_by: "mean" of q(z|x), or a "sample" of it; no difference for a deterministic
        encoder.
      checkpoint: which one counts where none is chosen, "newest" or "best" by validation error.
      same_originals: whether the images that are reconstructed are the very images that the
        reconstructions are compared with, or an independent draw from the test images (no
        difference where all test images are used).
      interpolate: whether decoded midpoints are measured, one more set through the extractor.
      first_step, last_step: checkpoints of which the best counts; None for the newest alone.
      seed: draws the real images and the model's samples.
    """

    name: str
    count: int = 10_000
    stretch: bool = False
    round_to_uint8: bool = True
    truncate: bool = False
    split: str = "test"
    reconstructed_split: str | None = None
    reconstruct_by: str = "mean"
    checkpoint: str = "newest"
    same_originals: bool = True
    interpolate: bool = True
    first_step: int | None = None
    last_step: int | None = None
    seed: int = 42

    def rows(self, available: int, draw: int = 0) -> np.ndarray:
        """Indices of at most `count` of `available` images, in random order.

        Args:
          available: how many there are.
          draw: int; another number is another independent draw.
        """
        generator = np.random.default_rng([self.seed, draw])
        return generator.permutation(available)[: self.count]

    def images(self, dataset: Dataset, reconstructed: bool = False, draw: int = 0) -> np.ndarray:
        """The images [n, ...] of a data set that take part, in random order.

        Args:
          dataset: the `Dataset`.
          reconstructed: those that are reconstructed and interpolated between, instead of those
            that everything is compared with.
          draw: as in `rows`.

        Raises:
          UserError: it has no such split.
        """
        split = (reconstructed and self.reconstructed_split) or self.split
        images = dataset.test if split == "test" else dataset.validation
        if images is None:
            raise UserError(
                f"there are no validation images of {dataset.name}: train with "
                "--validation_images=10000, say, or measure by test images "
                f"(--protocol={STANDARD.name})"
            )
        return gather(images, self.rows(len(images), draw))

    def prepare(self, x_hat: np.ndarray) -> np.ndarray:
        """A model's output, float32 [N, H, W, C] in [0, 1], as it is measured; vectors unchanged.

        Returns:
          uint8 [N, H, W, C], or float32 in [0, 1] where the protocol does not round.
        """
        if x_hat.ndim != 4:
            return x_hat
        round_ = np.trunc if self.truncate else np.rint
        prepared = np.empty(x_hat.shape, np.uint8 if self.round_to_uint8 else np.float32)
        for start in range(0, len(x_hat), CHUNK_IMAGES):
            chunk = np.clip(x_hat[start : start + CHUNK_IMAGES], 0, 1)
            if self.stretch:
                chunk = stretch(chunk)
            prepared[start : start + CHUNK_IMAGES] = (
                round_(chunk * 255) if self.round_to_uint8 else chunk
            )
        return prepared

    def description(
        self, *, counts: Mapping[str, int], split: str, extractor: Extractor, **context: Any
    ) -> dict[str, Any]:
        """The record that a report carries: a dict of JSON values.

        Args:
          counts: {what: number of images}.
          split: what the real images are.
          extractor: `features.Extractor`.
          **context: whatever else decides the numbers (checkpoint, data set, method).
        """
        return {
            "protocol": dataclasses.asdict(self),
            "counts": counts,
            "split": split,
            "extractor": extractor.description(),
            "versions": versions(),
            **context,
        }


STANDARD = Protocol("standard")
RELEASED = Protocol(
    "released",
    stretch=True,
    round_to_uint8=False,
    same_originals=False,
    interpolate=False,
    first_step=80_000,
    last_step=130_000,
)
# MaskAAE's program, whose runs have 500,000 iterations.
MASK_AAE = dataclasses.replace(RELEASED, name="mask_aae", first_step=5_000, last_step=495_000)
RAE = Protocol(
    "rae",
    truncate=True,
    reconstructed_split="validation",
    reconstruct_by="sample",
    checkpoint="best",
)
PROTOCOLS = {protocol.name: protocol for protocol in (STANDARD, RELEASED, MASK_AAE, RAE)}
SPLITS = ("test", "validation")


def stretch(images: np.ndarray) -> np.ndarray:
    """Stretches each image over all its pixels and channels to [0, 1]; a constant one stays as is.

    Args:
      images: floating [N, H, W, C] in [0, 1].
    """
    axes = (1, 2, 3)
    lowest = images.min(axis=axes, keepdims=True)
    extent = images.max(axis=axes, keepdims=True) - lowest
    return np.where(extent > 0, (images - lowest) / np.where(extent > 0, extent, 1), images)


def versions() -> dict[str, str]:
    """{library: version} of what takes part in an evaluation."""
    names = ("tensorflow", "keras", "tensorflow-gan", "numpy", "scikit-learn")
    found = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), **found}
