"""Any set of images by one word: a folder, an .npz file or the name of a data set."""

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from flexae_tf import data
from flexae_tf.data.image_files import SUFFIXES, decode_files
from flexae_tf.errors import UserError, warn
from flexae_tf.evaluation.validation import check_images

LOSSY_SUFFIXES = (".jpg", ".jpeg", ".webp")
ARRAY_NAMES = ("images", "samples", "arr_0", "x_test")


def load_images(source: str, data_dir: Path | str | None = None) -> np.ndarray:
    """The images that `source` names.

    Args:
      source: a folder of images of one size, at any depth (neither resized nor cropped); an .npz
        file with one array, or one named images, samples, arr_0 or x_test; or a name of
        `flexae_tf.data`, whose test images are meant.
      data_dir: for data sets by name.

    Returns:
      uint8 [N, H, W, C], or floating [N, H, W, C] in [0, 1].

    Raises:
      UserError: nothing there, or not such images.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return _from_folder(path)
    if path.is_file():
        return _from_npz(path)
    if source in data.NAMES:
        return data.load(source, data_dir=data_dir).test
    raise UserError(
        f"{source}: no such folder, .npz file or data set; data sets are {', '.join(data.NAMES)}"
    )


def _from_folder(folder):
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise UserError(f"{folder}: no images there; expected files {' '.join(SUFFIXES)}")
    lossy = sum(path.suffix.lower() in LOSSY_SUFFIXES for path in paths)
    if lossy:
        warn(
            f"{folder}: {lossy:,} of {len(paths):,} images are JPEG or WebP: lossy compression "
            "alone changes the FID, compare PNG images"
        )
    mode = "L" if {_check_header(path, paths[0]) for path in paths} == {"L"} else "RGB"
    channels = len(mode)  # one letter per channel

    def decode(image):
        converted = np.asarray(image.convert(mode))
        return converted.reshape(*converted.shape[:2], channels)

    return np.concatenate([images for images, _ in decode_files(decode, paths)])


def _check_header(path, first):
    """The mode of an image file, which must be an 8-bit image as large as the first."""
    try:
        with Image.open(path) as image, Image.open(first) as first_image:
            mode, size, first_size = image.mode, image.size, first_image.size
    except OSError as error:
        raise UserError(f"{path} is not an image that can be read: {error}") from error
    if mode not in ("L", "RGB", "P"):
        raise UserError(f"{path}: expected 8-bit grey or RGB without transparency, received {mode}")
    if size != first_size:
        raise UserError(
            f"{path}: expected images of one size, received {size[0]}x{size[1]} beside "
            f"{first_size[0]}x{first_size[1]} ({first.name})"
        )
    return mode


def _from_npz(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = [name for name in ARRAY_NAMES if name in archive] or list(archive)
            if names[0] not in ARRAY_NAMES and len(names) > 1:
                raise UserError(
                    f"{path}: expected one array, or one named {', '.join(ARRAY_NAMES)}; "
                    f"received {', '.join(names)}"
                )
            images = archive[names[0]]
    except (OSError, ValueError, EOFError, IndexError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not an .npz file of plain arrays ({error})") from error
    if images.ndim == 3:
        images = images[..., np.newaxis]
    return images if images.ndim == 2 else check_images(images, str(path))
