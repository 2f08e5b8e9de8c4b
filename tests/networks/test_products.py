"""The product of large dense layers and its gradients equal the plain one's."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.networks import products

COLUMNS = [512, 1024, 520]  # of conflicting rows, and not


def penalized(product, columns):
    """x W, and the gradients by x and W of a penalty on the gradient of x W by x."""
    random = np.random.default_rng(0)
    x, kernel, weights = (
        tf.constant(random.standard_normal(shape) / 8, tf.float32)
        for shape in ((5, 64), (64, columns), (5, columns))
    )
    with tf.GradientTape() as outer:
        outer.watch([x, kernel])
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = product(x, kernel)
            score = tf.reduce_sum(weights * tf.sin(y))
        penalty = tf.reduce_sum(tf.square(inner.gradient(score, x)))
    return [y, *outer.gradient(penalty, [x, kernel])]


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("pads", [True, False])
def test_product_and_its_first_and_second_gradients(columns, pads, monkeypatch):
    monkeypatch.setattr(products, "_PADS", pads)
    found = tf.function(lambda: penalized(products.product, columns), autograph=False)()
    for ours, plain in zip(found, penalized(tf.matmul, columns), strict=True):
        assert ours.shape == plain.shape
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("columns", COLUMNS)
def test_pads_where_rows_conflict_only(columns, monkeypatch):
    monkeypatch.setattr(products, "_PADS", True)
    traced = tf.function(products.product).get_concrete_function(
        tf.TensorSpec([5, 64]), tf.TensorSpec([64, columns])
    )
    kinds = {operation.type for operation in traced.graph.get_operations()}
    assert ("Pad" in kinds) == (columns != 520)
