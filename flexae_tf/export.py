"""A trained model as a SavedModel that TensorFlow Serving takes as it stands.

    export/<version>/                  the SavedModel: the signatures of `ServedMethod`
        assets.extra/card.json         what the model is and how it was trained
        assets.extra/tf_serving_warmup_requests
                                       one PredictionLog per signature, run before it serves

Every signature has named inputs and one named output. Arrays have a free batch dimension first, so
that both JSON forms of TensorFlow Serving work; only `sample` has scalars. Images are float32 in
[0, 1]; a data set of vectors has `vectors` wherever an image data set has `images`, and no PNG.

An input that no honest answer exists for (a NaN, a pixel outside [0, 1], an unknown direction, more
than `MOST_IMAGES` images) is an INVALID_ARGUMENT error that says what was expected. Nothing is
clipped: pixels in 0..255 would become a white image and an answer.
"""

import dataclasses
import datetime
import fcntl
import importlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import data, draws, figures, objectives
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.runs import RunDirectory

# Bounds the memory that one request can ask for: CelebA's decoder takes about 2 MB an image.
MOST_IMAGES = 4096
DIRECTIONS = "directions"
_PARTIAL = "partial"  # a server picks up folders whose name is an integer, and no others
_PRIVATE_SETTINGS = ("data_dir", "cache_dir")
_RECORDED_PACKAGES = ("tensorflow", "keras")


@dataclasses.dataclass(frozen=True)
class Signature:
    """One thing that a server does.

    Attributes:
      function: tensors -> {name: tensor}.
      inputs: its arguments' TensorSpecs, named.
      example: their values for the warm-up, NumPy.
    """

    function: Callable
    inputs: tuple[tf.TensorSpec, ...]
    example: tuple


class ServedMethod:
    """A Method's functions as a server runs them: tensors in, {output name: tensor} out.

    Args:
      method: the trained Method. One without a prior has `noise` None.
      directions: {name: float32 [m]} in the space of codes.
    """

    def __init__(self, method, directions):
        self._method = method
        self._direction_names = list(directions)
        self._directions = np.array(list(directions.values()), np.float32)  # [D, m]
        self.shape = tuple(method.networks["encoder"].input_shape[1:])
        self.code_shape = tuple(method.networks["decoder"].input_shape[1:])
        self.is_image = len(self.shape) == 3
        self.kind = "images" if self.is_image else "vectors"

    def generate(self, noise):
        """Examples from noise [B, m'] of the prior's distribution."""
        return {self.kind: self._decode(self._method.prior(_finite(noise, "noise")))}

    def sample(self, num_samples, seed):
        """The first `num_samples` (int32) examples of a `seed` (int64), as `Method.sample`."""
        count = _require(
            (num_samples >= 0) & (num_samples <= MOST_IMAGES),
            f"num_samples must be between 0 and {MOST_IMAGES}",
            num_samples,
        )
        noise = self._method.noise(draws.key(seed, draws.PICTURES, 0), count)  # [B, m']
        return {self.kind: self._decode(self._method.prior(noise))}

    def encode(self, images):
        """Codes [B, m] of examples [B, H, W, C] or [B, D]."""
        return {"codes": self._method.encode_batch(self._checked(images))}

    def decode(self, codes):
        """Examples of codes [B, m]."""
        return {self.kind: self._decode(_finite(codes, "codes"))}

    def reconstruct(self, images):
        """D(E(x)) of examples."""
        return {self.kind: self._decode(self._method.encode_batch(self._checked(images)))}

    def interpolate(self, images_a, images_b, steps):
        """[B, steps, ...]: the way from each first example to each second one, ends included.

        `steps`, int32 [B], is one number: it has a batch dimension only for the row form of JSON.
        """
        steps = _require(tf.reduce_all(steps >= 2), "steps must be at least 2", steps)
        count = tf.reduce_max(tf.concat([steps, [2]], 0))  # of an empty batch: 2
        total = tf.cast(count, tf.int64) * tf.shape(images_a, tf.int64)[0]
        count = _require(
            tf.reduce_all(steps == count) & (total <= MOST_IMAGES),
            f"steps must be the same for all rows, and rows times steps at most {MOST_IMAGES}",
            count,
        )
        first, second = self._checked(images_a), self._checked(images_b)
        return {self.kind: interpolate(self._method, first, second, count)}

    def edit(self, images, direction, strength):
        """D(E(x) + strength v) for a direction's name, string [B], and strength, float32 [B]."""
        known = ", ".join(self._direction_names)
        matches = direction[:, None] == tf.constant(self._direction_names)  # [B, D]
        matches = _require(
            tf.reduce_all(tf.reduce_any(matches, 1)), f"direction must be one of {known}", matches
        )
        v = tf.gather(self._directions, tf.argmax(tf.cast(matches, tf.int32), 1))  # [B, m]
        z = self._method.encode_batch(self._checked(images))
        return {self.kind: self._decode(z + _finite(strength, "strength")[:, None] * v)}

    def encode_image_bytes(self, image_bytes):
        """Codes [B, m] of PNG or JPEG files, string [B], of the model's height and width."""
        images = tf.map_fn(
            self._decode_file, image_bytes, fn_output_signature=tf.TensorSpec(self.shape, tf.uint8)
        )
        return {"codes": self._method.encode_batch(data.to_unit(images))}

    def generate_png(self, noise):
        """PNG files, string [B], of `generate`'s images. `_bytes` makes JSON's base64 of them."""
        images = self.generate(noise)[self.kind]
        return {"png_bytes": tf.io.encode_png(tf.cast(tf.round(images * 255), tf.uint8))}

    def _decode(self, z):
        few = tf.shape(z)[0] <= MOST_IMAGES
        z = _require(few, f"at most {MOST_IMAGES} {self.kind} can be made by one request", z)
        return self._method.decode_batch(z)

    def _checked(self, x):
        if not self.is_image:
            return _finite(x, self.kind)
        inside = tf.reduce_all((x >= 0) & (x <= 1))  # false for a NaN
        return _require(inside, "images must be in [0, 1]: clip them, or divide 0..255 by 255", x)

    def _decode_file(self, file):
        height, width, channels = self.shape
        image = tf.io.decode_image(file, channels=channels, expand_animations=False)
        return _require(
            tf.reduce_all(tf.shape(image) == self.shape),
            f"image_bytes must be files of {height} x {width} pixels: resize them first",
            image,
        )


