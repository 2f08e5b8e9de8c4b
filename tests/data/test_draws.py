"""What is random in an iteration: a pure function of (seed, iteration), split but never changed."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from flexae_tf.data import draws

ROWS = 300
# Image i holds the number i, so that a drawn image says which row it is.
IMAGES = np.arange(ROWS, dtype=np.uint16).view(np.uint8).reshape(ROWS, 1, 1, 2)
SPEC = {"x": draws.IMAGES, "x_prime": draws.IMAGES, "n": draws.noise("normal", 3)}
SPEC |= {"alpha": draws.uniform, "gamma": draws.uniform}
COUNT, BATCH = 2, 12  # minibatches in an iteration, examples in one


def drawn(numbers, seed=0, stream=draws.TRAINING, **how):
    """The elements of a pipeline, as NumPy."""
    pipeline = draws.pipeline(
        SPEC,
        IMAGES,
        count=COUNT,
        batch_size=BATCH,
        seed=seed,
        stream=stream,
        numbers=numbers,
        **how,
    )
    return list(pipeline.as_numpy_iterator())


def assert_same(first, second):
    tf.nest.map_structure(np.testing.assert_array_equal, first, second)


def concatenated(elements):
    """Joins what replicas or workers got, field by field."""
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *elements)


def row_numbers(images):
    return images.reshape(-1, 2).copy().view(np.uint16)[:, 0]


def test_an_iteration_depends_on_seed_and_number_alone():
    whole = drawn(range(0, 5))
    assert len(whole) == 5
    assert_same(whole, drawn(range(0, 5)))
    assert_same(whole[3:], drawn(range(3, 5)))  # as a resumed run draws them
    other_seed = drawn(range(0, 1), seed=1)[0]
    for field in SPEC:
        for i in range(1, 5):
            assert (getattr(whole[0][0], field) != getattr(whole[i][0], field)).any()
        assert (getattr(whole[0][0], field) != getattr(other_seed[0], field)).any()


def test_a_key_does_not_depend_on_the_type_of_the_number():
    as_tensor = draws.key(1, draws.TRAINING, tf.constant(3, tf.int64))
    np.testing.assert_array_equal(draws.key(1, draws.TRAINING, 3), as_tensor)


def test_streams_of_a_seed_differ():
    streams = (draws.TRAINING, draws.STATISTICS, draws.PICTURES)
    n = [drawn(range(7, 8), stream=stream)[0][0].n for stream in streams]
    keys = {tuple(draws.key(0, stream, 7).numpy()) for stream in streams}
    assert len(keys) == 3
    assert (n[0] != n[1]).all()
    assert (n[1] != n[2]).all()


def test_fields_and_minibatches_are_drawn_independently():
    first, second = drawn(range(0, 1))[0]
    assert (first.x != first.x_prime).any()
    assert (first.x != second.x).any()
    assert (first.alpha != first.gamma).all()
    assert (first.alpha != second.alpha).all()
    assert (first.n != second.n).all()


def test_shapes_and_types():
    (iteration,) = drawn(range(0, 1))
    assert len(iteration) == COUNT
    for draw in iteration:
        assert draw._fields == tuple(SPEC)
        assert draw.x.shape == draw.x_prime.shape == (BATCH, 1, 1, 2)
        assert draw.x.dtype == np.uint8
        assert draw.n.shape == (BATCH, 3)
        assert draw.alpha.shape == draw.gamma.shape == (BATCH,)
        assert draw.n.dtype == draw.alpha.dtype == np.float32


def test_static_shapes_are_known_to_the_training_step():
    pipeline = draws.pipeline(
        SPEC,
        IMAGES,
        count=COUNT,
        batch_size=BATCH,
        seed=0,
        stream=draws.TRAINING,
        numbers=range(0, 1),
    )
    assert pipeline.element_spec[0].x == tf.TensorSpec((BATCH, 1, 1, 2), tf.uint8)
    assert pipeline.element_spec[0].n == tf.TensorSpec((BATCH, 3), tf.float32)


def test_images_are_the_rows_drawn_as_they_are_stored():
    (iteration,) = drawn(range(4, 5), seed=9)
    key = draws.key(9, draws.TRAINING, tf.constant(4, tf.int64))
    numbers = draws.minibatches(SPEC, key, COUNT, BATCH, ROWS)
    for images, rows in zip(iteration, numbers, strict=True):
        np.testing.assert_array_equal(row_numbers(images.x), rows.x)
        np.testing.assert_array_equal(row_numbers(images.x_prime), rows.x_prime)
        np.testing.assert_array_equal(images.n, rows.n)


def test_vectors_come_out_as_float32():
    vectors = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    pipeline = draws.pipeline(
        {"x": draws.IMAGES},
        vectors,
        count=1,
        batch_size=8,
        seed=0,
        stream=draws.TRAINING,
        numbers=range(0, 1),
    )
    ((draw,),) = pipeline.as_numpy_iterator()
    assert draw.x.dtype == np.float32
    assert {tuple(row) for row in draw.x} <= {tuple(row) for row in vectors}


@pytest.mark.parametrize("replicas", [2, 3])
def test_replicas_share_the_global_minibatch_out(replicas):
    whole = drawn(range(0, 3))
    parts = drawn(range(0, 3), replicas=replicas)
    assert len(parts) == 3 * replicas
    assert parts[0][0].x.shape[0] == BATCH // replicas
    for i, iteration in enumerate(whole):
        assert_same(iteration, concatenated(parts[i * replicas : (i + 1) * replicas]))


def test_workers_share_the_global_minibatch_out():
    whole = drawn(range(5, 7))
    shards = [drawn(range(5, 7), shard=(index, 3)) for index in range(3)]
    for i, iteration in enumerate(whole):
        assert_same(iteration, concatenated([shard[i] for shard in shards]))


def test_replicas_of_workers_share_the_global_minibatch_out():
    (whole,) = drawn(range(0, 1))
    shards = [drawn(range(0, 1), shard=(index, 2), replicas=3) for index in range(2)]
    assert shards[0][0][0].x.shape[0] == BATCH // 6
    assert_same(whole, concatenated(shards[0] + shards[1]))


def test_rows_are_uniform_with_replacement():
    rows, draws_made = 10, 20_000
    key = draws.key(0, draws.TRAINING, 0)
    (draw,) = draws.minibatches({"x": draws.IMAGES}, key, 1, draws_made, rows)
    counts = np.bincount(draw.x, minlength=rows)
    assert len(counts) == rows
    assert stats.chisquare(counts).pvalue > 1e-3


def test_coefficients_are_uniform_on_the_unit_interval():
    (draw,) = draws.minibatches(
        {"gamma": draws.uniform}, draws.key(0, draws.TRAINING, 0), 1, 20_000, 1
    )
    assert stats.kstest(draw.gamma, "uniform").pvalue > 1e-3


def noise(kind, dim, count=20_000):
    sample = draws.noise(kind, dim)(draws.key(0, draws.TRAINING, 0), count).numpy()
    assert sample.shape == (count, draws.noise_width(kind, dim))
    assert sample.dtype == np.float32
    return sample


def test_normal_noise():
    n = noise("normal", 4)
    assert stats.kstest(n.ravel(), "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.cov(n.T), np.eye(4), atol=0.04)


def test_uniform_noise():
    n = noise("uniform", 4)
    assert stats.kstest(n.ravel(), "uniform", args=(-1, 2)).pvalue > 1e-3
    np.testing.assert_allclose(np.cov(n.T), np.eye(4) / 3, atol=0.02)


def test_one_hot_noise_appends_a_class():
    n = noise("one_hot", 4)
    assert n.shape[1] == 4 + 10
    assert stats.kstest(n[:, :4].ravel(), "norm").pvalue > 1e-3
    classes = n[:, 4:]
    assert set(np.unique(classes)) == {0, 1}
    assert (classes.sum(1) == 1).all()
    assert stats.chisquare(classes.sum(0)).pvalue > 1e-3
    # The class tells nothing of the continuous part.
    by_class = [n[classes[:, k] == 1, :4].mean(0) for k in range(10)]
    np.testing.assert_allclose(by_class, 0, atol=0.1)


def test_mix_gauss_noise_is_a_mixture_around_the_first_ten_axes():
    n = noise("mix_gauss", 12)
    # A tenth of the components is shifted by 1 along each of the first 10 axes.
    np.testing.assert_allclose(n.mean(0), [0.1] * 10 + [0] * 2, atol=0.03)
    np.testing.assert_allclose(n.var(0), [1 + 0.1 * 0.9] * 10 + [1] * 2, atol=0.05)
    covariance = np.cov(n.T)
    np.testing.assert_allclose(covariance[0, 1:10], -0.01, atol=0.03)


def test_a_mixture_has_equal_weights_and_the_given_means_and_variances():
    means, variances = np.array([[0.0, 0.0, 9.0], [20.0, 0.0, -9.0]]), np.array([4.0, 0.25])
    z = draws.mixture(means, variances)([3, 5], 20_000).numpy()
    second = z[:, 0] > 10
    assert second.mean() == pytest.approx(0.5, abs=0.02)
    for k, part in enumerate((z[~second], z[second])):
        np.testing.assert_allclose(part.mean(0), means[k], atol=0.06)
        np.testing.assert_allclose(np.cov(part.T), variances[k] * np.eye(3), atol=0.15)


def test_every_sampler_has_a_name():
    assert {kind: noise(kind, 3, 5).shape[1] for kind in draws.SAMPLERS} == {
        "normal": 3,
        "uniform": 3,
        "one_hot": 13,
        "mix_gauss": 3,
    }
