"""What a server does with a model of images given maps; otherwise as `signatures`.

transfer     images (each beside its map, [B, H, W, 2C]), poses [B, H, W, C] -> images
generate     noise [B, m], poses -> images
encode       images (beside maps) -> codes
reconstruct  images (beside maps) -> images
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.conditional import ConditionalModel
from flexae_tf.data import draws
from flexae_tf.serving.signatures import ServedModel, Signature, finite, with_a_row


class ConditionalServedModel(ServedModel):
    """A `ConditionalModel`'s functions as a server runs them.

    Args:
      model: the trained model.
    """

    def __init__(self, model: ConditionalModel) -> None:
        super().__init__(model, {})
        self._conditional = model

    def signatures(self) -> dict[str, Signature]:
        model, draw = self._conditional, np.random.default_rng(0)
        x = draw.random((1, *model.shape), np.float32)
        noise = model.conditional_density.noise(draws.key(0, draws.PICTURES, 0), 1).numpy()
        poses = model.condition_of(x)
        return {
            "transfer": Signature(self.transfer, {"images": x, "poses": poses}),
            "generate": Signature(self.generate_for, {"noise": noise, "poses": poses}),
            "encode": Signature(self.encode, {"images": x}),
            "reconstruct": Signature(self.reconstruct, {"images": x}),
        }

    def lacking(self) -> dict[str, str]:
        names = ("sample", "decode", "interpolate", "edit", "encode_image_bytes", "generate_png")
        return dict.fromkeys(names, "it makes images for maps")

    def transfer(self, images: tf.Tensor, poses: tf.Tensor) -> dict[str, tf.Tensor]:
        """The appearance of examples [B, H, W, 2C] in the pose of maps [B, H, W, C]."""
        batches = self._checked(images), self._checked(poses)
        return {"images": with_a_row(self._conditional.transfer_batch, *batches)}

    def generate_for(self, noise: tf.Tensor, poses: tf.Tensor) -> dict[str, tf.Tensor]:
        """Images for maps, from noise [B, m] of N(0, I)."""
        batches = finite(noise, "noise"), self._checked(poses)
        return {"images": with_a_row(self._conditional.sample_batch, *batches)}

    def reconstruct(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": with_a_row(self._conditional.reconstruct_batch, self._checked(images))}
