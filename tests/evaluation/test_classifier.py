"""A classifier of a data set as an extractor of features."""

import dataclasses
import functools
import json

import numpy as np
import pytest

from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.evaluation import classifier, pretrained
from tests import tiny


@functools.cache
def dataset():
    """Dark and bright images, of classes 3 and 7."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 300)
    images = (labels[:, None, None, None] * 120 + generator.integers(0, 100, (300, 8, 8, 1))) % 256
    images = images.astype(np.uint8)
    return Dataset(
        name="bright",
        train=images[:200],
        test=images[200:],
        train_labels=3 + 4 * labels[:200],
        test_labels=3 + 4 * labels[200:],
        label_names=(),
        fingerprint="f" * 64,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifiers") / "bright"
    return folder, classifier.train(dataset(), classifier.Training(epochs=8), folder)


def test_learns_and_says_how_well(trained):
    folder, record = trained
    assert record["accuracy"] == 1.0
    assert record["test_images"] == 100
    assert record["data_fingerprint"] == "f" * 64
    assert json.loads((folder / "classifier.json").read_text()) == record


def test_is_an_extractor_whose_accuracy_is_in_the_protocol(trained):
    folder, _ = trained
    extractor = pretrained.choose((8, 8, 1), features_path=folder)
    found = extractor(dataset().test)
    assert found.activations.shape == (100, classifier.FEATURES)
    assert (found.activations >= 0).all()
    assert (found.logits.argmax(1) == (dataset().test_labels == 7)).all()
    description = extractor.description()
    assert (description["name"], description["accuracy"]) == ("classifier of bright", 1.0)
    assert not description["is_inception"]


def test_is_not_trained_again(trained, monkeypatch):
    folder, record = trained
    monkeypatch.setattr(classifier, "_networks", None)
    assert classifier.train(dataset(), classifier.Training(epochs=8), folder) == record
    with pytest.raises(UserError, match=r"holds a classifier with epochs = 8, not 9: choose ano"):
        classifier.train(dataset(), classifier.Training(epochs=9), folder)


def test_mistakes_leave_nothing_behind(tmp_path):
    train = functools.partial(classifier.train, training=classifier.Training())
    changed = functools.partial(dataclasses.replace, dataset())
    for wrong, message in (
        (tiny.dataset(), r"needs one label for each image; the data set digits has no labels"),
        (changed(train_labels=np.ones((200, 40), np.uint8)), r"has 40 attributes for each image"),
        (changed(train_labels=np.full(200, 3)), r"all of one class"),
        (changed(test_labels=np.full(100, 9)), r"test images of bright are of class 9"),
        (changed(train=np.zeros((200, 5), np.float32)), r"vectors, which are measured without"),
    ):
        with pytest.raises(UserError, match=message):
            train(wrong, folder=tmp_path / "new")
    with pytest.raises(UserError, match=r"exists and holds no classifier"):
        train(dataset(), folder=tmp_path)
    assert not any(tmp_path.iterdir())
