"""Runs to draw pictures of: small networks that were never trained, on a few real digits."""

import dataclasses
import types

import numpy as np
import tensorflow as tf

from flexae_tf import data, methods, runs, settings
from flexae_tf.model import Model, StandardNormal
from flexae_tf.training import checkpoints, saving
from tests import tiny

ITERATION = 3
_SHAPE = (16, 16, 1)


def run(path, case="flexae"):
    """A Run of a tiny method on `images()`; nothing of it is on disk."""
    return tiny.run(path, case, ITERATION)


def images(labels="classes"):
    """`tiny.dataset()` with class numbers, with two attributes 0/1, or with neither (None)."""
    digits, small = data.load("digits"), tiny.dataset()
    train, test = digits.train_labels[:200], digits.test_labels[:20]
    if labels == "classes":
        return dataclasses.replace(
            small, train_labels=train, test_labels=test, label_names=digits.label_names
        )
    if labels == "attributes":
        train, test = (np.stack([y % 2, y > 4], 1).astype(np.uint8) for y in (train, test))
        return dataclasses.replace(
            small, train_labels=train, test_labels=test, label_names=("odd", "large")
        )
    return small


class LinearModel:
    """A model of vectors [N, D] with codes of two components, by matrices."""

    active, latent_dim, codebook_size = None, 2, None
    require_vectors = Model.require_vectors
    require_unconditional = Model.require_unconditional

    def __init__(self, dim=6):
        draw = np.random.default_rng(0)
        self.encoder = draw.standard_normal((dim, 2)).astype(np.float32)
        self.decoder = draw.standard_normal((2, dim)).astype(np.float32)
        self.density = StandardNormal(2)

    def encode(self, x):
        return x @ self.encoder

    def encode_distribution(self, x):
        return tf.constant(self.encode(x.numpy())), None

    def decode(self, z):
        return z @ self.decoder

    def reconstruct(self, x):
        return self.decode(self.encode(x))

    def sample(self, n, seed):
        return self.decode(self.sample_codes(n, seed))

    def sample_codes(self, n, seed):
        return self.density.noise([seed, 0], n).numpy()


def vectors(count=60, dim=6):
    """A Dataset of float32 [count, dim] in three classes."""
    x = np.random.default_rng(1).standard_normal((2, count, dim)).astype(np.float32)
    labels = np.arange(count) % 3
    return data.Dataset(
        name="npz",
        train=x[0],
        test=x[1],
        train_labels=labels,
        test_labels=labels,
        label_names=(),
        fingerprint="",
    )


def adopted(path, **flags):
    """A run directory without a checkpoint, and its flags: FlexAE on the digits by default."""
    small = {"method": "flexae", "dataset": "digits", "training_steps": 7}
    small |= {"width_multiplier": 0.125} | flags
    if "latent_dim" in methods.find(small["method"]).settings("paper"):
        small = {"latent_dim": 4} | small
    values = settings.parse(small)
    directory = runs.RunDirectory(path)
    directory.create()
    fingerprint = data.load("digits").fingerprint
    directory.adopt(
        settings.resolved(_SHAPE, values),
        settings.FREE,
        types.SimpleNamespace(fingerprint=fingerprint, shape=_SHAPE, train=[], validation=None),
    )
    return directory, values


def write(path, **flags):
    """A run directory with one checkpoint of an untrained model; flags as in `adopted`."""
    directory, values = adopted(path, **flags)
    method = settings.build_method(_SHAPE, values)
    state = saving.checkpoint_of(method, tf.Variable(ITERATION, dtype=tf.int64))
    checkpoints.Checkpoints(directory.checkpoints, state).save(ITERATION)
    return directory


def record(path, first):
    """Records scalars {tag: value of the first iteration}, of two iterations, in a run."""
    writer = tf.summary.create_file_writer(str(path / "train"))
    with writer.as_default():
        for step in (1, 2):
            for tag, value in first.items():
                tf.summary.scalar(tag, value / step, step)
    writer.close()
