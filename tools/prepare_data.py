"""Prepares a data set once, so that training on it starts at once.

python -m tools.prepare_data --dataset=cifar10 --data_dir=~/tensorflow_datasets --download
"""

from absl import flags

from flexae_tf.data.cache import cache_root
from flexae_tf.errors import run_main

from . import dataset_flags

_VALIDATION_IMAGES = flags.DEFINE_integer(
    "validation_images", 0, "Images kept from training.", lower_bound=0
)


def main(_: list[str]) -> None:
    """Loads the data set and prints what it holds."""
    dataset = dataset_flags.load(validation_images=_VALIDATION_IMAGES.value)
    print(f"dataset      {dataset.name}")
    for split in ("train", "test", *(["validation"] if _VALIDATION_IMAGES.value else [])):
        array, labels = getattr(dataset, split), getattr(dataset, f"{split}_labels")
        print(f"{split:<12} {array.dtype} {list(array.shape)}, labels {_describe(labels)}")
    print(f"label names  {' '.join(dataset.label_names) or 'none'}")
    print(f"fingerprint  {dataset.fingerprint}")
    print(f"cache        {cache_root(dataset_flags.CACHE_DIR.value)}")


def _describe(labels):
    return "none" if labels is None else f"{labels.dtype} {list(labels.shape)}"


if __name__ == "__main__":
    run_main(main)
