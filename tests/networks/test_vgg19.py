"""Weights of VGG19 from a file: what is refused, and what the features are."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.networks import vgg19


def test_files_that_are_not_its_weights(tmp_path):
    path = tmp_path / "vgg19.h5"
    with pytest.raises(UserError, match="there is no such file"):
        vgg19.features(path)
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="is not Keras' file of VGG19") as raised:
        vgg19.features(path)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_features_are_those_of_the_file(tmp_path):
    """A file in the format that Keras distributes, of random weights."""
    keras.utils.set_random_seed(0)
    network = keras.applications.VGG19(include_top=False, weights=None)
    path = tmp_path / "vgg19.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{v.name}".encode() for v in layer.weights]
            group.attrs["weight_names"] = names
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name.decode()] = value
    x = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    image, *found = vgg19.features(path)(tf.constant(x))
    expected = keras.applications.vgg19.preprocess_input(255 * x)
    np.testing.assert_allclose(image, expected, rtol=1e-4, atol=1e-3)
    for name, features in zip(vgg19.LAYERS, found, strict=True):
        layer = keras.Model(network.input, network.get_layer(name).output)
        np.testing.assert_allclose(features, layer(expected), rtol=1e-3, atol=1e-3)
    grey = vgg19.features(path)(tf.constant(x[..., :1]))
    assert grey[1].shape == (2, 32, 32, 64)
