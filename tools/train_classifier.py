"""Trains a classifier of a data set whose features measure models where Inception does not suit.

    python -m tools.train_classifier --dataset=mnist --data_dir=~/tensorflow_datasets
    python -m tools.evaluate --run_dir=runs/mnist --features=FOLDER

Prints the folder to give to --features, and nothing else, on standard output; the accuracy on the
test images goes to standard error, into FOLDER/classifier.json and into every report. By default
the folder is in the cache of the data, one for each data set and training: what is there is not
trained again. flexae_tf/evaluation/classifier.py says what network it is.
"""

import sys
from pathlib import Path

from absl import flags

from flexae_tf.data.cache import cache_root
from flexae_tf.errors import run_main
from flexae_tf.evaluation import classifier

from . import dataset_flags

_DEFAULT = classifier.Training()
_EPOCHS = flags.DEFINE_integer(
    "epochs", _DEFAULT.epochs, "Passes over the train images.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", _DEFAULT.seed, "Of weights and order.", lower_bound=0)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder of the classifier; in the cache.")


def main(_: list[str]) -> None:
    dataset = dataset_flags.load()
    training = classifier.Training(_EPOCHS.value, _SEED.value)
    name = f"{dataset.name}-{dataset.fingerprint[:16]}-{training.epochs}-{training.seed}"
    in_cache = cache_root(dataset_flags.CACHE_DIR.value) / "classifiers" / name
    folder = Path(_OUTPUT_DIR.value).expanduser() if _OUTPUT_DIR.value else in_cache
    record = classifier.train(dataset, training, folder)
    print(
        f"accuracy on {record['test_images']:,} test images: {record['accuracy']:.4f}",
        file=sys.stderr,
    )
    print(folder)


if __name__ == "__main__":
    run_main(main)
