"""What a server does with a trained model: tensors in, {output name: tensor} out.

Every signature has named inputs and one named output. Arrays have a free batch dimension first, as
the row form of TensorFlow Serving's JSON needs; only `sample` has scalars. Images are float32 in
[0, 1]. For a data set of vectors, `images` is `vectors` in every name and there are no files.

An input that has no honest answer (a NaN, a pixel outside [0, 1], an unknown direction, more than
`MOST_IMAGES` images) is an INVALID_ARGUMENT error that says what was expected. Nothing is clipped:
pixels in 0..255 would pass for a white image.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm import objectives
from flexae_tf.data import draws
from flexae_tf.model import Density, Model

# Bounds the memory that one request can ask for.
MOST_IMAGES = 4096


@dataclasses.dataclass(frozen=True)
class Signature:
    """One thing that a server does.

    Attributes:
      function: tensors -> {name: tensor}.
      examples: {input name: NumPy value}, in the order of the function's arguments.
    """

    function: Callable
    examples: dict

    @property
    def inputs(self) -> list[tf.TensorSpec]:
        """The TensorSpecs of the function's arguments."""
        return [
            tf.TensorSpec([None, *value.shape[1:]] if value.ndim else [], value.dtype, name)
            for name, value in self.examples.items()
        ]


