"""What can be asked of the page, as URL parameters, and the answer as images and codes.

    view=samples      seed, count, truncation
    view=edit         start, axes (steps along the principal directions), dir.<name> (along others)
    view=interpolate  start, end, steps
    all of them       checkpoint, density

`start` and `end` are where a code comes from: `sample:<seed>`, `test:<number of a test image>` or
`image:<base64 of a small PNG or JPEG>`, which an upload becomes, so that a link needs no file.
"""

import base64
import binascii
import dataclasses
import io
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np

from flexae_tf import data, figures
from flexae_tf.errors import UserError
from flexae_tf.explore import uploads
from flexae_tf.explore.sources import COMPONENTS, Explored, Source

KINDS = ("samples", "edit", "interpolate")
ORIGINS = ("sample", "test", "image")
MOST_IMAGES = 100
MOST_STEPS = 25
MOST_AXIS = 4.0  # standard deviations of the codes
MOST_DIRECTION = 3.0  # lengths of a direction
MOST_SEED = 2**31 - 1
MOST_TRUNCATION = 2.0
_DIRECTION = "dir."


@dataclasses.dataclass(frozen=True)
class View:
    """One picture of the page; see the head of this module.

    Attributes:
      kind: one of `KINDS`.
      checkpoint: iteration, or None for the newest.
      density: name, or None for the source's first.
      seed, count: of samples.
      truncation: samples are mean + truncation (z - mean), the mean that of samples' codes.
      start, end: origins.
      axes: steps along the principal directions, in standard deviations of the codes there.
      directions: {name: step} along the run's directions, in their lengths.
      steps: images of an interpolation, both ends included.
    """

    kind: str = "samples"
    checkpoint: int | None = None
    density: str | None = None
    seed: int = 0
    count: int = 25
    truncation: float = 1.0
    start: str = "sample:0"
    end: str = "sample:1"
    axes: tuple[float, ...] = ()
    directions: Mapping[str, float] = dataclasses.field(default_factory=dict)
    steps: int = 9

    def query(self) -> str:
        """The URL parameters that `parse` reads, without those that mean nothing to the kind."""
        fields: dict[str, object] = {
            "view": self.kind,
            "checkpoint": self.checkpoint,
            "density": self.density,
        }
        if self.kind == "samples":
            fields |= {"seed": self.seed, "count": self.count}
            fields["truncation"] = f"{self.truncation:g}"
        elif self.kind == "edit":
            fields["start"] = self.start
            fields["axes"] = ",".join(f"{step:g}" for step in self.axes) if any(self.axes) else None
            fields |= {_DIRECTION + k: f"{step:g}" for k, step in self.directions.items() if step}
        else:
            fields |= {"start": self.start, "end": self.end, "steps": self.steps}
        given = {name: value for name, value in fields.items() if value is not None}
        return urlencode(given, safe=":,/=")


