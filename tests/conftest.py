"""Prepares TensorFlow before any test imports it, and gives back the memory of graphs."""

import gc

import pytest

import flexae_tf  # noqa: F401


@pytest.fixture(autouse=True, scope="module")
def forget_graphs():
    """TensorFlow's registry of custom gradients keeps every graph that took one, and its weights.

    Each trainer would leave more than 100 MB behind, and the collector more and more to walk over.
    """
    yield
    from tensorflow.python.framework import ops

    registry = ops.gradient_registry._registry
    for name in [name for name in registry if name.startswith("CustomGradient-")]:
        del registry[name]
    gc.collect()
