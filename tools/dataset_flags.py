"""The flags that choose a data set, for every tool that takes one without a run."""

from typing import Any

from absl import flags

from flexae_tf import data

_DATASET = flags.DEFINE_string("dataset", None, f"One of: {', '.join(data.NAMES)}.", required=True)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of TensorFlow Datasets, of CelebA or of images; or the .npz file."
)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Download what is not in --data_dir.")
_IMAGE_SIZE = flags.DEFINE_integer(
    "image_size", None, "Height and width in pixels, for folder and celeb_a.", lower_bound=1
)
_CELEBA_CROP = flags.DEFINE_integer("celeba_crop", 140, "Side of CelebA's centre crop in pixels.")
flags.DEFINE_alias("crop", "celeba_crop")
_PAD = flags.DEFINE_integer("pad", None, "Side of the images with zeros around them.")
CACHE_DIR = flags.DEFINE_string(
    "cache_dir", None, "Folder for decoded data; by default $FLEXAE_TF_CACHE or the user's cache."
)


def load(**further: Any) -> data.Dataset:
    """The `data.Dataset` that the flags name; `further` are other arguments of `data.load`."""
    return data.load(
        _DATASET.value,
        data_dir=_DATA_DIR.value,
        download=_DOWNLOAD.value,
        image_size=_IMAGE_SIZE.value,
        celeba_crop=_CELEBA_CROP.value,
        cache_dir=CACHE_DIR.value,
        pad=_PAD.value,
        **further,
    )