def parse(query: str) -> View:
    """The `View` of URL parameters. Raises UserError if one is not as it should be."""
    given = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    directions = {
        name.removeprefix(_DIRECTION): _number(name, given.pop(name), MOST_DIRECTION, float)
        for name in list(given)
        if name.startswith(_DIRECTION)
    }
    fields: dict[str, Any] = {"directions": directions}
    for name, text in given.items():
        if name not in _READERS:
            raise UserError(f"unknown parameter {name!r}: expected one of {', '.join(_READERS)}")
        fields["kind" if name == "view" else name] = _READERS[name](text)
    return View(**fields)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a view shows.

    Attributes:
      images: float32 [N, H, W, C] in [0, 1].
      codes: float32 [N, m] that they were decoded from.
      columns: images in a row.
      original: float32 [H, W, C], the test image that an edit starts from; else None.
    """

    images: np.ndarray
    codes: np.ndarray
    columns: int
    original: np.ndarray | None = None

    def png(self) -> bytes:
        """The images as a grid, pixel for pixel."""
        return figures.png(figures.grid(self.images, self.columns))

    def npy(self) -> bytes:
        """The codes as a .npy file."""
        buffer = io.BytesIO()
        np.save(buffer, self.codes)
        return buffer.getvalue()


def answer(view: View, source: Source) -> Answer:
    """The `Answer` to a `View`.

    Raises:
      UserError: no such checkpoint, density, direction or test image, nothing to sample from, or
        as `uploads.read_image`.
    """
    model = open_model(view, source)
    if view.kind == "samples":
        z = model.sample_codes(view.count, view.seed)  # [N, m]
        if view.truncation != 1:
            mean = model.sampled_mean
            z = mean + np.float32(view.truncation) * (z - mean)
        return Answer(model.decode(z), z, columns=math.ceil(math.sqrt(view.count)))
    start, original = _origin(view.start, model, source)
    if view.kind == "edit":
        z = np.stack([start, start + _shift(view, model)])  # [2, m]
        return Answer(model.decode(z), z, columns=2, original=original)
    end, _ = _origin(view.end, model, source)
    towards_end = np.linspace(0, 1, view.steps, dtype=np.float32)[:, None]
    z = (1 - towards_end) * start + towards_end * end  # [steps, m]
    return Answer(model.decode(z), z, columns=view.steps)


def open_model(view: View, source: Source) -> Explored:
    """The model that a `View` is of. Raises UserError."""
    checkpoint = source.checkpoints[-1] if view.checkpoint is None else view.checkpoint
    if checkpoint not in source.checkpoints:
        known = ", ".join(map(str, source.checkpoints))
        raise UserError(f"no checkpoint {checkpoint}: there are {known}")
    density = view.density or source.densities[0]
    if density not in source.densities:
        raise UserError(f"no density {density!r}: expected one of {', '.join(source.densities)}")
    return source.open(checkpoint, density)


def _origin(text, model, source):
    """(code [m], the image it is of or None) of an origin."""
    kind, _, value = text.partition(":")
    if kind == "sample":
        return model.sample_codes(1, int(value))[0], None
    if kind == "image":
        image = uploads.read_image(base64.urlsafe_b64decode(value), model.shape)
    else:
        image = _test_image(source.test_images, int(value))
    image = data.to_unit(image)
    return model.encode(image[None])[0], image


def _test_image(images, number):
    if images is None:
        raise UserError("there are no test images at hand: choose a sample or upload an image")
    if number >= len(images):
        raise UserError(f"there are {len(images)} test images, from 0; received {number}")
    return data.gather(images, np.array([number]))[0]


def _shift(view, model):
    """What an edit adds to a code, float32 [m]."""
    mean, axes = model.axes
    if any(view.axes[len(axes) :]):
        raise UserError(f"the codes have {len(axes)} principal directions, asked for more")
    shift = np.zeros_like(mean)
    for step, axis in zip(view.axes, axes, strict=False):
        shift += np.float32(step) * axis
    for name, step in view.directions.items():
        if name not in model.directions:
            known = ", ".join(model.directions) or "none"
            raise UserError(f"no direction {name!r}: there are {known}")
        shift += np.float32(step) * model.directions[name]
    return shift


def _number(name, text, most, kind=int, least=None):
    least = -most if least is None else least
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise UserError(
            f"{name} must be a number from {least:g} to {most:g}; received {text[:40]!r}"
        )
    return value


def _one_of(name, text, known):
    if text not in known:
        raise UserError(f"{name} must be one of {', '.join(known)}; received {text[:40]!r}")
    return text


def _read_origin(text):
    kind, _, value = text.partition(":")
    _one_of("an origin", kind, ORIGINS)
    if kind != "image":
        return f"{kind}:{_number(kind, value, MOST_SEED, least=0)}"
    try:
        base64.b64decode(value, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UserError("the image of the link is damaged: expected base64") from None
    return text


def _read_axes(text):
    parts = text.split(",")
    if len(parts) > COMPONENTS:
        raise UserError(f"axes must be at most {COMPONENTS} numbers; received {len(parts)}")
    return tuple(_number("axes", part, MOST_AXIS, float) for part in parts)


_READERS: dict[str, Callable[[str], Any]] = {
    "view": lambda text: _one_of("view", text, KINDS),
    "checkpoint": lambda text: _number("checkpoint", text, MOST_SEED, least=0),
    "density": str,
    "seed": lambda text: _number("seed", text, MOST_SEED, least=0),
    "count": lambda text: _number("count", text, MOST_IMAGES, least=1),
    "truncation": lambda text: _number("truncation", text, MOST_TRUNCATION, float, least=0.0),
    "start": _read_origin,
    "end": _read_origin,
    "axes": _read_axes,
    "steps": lambda text: _number("steps", text, MOST_STEPS, least=2),
}
