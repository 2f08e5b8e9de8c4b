"""All that is random in an iteration, as a pure function of (seed, iteration).

A method says what it needs as a *draw specification*: a dict from field name to a sampler, which is
a function (seed, batch_size) -> tensor [batch_size, ...], or `IMAGES` for rows of the train set
(uniform, with replacement). One iteration takes a tuple of such minibatches, each a record whose
attributes are the fields.

Everything is drawn for the global minibatch and split over replicas afterwards, so the numbers do
not depend on how many replicas there are; nothing is carried from one iteration to the next, so a
resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from flexae_tf import data

IMAGES = "rows of the train set"
SAMPLERS = ("normal", "uniform", "one_hot", "mix_gauss")
_CLASSES = 10  # of the released program's one_hot and mix_gauss noise
# Streams of one seed that must not overlap.
TRAINING, STATISTICS, PICTURES, DENSITIES, VALIDATION = range(5)


def uniform(seed: tf.Tensor, batch_size: int) -> tf.Tensor:
    """Interpolation coefficients: [batch_size] in [0, 1)."""
    return tf.random.stateless_uniform([batch_size], seed, alg="philox")


def uniform_like(shape: Sequence[int]) -> Callable:
    """A sampler of numbers in [0, 1): (seed, n) -> [n, *shape]."""

    def sample(seed, batch_size):
        return tf.random.stateless_uniform([batch_size, *shape], seed, alg="philox")

    return sample


def noise(kind: str, dim: int) -> Callable:
    """A sampler of the prior generator's input n: (seed, batch_size) -> [batch_size, m'].

    Args:
      kind: "normal" N(0, I); "uniform" on [-1, 1]; "one_hot" N(0, I) followed by a random one-hot
        class of 10; "mix_gauss" N(0, I) shifted by 1 along one of the first 10 axes.
      dim: dimension of the continuous part.
    """

    def sample(seed, batch_size):
        seed, class_seed = tf.unstack(tf.random.split(seed, 2, alg="philox"))
        if kind == "uniform":
            return tf.random.stateless_uniform([batch_size, dim], seed, -1.0, 1.0, alg="philox")
        normal = tf.random.stateless_normal([batch_size, dim], seed, alg="philox")
        if kind == "normal":
            return normal
        label = tf.random.stateless_uniform(
            [batch_size], class_seed, 0, _CLASSES, tf.int32, alg="philox"
        )
        if kind == "one_hot":
            return tf.concat([normal, tf.one_hot(label, _CLASSES)], axis=1)
        return normal + tf.one_hot(label, dim)

    return sample


def normal_like(shape: Sequence[int]) -> Callable:
    """A sampler of N(0, I) of a shape: (seed, n) -> [n, *shape]."""

    def sample(seed, batch_size):
        return tf.random.stateless_normal([batch_size, *shape], seed, alg="philox")

    return sample


def truncated_normal_like(shape: Sequence[int]) -> Callable:
    """A sampler of N(0, I) of a shape, without what is beyond 2: (seed, n) -> [n, *shape]."""

    def sample(seed, batch_size):
        return tf.random.stateless_truncated_normal([batch_size, *shape], seed, alg="philox")

    return sample


def uniform_and_normal(dim: int) -> Callable:
    """A sampler of a number in [0, 1) beside N(0, I) of `dim` components: -> [n, 1 + dim]."""
    normal = noise("normal", dim)

    def sample(seed, batch_size):
        seed, uniform_seed = tf.unstack(tf.random.split(seed, 2, alg="philox"))
        u = uniform(uniform_seed, batch_size)[:, None]
        return tf.concat([u, normal(seed, batch_size)], axis=1)

    return sample


def chosen(u: tf.Tensor, count: int) -> tf.Tensor:
    """Which of `count` things numbers in [0, 1) choose, each as likely: int32, of u's shape."""
    # The product of the largest u may be rounded to the count.
    return tf.minimum(tf.cast(u * count, tf.int32), count - 1)


def mixture(means: np.ndarray, variances: np.ndarray) -> Callable:
    """A sampler of a mixture of isotropic Gaussians of equal weights.

    Args:
      means: [K, m].
      variances: [K], each times the identity.
    """
    means = tf.constant(means, tf.float32)
    deviations = tf.sqrt(tf.constant(variances, tf.float32))[:, None]  # [K, 1]

    def sample(seed, batch_size):
        seed, component_seed = tf.unstack(tf.random.split(seed, 2, alg="philox"))
        k = tf.random.stateless_uniform(
            [batch_size], component_seed, 0, len(means), tf.int32, alg="philox"
        )
        normal = tf.random.stateless_normal([batch_size, means.shape[1]], seed, alg="philox")
        return tf.gather(means, k) + tf.gather(deviations, k) * normal

    return sample


