"""Extractors with weights, on small networks of the real ones' signatures."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.evaluation import pretrained
from tests import evaluation_networks as networks

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 12, 10, 3), np.uint8)


def resize_as_tf1(images, size):
    """TF 1's bilinear rule in NumPy: source position = target position * (old / new)."""
    images = np.asarray(images, np.float64)
    for axis, new in ((1, size[0]), (2, size[1])):
        old = images.shape[axis]
        position = np.arange(new) * (old / new)
        low = np.floor(position).astype(int)
        weight = (position - low).reshape([-1 if a == axis else 1 for a in range(4)])
        high = np.minimum(low + 1, old - 1)
        images = np.take(images, low, axis) * (1 - weight) + np.take(images, high, axis) * weight
    return images


@pytest.fixture(scope="module")
def tfgan_network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inception")
    return folder, networks.save_small_inception(folder)


@pytest.fixture(scope="module")
def graph_of_2015(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "classify_image_graph_def.pb"
    networks.save_graph_of_2015(path)
    return path


def test_tfgan_network_gets_resized_normalised_images(tfgan_network):
    folder, network = tfgan_network
    features = pretrained.inception(folder)(IMAGES)
    inputs = tf.constant((resize_as_tf1(IMAGES, (299, 299)) - 127.5) / 127.5, tf.float32)
    expected = network(inputs)
    np.testing.assert_allclose(features.activations, expected["pool_3"][:, 0, 0], rtol=2e-4)
    np.testing.assert_allclose(features.logits, expected["logits"], rtol=2e-4, atol=1e-3)


def test_uint8_and_unit_range_are_the_same_images(tfgan_network):
    extractor = pretrained.inception(tfgan_network[0])
    np.testing.assert_allclose(
        extractor(np.float32(IMAGES) / 255).activations,
        extractor(IMAGES).activations,
        rtol=1e-4,
    )


def test_grey_images_are_tiled(tfgan_network):
    extractor = pretrained.inception(tfgan_network[0])
    grey = IMAGES[..., :1]
    np.testing.assert_array_equal(
        extractor(grey).activations, extractor(np.repeat(grey, 3, axis=-1)).activations
    )


def test_graph_of_2015_equals_its_own_resizing(graph_of_2015):
    features = pretrained.inception(graph_of_2015)(IMAGES)
    graph_def = tf.compat.v1.GraphDef.FromString(graph_of_2015.read_bytes())
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session() as session:
            # One image at a time and at its own size, as the graph was made.
            expected = [
                session.run(("pool_3:0", "softmax/logits:0"), {"ExpandDims:0": image[None]})
                for image in np.float32(IMAGES)
            ]
    pool, logits = (np.concatenate(part) for part in zip(*expected, strict=True))
    np.testing.assert_allclose(features.activations, pool[:, 0, 0], rtol=1e-4)
    np.testing.assert_allclose(features.logits, logits, rtol=1e-3, atol=1e-3)


def test_kinds_say_what_they_do(tfgan_network, graph_of_2015):
    hub, graph = pretrained.inception(tfgan_network[0]), pretrained.inception(graph_of_2015)
    assert "127.5" in hub.normalisation
    assert "128" in graph.normalisation
    assert hub.resize == graph.resize == f"{pretrained.TF1_BILINEAR} to 299x299"
    assert len({hub.fingerprint, graph.fingerprint}) == 2
    assert hub.is_inception
    assert graph.is_inception


def test_fingerprint_is_of_the_weights(tfgan_network, tmp_path):
    copy = tmp_path / "copy"
    tf.io.gfile.makedirs(str(copy))
    for file in (f for f in tfgan_network[0].rglob("*") if f.is_file()):
        target = copy / file.relative_to(tfgan_network[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    original = pretrained.inception(tfgan_network[0]).fingerprint
    assert pretrained.inception(copy).fingerprint == original
    (copy / "assets").mkdir(exist_ok=True)
    (copy / "assets" / "note").write_text("changed")
    assert pretrained.inception(copy).fingerprint != original


def test_any_saved_model_at_its_own_size(tmp_path):
    networks.save_function(tmp_path, lambda x: tf.reduce_mean(x, [1, 2]), [None, 6, 5, 3])
    extractor = pretrained.saved_model(tmp_path)
    features = extractor(IMAGES)
    expected = resize_as_tf1(IMAGES, (6, 5)).mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(features.activations, expected, rtol=1e-5)
    assert features.logits is None
    assert extractor.resize.endswith("6x5")
    assert not extractor.is_inception


def test_any_saved_model_with_uint8_input_and_named_outputs(tmp_path):
    def function(x):
        assert x.dtype == tf.uint8
        pixels = tf.cast(x[:, 0, 0], tf.float32)
        return {"features": pixels, "logits": -pixels}

    networks.save_function(tmp_path, function, [None, None, None, 3], tf.uint8)
    features = pretrained.saved_model(tmp_path)(IMAGES)
    np.testing.assert_array_equal(features.activations, IMAGES[:, 0, 0])
    np.testing.assert_array_equal(features.logits, -np.float32(IMAGES[:, 0, 0]))


def test_a_keras_model_exported_for_serving_is_an_extractor(tmp_path):
    import keras

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    model.export(str(tmp_path), verbose=False)
    features = pretrained.saved_model(tmp_path)(IMAGES)
    expected = resize_as_tf1(IMAGES, (8, 8)).mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(features.activations, expected, rtol=1e-5)


def test_unusable_extractors_are_one_clear_line(tmp_path, tfgan_network):
    empty = tmp_path / "empty"
    empty.mkdir()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "saved_model.pb").write_bytes(b"not a model")
    graph = tmp_path / "graph.pb"
    graph.write_bytes(b"not a graph")
    spatial = tmp_path / "spatial"
    networks.save_function(spatial, lambda x: x, [None, 4, 4, 3])
    grey = tmp_path / "grey"
    networks.save_function(grey, lambda x: x[:, 0, 0], [None, 4, 4, 1])
    many = tmp_path / "many"
    networks.save_function(many, lambda x: {"a": x[:, 0, 0], "b": x[:, 0, 0]}, [None, 4, 4, 3])
    cases = [
        (lambda: pretrained.inception(tmp_path / "absent"), "no such file or folder"),
        (lambda: pretrained.inception(empty), "saved_model.pb"),
        (lambda: pretrained.saved_model(damaged), "does not load"),
        (lambda: pretrained.inception(graph), "not the Inception graph"),
        (lambda: pretrained.saved_model(spatial)(IMAGES), "ends in a pooling"),
        (lambda: pretrained.saved_model(many)(IMAGES), "received a, b"),
        (lambda: pretrained.saved_model(grey)(IMAGES), "expects 1 channels, the images have 3"),
        (lambda: pretrained.inception(tfgan_network[0])(np.zeros((3, 8))), "--features=pixels"),
    ]
    for function, message in cases:
        with pytest.raises(UserError, match=message) as error:
            function()
        assert "\n" not in str(error.value)


def test_without_network_the_error_says_where_to_get_the_weights(monkeypatch):
    import tensorflow_hub

    def refuse(handle):
        raise OSError("Name or service not known")

    monkeypatch.setattr(tensorflow_hub, "resolve", refuse)
    with pytest.raises(UserError) as error:
        pretrained.inception()
    for part in ("tfgan/eval/inception/1", "classify_image_graph_def.pb", "--inception=", "tgz"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_full_size_extraction_gives_what_the_bare_graph_does(tmp_path):
    networks.save_full_size_inception(tmp_path)
    extractor = pretrained.inception(tmp_path)
    bare = tf.saved_model.load(str(tmp_path))
    images = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), np.uint8)
    resized = tf.compat.v1.image.resize_bilinear(np.float32(images), [299, 299]) / 127.5 - 1
    batches = [resized[:50], resized[50:]]

    def run_bare():
        return np.concatenate([bare(batch)["pool_3"] for batch in batches])

    np.testing.assert_allclose(extractor(images).activations, run_bare(), rtol=1e-2, atol=1e-4)

    assert extractor(images).activations.shape == (100, 2048)
