"""Small networks with the signatures of the real extractors, and a full-size one."""

import numpy as np
import tensorflow as tf

POOL, CLASSES = 16, 5


class SmallInception(tf.Module):
    """Images [B, 299, 299, 3] in [-1, 1] -> {"pool_3", "logits"}, like TF-GAN's network."""

    def __init__(self, pool=POOL, classes=CLASSES):
        generator = np.random.default_rng(0)
        self.kernel = tf.Variable(generator.normal(size=(13, 13, 3, pool)), dtype=tf.float32)
        self.head = tf.Variable(generator.normal(size=(pool, classes)), dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None, 299, 299, 3])])
    def __call__(self, images):
        pool = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(images, self.kernel, 13, "VALID")), [1, 2])
        return {"pool_3": pool[:, None, None], "logits": pool @ self.head}


def save_small_inception(folder):
    """Saves `SmallInception` and returns the network."""
    network = SmallInception()
    tf.saved_model.save(network, str(folder))
    return network


def save_function(folder, function, shape, dtype=tf.float32):
    """Saves a function of one image tensor under the signature serving_default."""
    module = tf.Module()
    module.function = tf.function(function, input_signature=[tf.TensorSpec(shape, dtype, "images")])
    signature = module.function.get_concrete_function()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": signature})


def save_graph_of_2015(path):
    """Saves a frozen graph with the node names and the traps of `classify_image_graph_def.pb`.

    Its input is declared as one image, it resizes and normalises by itself, it holds an operation
    that graphs newer than version 8 may not have, and its logits pass a reshape to one image.
    """
    generator = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [1, None, None, 3], "ExpandDims")
        resized = tf.raw_ops.ResizeBilinear(images=images, size=[299, 299])
        kernel = tf.constant(generator.normal(size=(13, 13, 3, POOL)), tf.float32)
        tf.nn.conv2d((resized - 128) * (1 / 128), kernel, 13, "VALID", name="conv")
        normalised = tf.compat.v1.placeholder(tf.float32, [1, 23, 23, POOL], "replaced")
        pool = tf.reduce_mean(normalised, [1, 2], keepdims=True, name="pool_3")
        weights = tf.constant(generator.normal(size=(POOL, CLASSES)), tf.float32)
        logits = tf.matmul(tf.reshape(pool, [1, POOL]), weights, name="softmax/logits/MatMul")
        tf.nn.bias_add(logits, tf.constant(np.arange(5.0), tf.float32), name="softmax/logits")
        for name, value in (("mean", 0.0), ("variance", 1.0), ("beta", 0.5), ("gamma", 1.0)):
            tf.constant(np.full(POOL, value), tf.float32, name=name)
    graph_def = graph.as_graph_def()
    node = next(node for node in graph_def.node if node.name == "replaced")
    node.Clear()
    node.name, node.op = "replaced", "BatchNormWithGlobalNormalization"
    node.input.extend(["conv", "mean", "variance", "beta", "gamma"])
    node.attr["T"].type = tf.float32.as_datatype_enum
    node.attr["variance_epsilon"].f = 0.0
    node.attr["scale_after_normalization"].b = False
    graph_def.versions.producer = 8
    graph_def.versions.min_consumer = 0
    for node in graph_def.node:  # attributes and operations of 2015 only
        if node.op == "AddV2":
            node.op = "Add"
        for name in ("explicit_paddings", "half_pixel_centers", "grad_a", "grad_b"):
            node.attr.pop(name, None)
    path.write_bytes(graph_def.SerializeToString())


def save_full_size_inception(folder):
    """Saves an Inception-v3 with fixed random weights and 1,008 classes; returns the network."""
    import keras

    keras.utils.set_random_seed(0)
    body = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg")
    head = keras.layers.Dense(1008)
    head.build((None, 2048))

    class Network(tf.Module):
        def __init__(self):
            self.variables_ = [v.value for v in (*body.weights, *head.weights)]

        @tf.function(input_signature=[tf.TensorSpec([None, 299, 299, 3])])
        def __call__(self, images):
            pool = body(images, training=False)
            return {"pool_3": pool, "logits": head(pool)}

    network = Network()
    tf.saved_model.save(network, str(folder))
    return network
