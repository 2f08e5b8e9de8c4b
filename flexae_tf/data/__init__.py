"""Data sets by name.

dataset = data.load("mnist", data_dir="~/tensorflow_datasets")
x = data.to_unit(data.gather(dataset.train, rows))  # float32 [n, H, W, C] in [0, 1]
"""

import functools
import pathlib
from collections.abc import Sequence

from flexae_tf.data import celeba, pose_folder, splits, stick_figures
from flexae_tf.data.cache import cached
from flexae_tf.data.dataset import Dataset, Examples, fingerprint, gather, to_unit
from flexae_tf.data.digits import digits
from flexae_tf.data.image_files import folder_source
from flexae_tf.data.npz import npz_source
from flexae_tf.data.synthetic import DIMS, TRAIN_COUNT, generate
from flexae_tf.data.tfds_source import tfds_source
from flexae_tf.errors import UserError

__all__ = ["NAMES", "Dataset", "Examples", "gather", "is_paired", "load", "to_unit"]

_SYNTHETIC = {f"synthetic{n}d": n for n in DIMS}
_EMBEDDED = ("digits", *_SYNTHETIC)
_PAIRED = ("stick_figures", "pose_folder")
NAMES = (*_EMBEDDED, "mnist", "fashion_mnist", "cifar10", "celeb_a", "folder", "npz", *_PAIRED)
_SIZED = ("folder", "celeb_a", *_PAIRED)


def load(
    name: str,
    *,
    data_dir: pathlib.Path | str | None = None,
    download: bool = False,
    image_size: int | None = None,
    celeba_crop: int = 140,
    cache_dir: pathlib.Path | str | None = None,
    train_examples: int | None = None,
    pad: int | None = None,
    validation_images: int = 0,
) -> Dataset:
    """Loads a data set, decoding it into the cache if it is not there.

    Args:
      name: one of `NAMES`.
      data_dir: where it is; unused by digits and synthetic, which are embedded.
        mnist, fashion_mnist, cifar10: folder of TensorFlow Datasets (None is its default).
        celeb_a: the same, or the folder that `celeba` describes.
        folder: the images (`image_files` says which). npz: the file, or the folder it is in.
        pose_folder: the folder with images and their pose maps.
      download: whether TensorFlow Datasets may fetch what is not in `data_dir`.
      image_size: height and width in pixels; needed by folder and pose_folder, 64 by default for
        celeb_a and stick_figures, and not available for the others, which keep the size they have.
      celeba_crop: side of CelebA's centre crop in pixels.
      cache_dir: folder for decoded data, see `cache.cache_root`.
      train_examples: keep only the first so many train examples; all by default.
      pad: side that images are brought to with zeros around them; as they are by default.
      validation_images: examples that are kept from training, see `splits`; none by default.

    Returns: `Dataset`.

    Raises: UserError where the name or a setting is wrong, or the data are missing or unsound.
    """
    if name not in NAMES:
        raise UserError(f"unknown dataset {name!r}; expected one of {', '.join(NAMES)}")
    if image_size is not None and name not in _SIZED:
        raise UserError(f"--image_size is for {', '.join(_SIZED)}; {name} keeps the size it has")
    decoded = functools.partial(
        _decoded, name, data_dir, download, image_size, celeba_crop, cache_dir, pad
    )
    dataset = _embedded(name, pad) if name in _EMBEDDED else Dataset(name=name, **decoded())
    if validation_images and name == "celeb_a":
        dataset = splits.take_from(dataset, decoded(("validation",)), validation_images)
    elif validation_images:
        dataset = splits.hold_out(dataset, validation_images)
    return dataset if train_examples is None else dataset.first(train_examples)


def is_paired(shape: Sequence[int]) -> bool:
    """Whether an example of this shape is an image and, in as many channels after it, a map."""
    return len(shape) == 3 and shape[-1] in (2, 6)


def _embedded(name, pad):
    arrays, label_names = _arrays(name)
    preprocessing = {}
    if pad is not None:
        arrays |= {split: splits.pad(arrays[split], pad) for split in ("train", "test")}
        preprocessing["pad"] = pad
    digest = fingerprint(name, preprocessing, arrays)
    return Dataset(name=name, label_names=label_names, fingerprint=digest, **arrays)


def _arrays(name):
    if name == "digits":
        return digits(), tuple("0123456789")
    x, _, component = generate(_SYNTHETIC[name])
    arrays = {
        "train": x[:TRAIN_COUNT],
        "test": x[TRAIN_COUNT:],
        "train_labels": component[:TRAIN_COUNT],
        "test_labels": component[TRAIN_COUNT:],
    }
    return arrays, tuple(str(k) for k in range(1, component.max() + 2))


def _decoded(
    name, data_dir, download, image_size, celeba_crop, cache_dir, pad, names=("train", "test")
):
    """The fields (see `cache.cached`) of a data set's splits of these names."""
    try:
        source = _source(name, data_dir, download, image_size, celeba_crop, names)
    except OSError as error:
        raise UserError(f"--data_dir={data_dir} cannot be read: {error}") from error
    return cached(source if pad is None else splits.padded(source, pad), cache_dir)


def _source(name, data_dir, download, image_size, celeba_crop, names):
    if name == "folder":
        return folder_source(data_dir, image_size)
    if name == "stick_figures":
        return stick_figures.source(image_size)
    if name == "pose_folder":
        return pose_folder.source(data_dir, image_size)
    if name == "npz":
        return npz_source(data_dir)
    if name != "celeb_a":
        return tfds_source(name, data_dir, download, {})
    if data_dir and pathlib.Path(data_dir, celeba.FOLDER).expanduser().is_dir():
        return celeba.folder_source(data_dir, image_size, celeba_crop, names)
    settings = celeba.preprocessing(image_size, celeba_crop)
    return tfds_source(name, data_dir, download, settings, names)
