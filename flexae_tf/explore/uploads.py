"""A visitor's image: refused with a line, or made what the model takes."""

import base64
import io
import warnings

import numpy as np
from PIL import Image, ImageOps

from flexae_tf.data.image_files import bits_per_channel, to_shape
from flexae_tf.errors import UserError

MOST_BYTES = 10 << 20
MOST_PIXELS = 20_000_000
_LINK_BYTES = 24 << 10  # browsers and servers take an address of a third more
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def as_link(image: np.ndarray) -> str:
    """An image, uint8 [H, W, C], as the text of a small file: PNG, or JPEG if that is too long."""
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    for form, options in (("PNG", {}), *(("JPEG", {"quality": q}) for q in (95, 85, 70, 40))):
        buffer = io.BytesIO()
        picture.save(buffer, form, **options)
        if len(buffer.getvalue()) <= _LINK_BYTES:
            break
    return base64.urlsafe_b64encode(buffer.getvalue()).decode()


def read_image(content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """An image as a model takes it, converted as images of `--dataset=folder` are.

    Args:
      content: of the file.
      shape: (H, W, C) of the model, C 1 or 3.

    Returns:
      uint8 [H, W, C]: upright, resized and cut around its centre.

    Raises:
      UserError: it is too large, of another format, damaged, or smaller than the model's images.
    """
    if len(content) > MOST_BYTES:
        raise UserError(
            f"expected at most {MOST_BYTES >> 20} MiB, received {len(content) / (1 << 20):.1f} "
            "MiB: upload a smaller file"
        )
    if bits_per_channel(content) == 16:
        raise UserError("the image has 16 bits per channel: convert it to 8 bits")
    try:
        with warnings.catch_warnings():
            # Pillow's own limit, a warning, is above ours, which comes before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise UserError(
                f"expected at most {MOST_PIXELS // 10**6} megapixels, received "
                f"{image.width} x {image.height}: upload a smaller image"
            )
        image = ImageOps.exif_transpose(image)
        if image.height < shape[0] or image.width < shape[1]:
            raise UserError(
                f"expected at least {shape[1]} x {shape[0]} pixels, received "
                f"{image.width} x {image.height}: upload a larger image"
            )
        return to_shape(image, shape)
    except UserError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds on files that are not sound
        known = ", ".join(_FORMATS)
        raise UserError(
            f"not an image that can be read, expected one of {known}: {error}"
        ) from None
