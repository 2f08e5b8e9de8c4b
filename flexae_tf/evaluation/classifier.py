"""A classifier of a data set as the extractor of features, where Inception does not suit it.

Digits are no photographs, so work on them measures Frechet and kernel distances in a convolutional
network that was trained to classify them: Bińkowski et al., "Demystifying MMD GANs", take LeNet's
features on MNIST. This network is of LeNet's kind,

    Conv 32/5, ReLU, max pooling, Conv 64/5, ReLU, max pooling, FC 128, ReLU, FC classes,

and the 128 are the features. Scores compare between models that were measured with the very same
classifier, which is why a report names the digest of its weights, and how accurate it is.

A folder of one is a SavedModel, images float32 [N, H, W, C] in [0, 1] -> features and logits, with
classifier.json beside it.
"""

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import files
from flexae_tf.data import Dataset
from flexae_tf.errors import UserError

RECORD = "classifier.json"
FEATURES = 128
_BATCH, _LEARNING_RATE = 128, 1e-3


@dataclasses.dataclass(frozen=True)
class Training:
    """How a classifier is trained: Adam at 1e-3 with minibatches of 128.

    Attributes:
      epochs: passes over the train images.
      seed: of the initial weights and of the order.
    """

    epochs: int = 5
    seed: int = 0


def train(dataset: Dataset, training: Training, folder: Path | str) -> dict[str, Any]:
    """Trains a classifier and writes it, unless the folder has that one.

    Args:
      dataset: the `Dataset`: images, each with one label.
      training: how. folder: where the SavedModel goes, which appears there when it is complete.

    Returns:
      The record: what it was trained on and how, and its accuracy on the test images, in 0..1.

    Raises:
      UserError: there is nothing to classify, the folder holds something else or cannot be written.
    """
    classes = _classes(dataset)
    made_of = {
        "dataset": dataset.name,
        "data_fingerprint": dataset.fingerprint,
        **dataclasses.asdict(training),
    }
    folder = Path(folder)
    if folder.exists():
        return _found(folder, made_of)
    keras.utils.set_random_seed(training.seed)
    trunk, classifier = _networks(dataset.shape, len(classes))
    trained = keras.Sequential([keras.layers.Rescaling(1 / 255), classifier])
    trained.compile(
        optimizer=keras.optimizers.Adam(_LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    trained.fit(
        np.asarray(dataset.train),
        np.searchsorted(classes, dataset.train_labels),
        batch_size=_BATCH,
        epochs=training.epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=_report)],
    )
    test = np.asarray(dataset.test), np.searchsorted(classes, dataset.test_labels)
    accuracy = float(trained.evaluate(*test, verbose=0)[1])
    record = made_of | {"accuracy": accuracy, "test_images": len(dataset.test)}
    _write(trunk, classifier, dataset.shape, record, folder)
    return record


def read_record(folder: Path | str) -> dict[str, Any] | None:
    """The record of a classifier's folder, or None where there is none."""
    try:
        found = json.loads((Path(folder) / RECORD).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "accuracy" in found else None


def _classes(dataset):
    """The labels that there are, ascending."""
    if len(dataset.shape) != 3:
        raise UserError(f"{dataset.name} has vectors, which are measured without a network")
    labels = dataset.train_labels
    if labels is None or labels.ndim != 1:
        kind = "no labels" if labels is None else f"{labels.shape[1]} attributes for each image"
        raise UserError(
            f"a classifier needs one label for each image; the data set {dataset.name} has {kind}"
        )
    classes = np.unique(labels)
    if len(classes) < 2:
        raise UserError(f"the images of {dataset.name} are all of one class: nothing to classify")
    unknown = np.setdiff1d(dataset.test_labels, classes)
    if len(unknown):
        raise UserError(f"test images of {dataset.name} are of class {unknown[0]}, no train image")
    return classes


def _found(folder, made_of):
    """The record in a folder that is there already, if it is that of this training."""
    record = read_record(folder)
    if record is None:
        raise UserError(f"{folder} exists and holds no classifier: choose another folder")
    differing = [name for name, value in made_of.items() if record.get(name) != value]
    if differing:
        name = differing[0]
        raise UserError(
            f"{folder} holds a classifier with {name} = {record.get(name)}, not {made_of[name]}: "
            "choose another folder"
        )
    return record


def _networks(shape, classes):
    """The network from images to features, and that to logits, which contains it."""
    layers = keras.layers
    trunk = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(FEATURES, activation="relu"),
        ]
    )
    return trunk, keras.Sequential([trunk, layers.Dense(classes)])


def _report(epoch: int, logs: Mapping[str, float]) -> None:
    print(f"epoch {epoch + 1}: accuracy on train images {logs['accuracy']:.4f}", file=sys.stderr)


def _write(trunk, classifier, shape, record, folder):
    """Writes the SavedModel beside its place and moves it there."""
    module = tf.Module()
    module.trunk, module.last = trunk, classifier.layers[-1]

    @tf.function(input_signature=[tf.TensorSpec((None, *shape), tf.float32, name="images")])
    def serve(images):
        features = module.trunk(images, training=False)
        return {"features": features, "logits": module.last(features)}

    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        tf.saved_model.save(module, str(partial), signatures={"serving_default": serve})
        (partial / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        os.replace(partial, folder)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"cannot write {folder}: {files.reason(error)}") from error