class ServedModel:
    """A Method's functions as a server runs them.

    Args:
      model: the trained `Model`; its density is None without a prior.
      directions: {name: float32 [m]} in the space of codes.
    """

    def __init__(self, model: Model, directions: Mapping[str, np.ndarray]) -> None:
        self._model = model
        self._direction_names = list(directions)
        self._directions = np.array(list(directions.values()), np.float32)  # [D, m]
        self._shape = model.shape
        self._is_image = len(self._shape) == 3
        self._kind = "images" if self._is_image else "vectors"

    def signatures(self) -> dict[str, Signature]:
        """{name: Signature} of what the model has; the first is a server's default."""
        kind, lacking = self._kind, self.lacking()
        files = "encode_image_bytes" not in lacking
        examples = _examples(self._model, kind, self._direction_names, files)
        inputs = {
            "generate": ["noise"],
            "sample": ["num_samples", "seed"],
            "encode": [kind],
            "decode": ["codes"],
            "reconstruct": [kind],
            "interpolate": [f"{kind}_a", f"{kind}_b", "steps"],
            "edit": [kind, "direction", "strength"],
            "encode_image_bytes": ["image_bytes"],
            "generate_png": ["noise"],
        }
        return {
            name: Signature(getattr(self, name), {key: examples[key] for key in keys})
            for name, keys in inputs.items()
            if name not in lacking
        }

    def lacking(self) -> dict[str, str]:
        """{signature: why the model does not have it}."""
        reasons = {}
        if self._model.density is None:
            reasons |= dict.fromkeys(("generate", "sample", "generate_png"), "it has no prior")
        if not self._direction_names:
            reasons["edit"] = "no direction has been computed"
        if self._model.codebook_size is not None:
            reasons |= dict.fromkeys(("interpolate", "edit"), "its codes are indices, not vectors")
        if not (self._is_image and self._shape[-1] in (1, 3)):
            text = "its data are not grey or colour images"
            reasons |= dict.fromkeys(("encode_image_bytes", "generate_png"), text)
        return reasons

    def generate(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
        """Examples from noise [B, m'] of the prior's distribution."""
        return {self._kind: self._generate(finite(noise, "noise"))}

    def sample(self, num_samples: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """`num_samples` (int32) examples, the same for the same `seed` (int64) everywhere."""
        count = _require(
            (num_samples >= 0) & (num_samples <= MOST_IMAGES),
            f"num_samples must be between 0 and {MOST_IMAGES}",
            num_samples,
        )
        noise = self._density.noise(draws.key(seed, draws.PICTURES, 0), count)  # [B, m']
        return {self._kind: self._generate(noise)}

    def encode(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Codes [B, m], or indices [B, h, w], of examples [B, H, W, C] or [B, D]."""
        return {"codes": self._encode(images)}

    def decode(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Examples of codes [B, m], or of indices [B, h, w]."""
        return {self._kind: self._decode(_codes(codes, self._model.codebook_size))}

    def reconstruct(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """D(E(x)) of examples."""
        return {self._kind: self._decode(self._encode(images))}

    def interpolate(
        self, images_a: tf.Tensor, images_b: tf.Tensor, steps: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """[B, steps, ...]: the way from each example to the other one, both ends included.

        `steps`, int32 [B], is one number: it has a batch dimension only for the row form of JSON.
        """
        count = tf.reduce_max(tf.concat([steps, [2]], 0))  # 2 for an empty batch
        total = tf.cast(count, tf.int64) * tf.shape(images_a, tf.int64)[0]
        count = _require(
            tf.reduce_all(steps == count) & (total <= MOST_IMAGES),
            f"steps must be at least 2, equal in all rows, and times rows at most {MOST_IMAGES}",
            count,
        )
        ends = self._checked(images_a), self._checked(images_b)
        return {self._kind: with_a_row(lambda a, b: interpolate(self._model, a, b, count), *ends)}

    def edit(
        self, images: tf.Tensor, direction: tf.Tensor, strength: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """D(E(x) + strength v) for a direction's name, string [B], and strength, float32 [B]."""
        matches = direction[:, None] == tf.constant(self._direction_names)  # [B, D]
        matches = _require(
            tf.reduce_all(tf.reduce_any(matches, 1)),
            f"direction must be one of {', '.join(self._direction_names)}",
            matches,
        )
        v = tf.gather(self._directions, tf.argmax(tf.cast(matches, tf.int32), 1))  # [B, m]
        z = self._encode(images)  # [B, m]
        return {self._kind: self._decode(z + finite(strength, "strength")[:, None] * v)}

    def encode_image_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Codes, as `encode`, of PNG or JPEG files, string [B], of the model's height and width."""
        images = tf.map_fn(
            self._decode_file, image_bytes, fn_output_signature=tf.TensorSpec(self._shape, tf.uint8)
        )
        return {"codes": self._encode(data.to_unit(images))}

    def generate_png(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
        """PNG files, string [B], of `generate`'s images."""
        images = self.generate(noise)[self._kind]
        # The name's ending tells a REST server to answer in base64.
        return {"png_bytes": tf.io.encode_png(tf.cast(tf.round(images * 255), tf.uint8))}

    @property
    def _density(self) -> Density:
        # The signatures that sample are `lacking` without one.
        assert self._model.density is not None
        return self._model.density

    def _generate(self, n):
        model, density = self._model, self._density
        return with_a_row(lambda n: model.decode_batch(density.prior(n)), _few(n, self._kind))

    def _decode(self, z):
        return with_a_row(self._model.decode_batch, _few(z, self._kind))

    def _encode(self, x):
        return with_a_row(self._model.encode_batch, self._checked(x))

    def _checked(self, x):
        if not self._is_image:
            return finite(x, self._kind)
        inside = tf.reduce_all((x >= 0) & (x <= 1))  # false for a NaN
        return _require(inside, "images must be in [0, 1]: clip them, or divide 0..255 by 255", x)

    def _decode_file(self, file):
        height, width, channels = self._shape
        image = tf.io.decode_image(file, channels=channels, expand_animations=False)
        message = f"image_bytes must be files of {height} x {width} pixels: resize them first"
        return _require(tf.reduce_all(tf.shape(image) == self._shape), message, image)


def interpolate(model: Model, x_a: tf.Tensor, x_b: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Decoded codes on the segments between E(x_a) and E(x_b), ends included.

    Args:
      model: the `Model`.
      x_a, x_b: tensors [B, ...] as the networks take them.
      steps: how many, a scalar tensor.

    Returns:
      [B, steps, ...].
    """
    z_a, z_b = (tf.repeat(model.encode_batch(x), steps, axis=0) for x in (x_a, x_b))
    towards_b = tf.tile(tf.linspace(0.0, 1.0, steps), tf.shape(x_a)[:1])  # [B * steps]
    x = model.decode_batch(objectives.interpolate(z_b, z_a, towards_b))
    return tf.reshape(x, [-1, steps, *x.shape[1:]])


def _examples(model, kind, direction_names, files):
    """{input name: NumPy value} of every input, one row each; of files, if there are any."""
    draw = np.random.default_rng(0)
    x = draw.random((1, *model.shape), np.float32)
    examples = {
        kind: x,
        f"{kind}_a": x,
        f"{kind}_b": 1 - x,
        "codes": _example_codes(model, draw),
        "num_samples": np.array(1, np.int32),
        "seed": np.array(0, np.int64),
        "steps": np.array([3], np.int32),
        "direction": np.array(direction_names[:1], object),
        "strength": np.array([1], np.float32),
    }
    if model.density is not None:
        examples["noise"] = model.density.noise(draws.key(0, draws.PICTURES, 0), 1).numpy()
    if files:
        file = tf.io.encode_png(tf.cast(x[0] * 255, tf.uint8)).numpy()
        examples["image_bytes"] = np.array([file], object)
    return examples


def _example_codes(model, draw):
    """Codes of one row, NumPy."""
    shape = 1, *model.decoder.input_shape[1:]
    if model.codebook_size is None:
        return draw.standard_normal(shape, np.float32)
    return draw.integers(model.codebook_size, size=shape, dtype=np.int32)


def with_a_row(function: Callable, *batches: tf.Tensor) -> tf.Tensor:
    """A function of batches, run on a row of zeros where they are empty.

    TensorFlow's fused convolution answers an empty batch with the channels of its input.
    """
    count = tf.shape(batches[0])[0]
    extra = tf.cast(count == 0, tf.int32)
    padded = [tf.concat([x, tf.zeros([extra, *x.shape[1:]], x.dtype)], 0) for x in batches]
    return function(*padded)[:count]


def finite(x: tf.Tensor, name: str) -> tf.Tensor:
    """x, which must be finite: another is refused with a line that calls it `name`."""
    all_finite = tf.reduce_all(tf.math.is_finite(x))
    return _require(all_finite, f"{name} must be finite numbers", x)


def _codes(codes, size):
    """Codes that are finite, or indices below a codebook's size."""
    if size is None:
        return finite(codes, "codes")
    inside = tf.reduce_all((codes >= 0) & (codes < size))
    return _require(inside, f"codes must be indices from 0 to {size - 1}", codes)


def _few(rows, kind):
    few = tf.shape(rows)[0] <= MOST_IMAGES
    return _require(few, f"one request can make at most {MOST_IMAGES} {kind}", rows)


def _require(condition, message, tensor):
    """The tensor, which does not exist where the condition does not hold."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(tensor)
