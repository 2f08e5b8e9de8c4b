"""Features of images: what an extractor is, and how it runs over a set of any size."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from flexae_tf.data import gather, to_unit
from flexae_tf.errors import UserError
from flexae_tf.evaluation.validation import check_images, check_vectors

BATCH_IMAGES = 50
PIXELS = "pixels"


class Features(NamedTuple):
    """What an extractor says of N images."""

    activations: np.ndarray  # [N, d] float32
    logits: np.ndarray | None  # [N, classes] float32, where the network classifies


@dataclasses.dataclass(frozen=True)
class Extractor:
    """A network from images to features, with what must be known to repeat its numbers.

    Calling it returns the `Features` of a set. A batch of 50 at a time is in memory at the size
    that the network wants, so the number of images is not limited by it.

    Attributes:
      name: for tables and progress.
      fingerprint: SHA-256 (hexadecimal) of the weights' files, or the name of a fixed rule.
      resize: how images reach the network's size.
      normalisation: the range of values that the network is given.
      is_inception: whether scores are comparable with published ones.
      network: function of a batch, uint8 [B, H, W, C] or float32 in [0, 1] (or vectors [B, D]),
        returning (activations [B, d] or [B, 1, 1, d], logits [B, classes] or None).
      accuracy: of a classifier of the data set (`classifier`), on its test images; else None.
    """

    name: str
    fingerprint: str
    resize: str
    normalisation: str
    is_inception: bool
    network: Callable = dataclasses.field(repr=False)
    accuracy: float | None = None

    def __call__(self, images: np.ndarray) -> Features:
        """Features of `images`.

        Args:
          images: array-like uint8 [N, H, W, C] in 0..255 or floating [N, H, W, C] in [0, 1].

        Raises:
          UserError: see `validation.check_images`; the network fails on these images or returns
            something that is not one finite row per image.
        """
        if images.ndim != 2:
            check_images(images, "images")
        starts = range(0, len(images), BATCH_IMAGES)
        progress = tqdm(
            starts, f"{self.name}, {len(images):,} images", unit="batch", file=sys.stderr,
            disable=None,  # no bar where standard error is not a terminal
        )  # fmt: skip
        batches = [
            self._batch_features(
                gather(images, np.arange(start, min(start + BATCH_IMAGES, len(images))))
            )
            for start in progress
        ]
        activations, logits = zip(*batches, strict=True)
        return Features(
            activations=check_vectors(np.concatenate(activations), self.name, minimum=1),
            logits=None if logits[0] is None else np.concatenate(logits),
        )

    @property
    def is_pixels(self) -> bool:
        """Whether the features are the pixels themselves."""
        return self.fingerprint == PIXELS

    def description(self) -> dict[str, Any]:
        """What a report says of the extractor: a dict of JSON values."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "resize": self.resize,
            "normalisation": self.normalisation,
            "is_inception": self.is_inception,
            **({} if self.accuracy is None else {"accuracy": self.accuracy}),
        }

    def _batch_features(self, batch):
        activations, logits = self.network(batch)
        activations = np.asarray(activations, np.float32)
        if activations.ndim == 4 and activations.shape[1:3] == (1, 1):  # pooled, not yet flattened
            activations = activations[:, 0, 0]
        if activations.ndim != 2 or len(activations) != len(batch):
            raise UserError(
                f"{self.name}: expected features [{len(batch)}, d] of {len(batch)} images, "
                f"received shape {activations.shape}; give a network that ends in a pooling"
            )
        return activations, None if logits is None else np.asarray(logits, np.float32)


def pixels() -> Extractor:
    """The extractor that needs no network: pixels in [0, 1], flattened; vectors as they are."""
    return Extractor(
        name=PIXELS,
        fingerprint=PIXELS,
        resize="none",
        normalisation="[0, 1], flattened",
        is_inception=False,
        network=lambda batch: (to_unit(batch).reshape(len(batch), -1), None),
    )