def noise_width(kind: str, dim: int) -> int:
    """Width m' of what `noise(kind, dim)` draws."""
    return dim + _CLASSES if kind == "one_hot" else dim


def key(seed: int | tf.Tensor, stream: int, number: int) -> tf.Tensor:
    """The stateless seed [2] of iteration `number` in one stream of a run's seed."""
    root = tf.stack([tf.cast(seed, tf.int64), tf.constant(stream, tf.int64)])
    return tf.random.fold_in(root, tf.cast(number, tf.int64), alg="philox")


def minibatches(
    spec: Mapping[str, Any], key: tf.Tensor, count: int, batch_size: int, rows: int
) -> tuple:
    """Draws `count` minibatches.

    Args:
      spec: draw specification.
      key: stateless seed [2].
      batch_size: global batch size B.
      rows: number of rows of the train set.

    Returns:
      A tuple of records; an `IMAGES` field holds int64 row numbers [B].
    """
    record = collections.namedtuple("Draw", spec)  # type: ignore[misc]  # names known at run time
    field_keys = iter(tf.unstack(tf.random.split(key, count * len(spec), alg="philox")))

    def sample(sampler, seed):
        if sampler is IMAGES:
            return tf.random.stateless_uniform([batch_size], seed, 0, rows, tf.int64, alg="philox")
        return sampler(seed, batch_size)

    return tuple(
        record(*[sample(sampler, next(field_keys)) for sampler in spec.values()])
        for _ in range(count)
    )


def around(spec: Mapping[str, Any], x: tf.Tensor, key: tf.Tensor) -> Any:
    """A minibatch of given images.

    Args:
      spec: draw specification. x: [B, ...], of every `IMAGES` field.
      key: stateless seed [2] of the others.

    Returns:
      A record.
    """
    record = collections.namedtuple("Draw", spec)  # type: ignore[misc]  # names known at run time
    keys = tf.unstack(tf.random.split(key, len(spec), alg="philox"))
    count = x.shape[0] or tf.shape(x)[0]
    return record(
        *[
            x if sampler is IMAGES else sampler(seed, count)
            for sampler, seed in zip(spec.values(), keys, strict=True)
        ]
    )


def pipeline(
    spec: Mapping[str, Any],
    images: np.ndarray,
    *,
    count: int,
    batch_size: int,
    seed: int,
    stream: int,
    numbers: range,
    shard: tuple[int, int] = (0, 1),
    replicas: int = 1,
) -> tf.data.Dataset:
    """A tf.data pipeline of the minibatches of successive iterations.

    Args:
      spec: draw specification.
      images: the train set, uint8 [N, H, W, C] or float32 [N, D].
      count: minibatches per iteration.
      batch_size: global batch size, a multiple of shard[1] * replicas.
      seed, stream: the run's seed and one of this module's streams.
      numbers: range of the iterations to draw for.
      shard: (index, count) of this input pipeline among the workers'.
      replicas: replicas this pipeline feeds; each gets an element of its own.

    Returns:
      A tf.data.Dataset of tuples of records, images as they are stored.
    """
    index, workers = shard
    local = batch_size // (workers * replicas)

    # AutoGraph would find nothing to convert in these three, and take seconds to see it.
    @tf.autograph.experimental.do_not_convert
    def draw(number):
        drawn = minibatches(spec, key(seed, stream, number), count, batch_size, len(images))
        return tf.nest.map_structure(lambda t: tf.split(t, workers)[index], drawn)

    @tf.autograph.experimental.do_not_convert
    def per_replica(*drawn):
        split = tf.nest.map_structure(
            lambda t: tf.reshape(t, tf.concat([[replicas, -1], tf.shape(t)[1:]], 0)), drawn
        )
        return tf.data.Dataset.from_tensor_slices(split)

    @tf.autograph.experimental.do_not_convert
    def gather(*drawn):
        return _gather(spec, images, drawn, local)

    dataset = tf.data.Dataset.range(numbers.start, numbers.stop).map(draw)
    if replicas > 1:
        dataset = dataset.flat_map(per_replica)
    return dataset.map(gather).prefetch(2)


def _gather(spec, images, drawn, local_batch_size):
    """Replaces row numbers by the images they stand for."""
    fields = [name for name, sampler in spec.items() if sampler is IMAGES]
    numbers = [getattr(draw, name) for draw in drawn for name in fields]
    rows = tf.numpy_function(
        lambda r: data.gather(images, r), [tf.concat(numbers, 0)], images.dtype, stateful=False
    )
    rows.set_shape([len(numbers) * local_batch_size, *images.shape[1:]])
    parts = iter(tf.split(rows, len(numbers)))
    return tuple(draw._replace(**{name: next(parts) for name in fields}) for draw in drawn)
