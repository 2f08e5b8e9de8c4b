"""Data sets through TensorFlow Datasets, on small ones written here."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from flexae_tf import data
from flexae_tf.data import celeba
from flexae_tf.errors import UserError

RNG = np.random.default_rng(0)


def _write(data_dir, name, version, features, splits):
    """Writes {split: list of examples} as a prepared data set."""
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        data_dir=data_dir,
        features=features,
        split_datasets={name: list(enumerate(split)) for name, split in splits.items()},
        disable_shuffling=True,
    )


def _write_cifar10(data_dir, train_count=700, test_count=5):
    features = tfds.builder("cifar10", data_dir=data_dir).info.features
    features["label"].names = [f"class {k}" for k in range(10)]
    arrays = {
        split: {
            "image": RNG.integers(0, 256, (count, 32, 32, 3), np.uint8),
            "label": RNG.integers(10, size=count),
            "id": [f"{split}_{row}" for row in range(count)],
        }
        for split, count in (("train", train_count), ("test", test_count))
    }
    examples = {
        split: [{key: columns[key][row] for key in columns} for row in range(len(columns["label"]))]
        for split, columns in arrays.items()
    }
    _write(data_dir, "cifar10", "3.0.2", features, examples)
    return arrays


def test_images_and_labels_are_those_written(tmp_path):
    arrays = _write_cifar10(tmp_path / "tfds")
    dataset = data.load("cifar10", data_dir=tmp_path / "tfds", cache_dir=tmp_path / "cache")
    assert dataset.train.dtype == np.uint8
    assert dataset.label_names[3] == "class 3"
    for split in ("train", "test"):
        images, labels = getattr(dataset, split), getattr(dataset, f"{split}_labels")
        assert labels.dtype == np.int64
        assert images.shape == arrays[split]["image"].shape
        assert _rows(images, labels) == _rows(arrays[split]["image"], arrays[split]["label"])


def _rows(images, labels):
    """Sorted examples: TensorFlow Datasets shuffles them when it writes."""
    return sorted(
        (image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)
    )


def test_damaged_records_are_one_line(tmp_path):
    _write_cifar10(tmp_path / "tfds", train_count=20)
    (record,) = (tmp_path / "tfds").rglob("*train.tfrecord*")
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 255
    record.write_bytes(content)
    with pytest.raises(UserError, match=r"cifar10/3\.0\.2 is damaged"):
        data.load("cifar10", data_dir=tmp_path / "tfds", cache_dir=tmp_path / "cache")
    assert not list((tmp_path / "cache/datasets").glob("*/"))


def test_celeba_is_the_same_as_from_its_folder(tmp_path):
    folder, names = tmp_path / "folder", [f"{number:06d}.jpg" for number in range(1, 5)]
    (folder / celeba.FOLDER).mkdir(parents=True)
    for name in names:
        smooth = Image.fromarray(RNG.integers(0, 256, (20, 16, 3), np.uint8)).resize((178, 218))
        smooth.save(folder / celeba.FOLDER / name)
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} 0\n" for name in names[:3]))
    with open(folder / "list_eval_partition.txt", "a") as file:
        file.write(f"{names[3]} 2\n")
    # The package's own description: it reads an existing data set by that, not by the file's.
    features = tfds.builder("celeb_a", data_dir=tmp_path).info.features
    attributes = {name: name == "Young" for name in features["attributes"]}
    landmarks = dict.fromkeys(features["landmarks"], 0)
    examples = [
        {
            "image": str(folder / celeba.FOLDER / name),
            "attributes": attributes,
            "landmarks": landmarks,
            "identity": {"Identity_No": 0},
        }
        for name in names
    ]
    splits = {"train": examples[:3], "test": examples[3:]}
    _write(tmp_path / "tfds", "celeb_a", "2.1.0", features, splits)

    from_tfds = data.load("celeb_a", data_dir=tmp_path / "tfds", cache_dir=tmp_path / "cache")
    from_folder = data.load("celeb_a", data_dir=folder, cache_dir=tmp_path / "cache")
    assert from_tfds.label_names == tuple(sorted(attributes))
    assert from_tfds.train_labels.tolist() == [[0] * 39 + [1]] * 3
    assert from_tfds.train_labels.dtype == np.uint8
    np.testing.assert_array_equal(from_tfds.train, from_folder.train)
    np.testing.assert_array_equal(from_tfds.test, from_folder.test)


def test_missing_data_say_how_to_get_them(tmp_path):
    with pytest.raises(
        UserError, match=r"mnist is not in .*tools\.prepare_data.*--data_dir.*--download"
    ):
        data.load("mnist", data_dir=tmp_path)
    with pytest.raises(
        UserError, match=r"celeb_a is not in .*quota.*img_align_celeba.*partition\.txt"
    ):
        data.load("celeb_a", data_dir=tmp_path)


def test_failed_download_is_one_line(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)
    with pytest.raises(UserError, match=r"mnist cannot be prepared \(ConnectionError: no route to"):
        data.load("mnist", data_dir=tmp_path, download=True)
