"""A folder of the user's own images, and the decoding of image files in general.

Read: .png .jpg .jpeg .bmp .gif .webp, of animations the first frame, turned upright as their EXIF
orientation says. A folder of grey images only becomes a data set with one channel, any other one
with three: there grey, palette and CMYK images are converted to RGB. Transparency is replaced by
white. What was converted is counted in one warning.

Refused, with the name of the file: what cannot be decoded, 16 bits per channel, and a shorter
side below the image size (nothing is ever enlarged).
"""

import collections
import concurrent.futures
import functools
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from flexae_tf.data.cache import Source, Split, stamp
from flexae_tf.errors import UserError, warn

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
# Pillow's filters widen when they shrink an image, that is, they do not alias.
FILTER = Image.Resampling.BICUBIC
CHUNK = 512  # images decoded between two writes
_TEST_FRACTION = 0.1
_SPLIT_SEED = 0
_GREY_MODES = ("1", "L", "LA")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def folder_source(data_dir: pathlib.Path | str | None, image_size: int | None) -> Source:
    """`Source` of all the images under a folder, resized and centre-cropped.

    A tenth of the images (at least one), drawn with a fixed seed, are the test images. If every
    image lies in a subfolder, the first-level subfolders are the classes.

    Args:
      data_dir: folder, searched at any depth; names that start with a dot and links to folders are
        skipped.
      image_size: H = W; the shorter side is resized to it.

    Raises: UserError without a usable folder; the source's `open` where a file is refused.
    """
    if data_dir is None:
        raise UserError("dataset folder needs --data_dir, the folder of your images")
    if image_size is None or image_size < 1:
        raise UserError(
            "dataset folder needs --image_size, the height and width in pixels, e.g. 64"
        )
    root = pathlib.Path(data_dir).expanduser().absolute()
    paths = image_paths(root)
    if len(paths) < 2:
        raise UserError(
            f"expected at least 2 images ({' '.join(SUFFIXES)}) under --data_dir={data_dir}, "
            f"found {len(paths)}"
        )
    return Source(
        name="folder",
        preprocessing={"image_size": image_size},
        files=[stamp(path) for path in paths],
        open=functools.partial(_open_folder, root, paths, image_size),
    )


def decode_in_parallel(
    decode: Callable[[Any], np.ndarray], batches: Iterable[Sequence]
) -> Iterator[np.ndarray]:
    """Yields `decode` of every item, stacked batch by batch, on all cores.

    Args:
      decode: item -> array; called from threads (Pillow decodes outside Python's lock).
      batches: iterable of lists of items.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for batch in batches:
            yield np.stack(list(pool.map(decode, batch)))


def decode_files(
    decode: Callable[[Image.Image], np.ndarray],
    paths: Sequence[pathlib.Path],
    labels: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yields (images [b, H, W, C], labels [b, ...] or None), `CHUNK` files at a time.

    Args:
      decode: upright `PIL.Image` -> uint8 [H, W, C].
      paths: image files.
      labels: array [N, ...] in their order, or None.

    Raises: UserError that names the file which cannot be decoded.
    """
    starts = range(0, len(paths), CHUNK)
    batches = (paths[start : start + CHUNK] for start in starts)
    for start, images in zip(
        starts, decode_in_parallel(functools.partial(_decode_file, decode), batches), strict=True
    ):
        yield images, None if labels is None else labels[start : start + CHUNK]


def bits_per_channel(content: bytes) -> int | None:
    """Bits per channel of a PNG, of which Pillow cuts RGB of 16 to 8 without a word; else None."""
    is_png = content.startswith(_PNG_SIGNATURE) and len(content) > 24
    return content[24] if is_png else None


def to_shape(image: Image.Image, shape: tuple[int, ...]) -> np.ndarray:
    """An image resized and cut around its centre to [H, W, C], grey or RGB, laid on white; uint8.

    Args:
      image: of any mode.
      shape: (H, W, C), C 1 or 3.
    """
    height, width, channels = shape
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(ImageOps.fit(image, (width, height), FILTER)).reshape(shape)


