"""A folder of the user's own images with a pose map beside each.

    images/NAME.png     the images
    poses/NAME.png      a map of what is to be in the image where: sticks, parts, a label map

A map has the name of its image (the suffix may differ), in the same subfolder, and its size. Both
are resized and cropped alike. Formats and what is refused are those of `image_files`; images and
maps that are all grey have one channel each, others three.
"""

import functools
import pathlib

import numpy as np
from PIL import Image

from flexae_tf.data import image_files
from flexae_tf.data.cache import Source, Split, stamp
from flexae_tf.errors import UserError

IMAGES, POSES = "images", "poses"
_NAME = "pose_folder"


def source(data_dir: pathlib.Path | str | None, image_size: int | None) -> Source:
    """`Source` of examples [H, W, C + C], an image and its map; a tenth of them are for testing.

    Args:
      data_dir: folder with the subfolders images and poses.
      image_size: H = W; the shorter side is resized to it.

    Raises: UserError without such folders, or where an image has no map or a map no image; the
      source's `open` where a file is refused or the sizes differ.
    """
    if data_dir is None:
        raise UserError(f"dataset {_NAME} needs --data_dir, a folder with {IMAGES}/ and {POSES}/")
    if image_size is None or image_size < 1:
        raise UserError(f"dataset {_NAME} needs --image_size, the height and width in pixels")
    root = pathlib.Path(data_dir).expanduser().absolute()
    pairs = _pairs(root)
    return Source(
        name=_NAME,
        preprocessing={"image_size": image_size},
        files=[stamp(path) for pair in pairs for path in pair],
        open=functools.partial(_open, root, pairs, image_size),
    )


def _pairs(root):
    """Paths (image, map), sorted by name."""
    found = {}
    for kind in (IMAGES, POSES):
        folder = root / kind
        paths = image_files.image_paths(folder)
        found[kind] = {path.relative_to(folder).with_suffix(""): path for path in paths}
        if len(found[kind]) < len(paths):
            raise UserError(f"{folder} has two files of one name with different suffixes")
    images, poses = found[IMAGES], found[POSES]
    for lacking, having, kind in ((poses, images, POSES), (images, poses, IMAGES)):
        for name in sorted(having.keys() - lacking.keys()):
            missing = len(having.keys() - lacking.keys())
            raise UserError(
                f"{having[name]} has no counterpart {root / kind / name}.*: every image needs a "
                f"pose map of its name and every map its image ({missing} have none)"
            )
    if len(images) < 2:
        raise UserError(f"expected at least 2 images in {root / IMAGES}, found {len(images)}")
    return [(images[name], poses[name]) for name in sorted(images)]


def _open(root, pairs, image_size):
    for image, pose in pairs:
        _check_sizes(image, pose)
    paths = [path for pair in pairs for path in pair]
    shape = image_files.common_shape(root, paths, image_size)
    decode = functools.partial(image_files.to_shape, shape=shape)
    splits = {
        name: Split(len(rows), (*shape[:2], 2 * shape[2]), np.uint8, _chunks(decode, pairs, rows))
        for name, rows in image_files.split_rows(len(pairs)).items()
    }
    return splits, ()


def _chunks(decode, pairs, rows):
    halves = [
        image_files.decode_files(decode, [pairs[row][part] for row in rows]) for part in (0, 1)
    ]
    for (image, _), (pose, _) in zip(*halves, strict=True):
        yield np.concatenate([image, pose], axis=-1), None


def _check_sizes(image, pose):
    sizes = []
    for path in (image, pose):
        try:
            with Image.open(path) as opened:
                sizes.append(opened.size)
        except Exception as error:  # as in `image_files`
            raise UserError(f"{path} is not an image that can be read: {error}") from error
    if sizes[0] != sizes[1]:
        (width, height), (pose_width, pose_height) = sizes
        raise UserError(
            f"{pose} has {pose_width}x{pose_height} pixels, its image {width}x{height}: a pose map "
            "is as large as its image"
        )
