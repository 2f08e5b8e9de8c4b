"""MNIST, Fashion-MNIST, CIFAR-10 and CelebA through TensorFlow Datasets.

The encoded images are read and decoded here as those of folders are, so that CelebA's pixels do
not depend on where it came from.
"""

import contextlib
import functools
import io
import logging
import os
import pathlib
import sys
from collections.abc import Sequence

import numpy as np
from absl import logging as absl_logging
from PIL import Image

from flexae_tf.data import celeba
from flexae_tf.data.cache import Source, Split, source_name, stamp
from flexae_tf.data.image_files import CHUNK, decode_in_parallel
from flexae_tf.errors import UserError


def tfds_source(
    name: str,
    data_dir: pathlib.Path | str | None,
    download: bool,
    settings: dict[str, int],
    splits: Sequence[str] = ("train", "test"),
) -> Source:
    """`Source` of a data set that TensorFlow Datasets prepares.

    Args:
      name: mnist, fashion_mnist, cifar10 or celeb_a.
      data_dir: its folder; None is its default, ~/tensorflow_datasets.
      download: whether to download and prepare the data set where it is not there.
      settings: `celeba.preprocessing` for celeb_a, else {}.
      splits: "train" and "test", or for celeb_a "validation" alone.

    Raises: UserError where the data set is not there and cannot be downloaded.
    """
    import tensorflow_datasets as tfds

    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    # Threads of a failed download report their last retries after the error that ends the program.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    try:
        with _quiet():
            builder = tfds.builder(name, data_dir=data_dir)
            if download and not builder.is_prepared():
                builder.download_and_prepare()
    except Exception as error:  # of the network, the disk, or a host's refusal: many kinds
        detail = " ".join(str(error).split())[:200]
        raise UserError(
            f"{name} cannot be prepared ({type(error).__name__}: {detail}). {_advice(name)}"
        ) from error
    if not builder.is_prepared():
        raise UserError(f"{name} is not in {builder.data_path}. {_advice(name)}")
    with os.scandir(builder.data_path) as entries:
        files = sorted(stamp(entry.path) for entry in entries)
    opened = functools.partial(_open, builder, settings, splits)
    return Source(source_name(name, splits), settings, files, opened)


@contextlib.contextmanager
def _quiet():
    """Without what TensorFlow Datasets logs where all is well."""
    verbosity = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        yield
    finally:
        absl_logging.set_verbosity(verbosity)


def _advice(name):
    advice = (
        "Where there is a network, prepare it with: python -m tools.prepare_data "
        f"--dataset={name} --data_dir=FOLDER --download; then give the same --data_dir"
    )
    if name == "celeb_a":
        advice += (
            ". Its host often refuses (quota): then get the aligned images yourself and give as "
            f"--data_dir the folder that holds {celeba.FOLDER}/ and list_eval_partition.txt"
        )
    return advice


def _open(builder, settings, names):
    features = builder.info.features
    if settings:
        shape = (settings["image_size"], settings["image_size"], 3)
        label_names = tuple(sorted(features["attributes"]))
    else:
        shape, label_names = features["image"].shape, tuple(features["label"].names)
    decode = functools.partial(_decode, shape, settings)
    splits = {}
    for split in names:
        count = builder.info.splits[split].num_examples
        splits[split] = Split(count, shape, np.uint8, _chunks(builder, split, decode, label_names))
    return splits, label_names


def _chunks(builder, split, decode, label_names):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    with _quiet():
        examples = builder.as_dataset(
            split=split,
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(try_autocache=False),
        )
    labels = []  # of the batches that the decoder has taken

    def encoded_images():
        for batch in tfds.as_numpy(examples.batch(CHUNK)):
            if "attributes" in batch:
                columns = [batch["attributes"][name] for name in label_names]
                labels.append(np.stack(columns, axis=1).astype(np.uint8))
            else:
                labels.append(batch["label"])
            yield batch["image"]

    try:
        for images in decode_in_parallel(decode, encoded_images()):
            yield images, labels.pop()
    except (tf.errors.OpError, OSError) as error:
        raise UserError(
            f"{builder.data_path} is damaged ({' '.join(str(error).split())[:200]}): delete it and "
            "prepare it again with --download"
        ) from error


def _decode(shape, settings, encoded):
    image = Image.open(io.BytesIO(encoded))
    if settings:
        return celeba.crop_and_resize(image, **settings)
    return np.asarray(image).reshape(shape)
