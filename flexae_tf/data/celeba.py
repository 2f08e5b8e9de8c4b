"""CelebA (aligned and cropped, 178 x 218 pixels) from the folder in which it is distributed.

    <data_dir>/img_align_celeba/000001.jpg ...
    <data_dir>/list_eval_partition.txt     lines "000001.jpg 0": 0 train, 1 validation, 2 test
    <data_dir>/list_attr_celeba.txt        optional: count, names, lines "000001.jpg -1 1 ..."

The validation images are a source of their own. `crop_and_resize` also serves CelebA from
elsewhere.
"""

import functools
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from flexae_tf.data import image_files
from flexae_tf.data.cache import Source, Split, source_name, stamp
from flexae_tf.errors import UserError

FOLDER = "img_align_celeba"
DEFAULT_IMAGE_SIZE = 64
_PARTITION = "list_eval_partition.txt"
_ATTRIBUTES = "list_attr_celeba.txt"
_SIZE = (178, 218)


def preprocessing(image_size: int | None, crop: int) -> dict[str, int]:
    """The settings {"crop", "image_size"}, checked.

    Raises: UserError where the crop exceeds the images or the image size the crop.
    """
    image_size = image_size or DEFAULT_IMAGE_SIZE
    if not 0 < crop <= min(_SIZE):
        raise UserError(
            f"expected --celeba_crop between 1 and {min(_SIZE)}, the width of the images; received "
            f"{crop}"
        )
    if not 0 < image_size <= crop:
        raise UserError(
            f"expected --image_size between 1 and the crop {crop}, received {image_size}"
        )
    return {"crop": crop, "image_size": image_size}


def crop_and_resize(image: Image.Image, *, crop: int, image_size: int) -> np.ndarray:
    """The centre `crop` x `crop` pixels, resized with antialiasing.

    Args:
      image: `PIL.Image` of 178 x 218 pixels.
      crop: side in pixels; 128 is rows 45:173, columns 25:153, 140 rows 39:179, columns 19:159.
      image_size: H = W of the result.

    Returns: uint8 [H, W, 3].

    Raises: UserError where the image has another size.
    """
    if image.size != _SIZE:
        raise UserError(
            f"expected {_SIZE[0]}x{_SIZE[1]} pixels, received {image.width}x{image.height}"
        )
    left, top = ((length - crop) // 2 for length in _SIZE)
    image = image.convert("RGB").crop((left, top, left + crop, top + crop))
    return np.asarray(image.resize((image_size, image_size), image_files.FILTER))


def folder_source(
    data_dir: pathlib.Path | str,
    image_size: int | None,
    crop: int,
    splits: Sequence[str] = ("train", "test"),
) -> Source:
    """`Source` of the folder described above.

    Args:
      data_dir: folder with `img_align_celeba`.
      image_size, crop: as in `crop_and_resize`; image_size None is 64.
      splits: "train" and "test", or "validation" alone.

    Raises: UserError where a file is missing or cannot be understood.
    """
    settings = preprocessing(image_size, crop)
    root = pathlib.Path(data_dir).expanduser().absolute()
    found = set(os.listdir(root / FOLDER))
    partition = _read_partition(root / _PARTITION)
    partition = {split: partition[split] for split in splits}
    names = sorted(name for names in partition.values() for name in names)
    if not names:
        raise UserError(f"{root / _PARTITION}: expected images of partition 1 (validation)")
    missing = [name for name in names if name not in found]
    if missing:
        raise UserError(
            f"{len(missing):,} of the {len(names):,} images in {root / _PARTITION} are not in "
            f"{root / FOLDER}, the first is {missing[0]}: unpack the archive again"
        )
    paths = [root / FOLDER / name for name in names] + [root / _PARTITION]
    if (root / _ATTRIBUTES).exists():
        paths.append(root / _ATTRIBUTES)
    return Source(
        name=source_name("celeb_a", splits),
        preprocessing=settings,
        files=[stamp(path) for path in paths],
        open=functools.partial(_open, root, partition, settings),
    )


def _open(root, partition, settings):
    label_names, attributes = _read_attributes(root / _ATTRIBUTES)
    decode = functools.partial(crop_and_resize, **settings)
    shape = (settings["image_size"], settings["image_size"], 3)
    splits = {}
    for split, names in partition.items():
        try:
            labels = np.stack([attributes[name] for name in names]) if label_names else None
        except KeyError as error:
            raise UserError(f"{root / _ATTRIBUTES} has no line for {error.args[0]}") from error
        chunks = image_files.decode_files(decode, [root / FOLDER / name for name in names], labels)
        splits[split] = Split(len(names), shape, np.uint8, chunks)
    return splits, label_names


def _read_partition(path):
    """{"train": file names, "validation": file names, "test": file names}."""
    if not path.exists():
        raise UserError(
            f"{path} is missing: it comes with CelebA (folder Eval) and says which images are for "
            "training and which for testing"
        )
    partition = {"0": [], "1": [], "2": []}
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match line.split():
            case [name, ("0" | "1" | "2") as part]:
                partition[part].append(name)
            case []:
                pass
            case _:
                raise UserError(
                    f"{path}, line {number}: expected 'NAME.jpg 0|1|2', received {line!r}"
                )
    if not (partition["0"] and partition["2"]):
        raise UserError(f"{path}: expected images of partition 0 (train) and 2 (test)")
    return {"train": partition["0"], "validation": partition["1"], "test": partition["2"]}


def _read_attributes(path):
    """(attribute names, {file name: uint8 [A]}), both empty without the file."""
    if not path.exists():
        return (), {}
    lines = path.read_text(errors="replace").splitlines()
    if len(lines) < 3:
        raise UserError(f"{path}: expected the count, the names, and a line for every image")
    names = tuple(lines[1].split())
    attributes = {}
    for number, line in enumerate(lines[2:], 3):
        name, *values = line.split() or [""]
        if len(values) != len(names) or not set(values) <= {"-1", "1"}:
            raise UserError(
                f"{path}, line {number}: expected a name and {len(names)} values -1 or 1"
            )
        attributes[name] = np.array([value == "1" for value in values], np.uint8)
    return names, attributes
