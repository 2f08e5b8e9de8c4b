"""VGG19 (Simonyan and Zisserman, 2015) as features of images, with weights that the user has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.networks.precision import networks_in

LAYERS = tuple(f"block{block}_conv2" for block in range(1, 6))
_MEANS = (103.939, 116.779, 123.68)  # of ImageNet: blue, green, red


def features(path: Path | str) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """The function x -> [its input, the outputs of LAYERS], as the variational U-Net's program.

    x: [B, H, W, 1 or 3] in [0, 1], H and W at least 16. Its input is x in grey levels without
    their means, blue first.

    Args:
      path: Keras' file vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5.

    Raises:
      UserError: it is not that.
    """
    if not Path(path).is_file():
        raise UserError(f"--vgg19_weights={path}: there is no such file")
    with networks_in("float32"):
        network = keras.applications.VGG19(False, None, input_shape=(None, None, 3))
    try:
        network.load_weights(path)
    except Exception as error:  # h5py and Keras raise a dozen kinds on files that are not sound
        raise UserError(
            f"--vgg19_weights={path} is not Keras' file of VGG19 without its top "
            f"(vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5): {error}".splitlines()[0]
        ) from error
    network.trainable = False
    outputs = [network.get_layer(name).output for name in LAYERS]
    network = keras.Model(network.input, outputs)

    def apply(x: tf.Tensor) -> list[tf.Tensor]:
        rgb = x if x.shape[-1] == 3 else tf.repeat(x, 3, axis=-1)
        image = 255.0 * rgb[..., ::-1] - tf.constant(_MEANS)
        return [image, *network(image, training=False)]

    return apply
