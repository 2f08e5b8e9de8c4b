"""Prepares a data set once, so that training on it starts at once.

python -m tools.prepare_data --dataset=cifar10 --data_dir=~/tensorflow_datasets --download
"""

from absl import flags

from flexae_tf import data
from flexae_tf.data.cache import cache_root
from flexae_tf.errors import run_main

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
_VALIDATION_IMAGES = flags.DEFINE_integer(
    "validation_images", 0, "Images kept from training.", lower_bound=0
)
_CACHE_DIR = flags.DEFINE_string(
    "cache_dir", None, "Folder for decoded data; by default $FLEXAE_TF_CACHE or the user's cache."
)


def main(_: list[str]) -> None:
    """Loads the data set and prints what it holds."""
    dataset = data.load(
        _DATASET.value,
        data_dir=_DATA_DIR.value,
        download=_DOWNLOAD.value,
        image_size=_IMAGE_SIZE.value,
        celeba_crop=_CELEBA_CROP.value,
        cache_dir=_CACHE_DIR.value,
        pad=_PAD.value,
        validation_images=_VALIDATION_IMAGES.value,
    )
    print(f"dataset      {dataset.name}")
    for split in ("train", "test", *(["validation"] if _VALIDATION_IMAGES.value else [])):
        array, labels = getattr(dataset, split), getattr(dataset, f"{split}_labels")
        print(f"{split:<12} {array.dtype} {list(array.shape)}, labels {_describe(labels)}")
    print(f"label names  {' '.join(dataset.label_names) or 'none'}")
    print(f"fingerprint  {dataset.fingerprint}")
    print(f"cache        {cache_root(_CACHE_DIR.value)}")


def _describe(labels):
    return "none" if labels is None else f"{labels.dtype} {list(labels.shape)}"


if __name__ == "__main__":
    run_main(main)