def interpolate(method, x_a, x_b, steps):
    """Decoded codes on the segments between E(x_a) and E(x_b), ends included.

    Args:
      method: the Method.
      x_a, x_b: tensors [B, ...] as the networks take them.
      steps: how many, a scalar tensor.

    Returns:
      [B, steps, ...].
    """
    z_a, z_b = method.encode_batch(x_a), method.encode_batch(x_b)  # [B, m]
    z_a, z_b = (tf.repeat(z, steps, axis=0) for z in (z_a, z_b))  # [B * steps, m]
    towards_b = tf.tile(tf.linspace(0.0, 1.0, steps), [tf.shape(x_a)[0]])
    x = method.decode_batch(objectives.interpolate(z_b, z_a, towards_b))
    return tf.reshape(x, [-1, steps, *x.shape[1:]])


def signatures(served):
    """What a server can do with a method.

    Args:
      served: ServedMethod.

    Returns:
      ({name: Signature}, the first is the default; {name: why it is left out}).
    """
    generator = np.random.default_rng(0)
    x = generator.random((1, *served.shape), np.float32)
    image = _Input(served.kind, x)
    codes = _Input("codes", generator.standard_normal((1, *served.code_shape), np.float32))
    found, left_out = {}, {}
    if served.noise_width:
        noise = _Input("noise", generator.standard_normal((1, served.noise_width), np.float32))
        found["generate"] = _signature(served.generate, noise)
        count, seed = _Input("num_samples", np.int32(1)), _Input("seed", np.int64(0))
        found["sample"] = _signature(served.sample, count, seed)
    else:
        left_out |= dict.fromkeys(("generate", "sample"), "the method has no prior")
    found["encode"] = _signature(served.encode, image)
    found["decode"] = _signature(served.decode, codes)
    found["reconstruct"] = _signature(served.reconstruct, image)
    first, second = (_Input(f"{served.kind}_{end}", x) for end in "ab")
    steps = _Input("steps", np.array([3], np.int32))
    found["interpolate"] = _signature(served.interpolate, first, second, steps)