def _decode_file(decode, path):
    try:
        with Image.open(path) as image:
            return decode(ImageOps.exif_transpose(image))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:  # Pillow raises a dozen kinds on files that are not sound
        raise UserError(f"{path} cannot be decoded: {error}; repair or remove it") from error


def image_paths(root: pathlib.Path) -> list[pathlib.Path]:
    """The image files under a folder, sorted; warns of others. Raises UserError without it."""
    if not root.is_dir():
        raise UserError(f"--data_dir={root} is not a folder")
    paths, others = [], collections.Counter()
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            suffix = pathlib.Path(name).suffix.lower()
            if suffix in SUFFIXES and not name.startswith("."):
                paths.append(pathlib.Path(folder, name))
            elif not name.startswith("."):
                others[suffix or name] += 1
    if others:
        print(
            f"warning: {root}: ignored {others.total()} files that are not {' '.join(SUFFIXES)}: "
            f"{_counts(others)}",
            file=sys.stderr,
        )
    return sorted(paths)


def common_shape(
    root: pathlib.Path, paths: Sequence[pathlib.Path], image_size: int
) -> tuple[int, int, int]:
    """The shape (H, W, C) that files are brought to: grey if they all are; warns of conversions.

    Raises: UserError that names a file which is refused.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        modes = list(pool.map(functools.partial(_check_header, image_size), paths))
    channels = 1 if all(mode in _GREY_MODES for mode, _ in modes) else 3
    _warn_of_conversions(root, modes, channels)
    return image_size, image_size, channels


def split_rows(count: int) -> dict[str, np.ndarray]:
    """{"train": rows, "test": rows} of so many files, ascending; the test rows are a tenth."""
    order = np.random.default_rng(_SPLIT_SEED).permutation(count)
    test_count = max(1, round(_TEST_FRACTION * count))
    return {"train": np.sort(order[test_count:]), "test": np.sort(order[:test_count])}


def _open_folder(root, paths, image_size):
    shape = common_shape(root, paths, image_size)
    decode = functools.partial(to_shape, shape=shape)
    class_names, class_numbers = _classes(root, paths)
    splits = {}
    for name, rows in split_rows(len(paths)).items():
        labels = None if class_numbers is None else class_numbers[rows]
        chunks = decode_files(decode, [paths[row] for row in rows], labels)
        splits[name] = Split(len(rows), shape, np.uint8, chunks)
    return splits, class_names


def _classes(root, paths):
    """(names, int64 [N] numbers) of the first-level subfolders, or ((), None)."""
    subfolders = [path.relative_to(root).parts[:-1] for path in paths]
    if not all(subfolders):
        return (), None
    names, numbers = np.unique([parts[0] for parts in subfolders], return_inverse=True)
    return tuple(names.tolist()), numbers


def _check_header(image_size, path):
    """(Pillow's mode, whether there is transparency), read without decoding the image."""
    try:
        with open(path, "rb") as file:
            start = file.read(25)
        with Image.open(path) as image:
            mode, size, transparent = image.mode, image.size, image.has_transparency_data
    except Exception as error:  # as in `_decode_file`
        raise UserError(f"{path} is not an image that can be read: {error}") from error
    if bits_per_channel(start) == 16:
        raise UserError(f"{path} has 16 bits per channel: convert it to 8 bits or remove it")
    if min(size) < image_size:
        raise UserError(
            f"{path} has {size[0]}x{size[1]} pixels, expected at least {image_size} on the shorter "
            "side (--image_size): remove it or choose a smaller size"
        )
    return mode, transparent


def _warn_of_conversions(root, modes, channels):
    names = {"P": "palette"} | dict.fromkeys(_GREY_MODES, "grey")
    plain = _GREY_MODES if channels == 1 else ("RGB", "RGBA")
    counts = collections.Counter(names.get(mode, mode) for mode, _ in modes if mode not in plain)
    counts["transparent (laid on white)"] = sum(transparent for _, transparent in modes)
    if counts.total():
        target = "grey" if channels == 1 else "RGB"
        warn(f"{root}: converted to {target}: {_counts(counts)}")


def _counts(counter):
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()) if count)
