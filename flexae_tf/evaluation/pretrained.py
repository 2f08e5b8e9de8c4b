"""Extractors with weights: TF-GAN's Inception, the Inception graph of 2015, any SavedModel.

All resize with TensorFlow 1's bilinear rule (corners not aligned, no half-pixel centres, no
antialiasing). It is the rule inside the graph of 2015 on which published FIDs rest; TensorFlow 2's
`tf.image.resize` puts pixels elsewhere and gives other scores.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.evaluation import classifier
from flexae_tf.evaluation.features import PIXELS, Extractor, pixels

INCEPTION_HANDLE = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"
INCEPTION_GRAPH = "classify_image_graph_def.pb"
INCEPTION_GRAPH_ARCHIVE = (
    "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
)
INCEPTION_SHAPE = (None, 299, 299, 3)
TF1_BILINEAR = "TF 1 bilinear (align_corners=False, half_pixel_centers=False, no antialias)"


def choose(
    shape: Sequence[int],
    inception_path: Path | str | None = None,
    features_path: Path | str | None = None,
) -> Extractor:
    """The extractor that the flags --inception and --features ask for.

    Args:
      shape: of one example. Vectors are measured as they are unless `features_path` says otherwise.
      inception_path: see `inception`. features_path: a SavedModel's folder, or "pixels".

    Raises:
      UserError: both are given, or the extractor cannot be had.
    """
    refuse_two(inception_path, features_path)
    if features_path == PIXELS or (len(shape) == 1 and not features_path):
        return pixels()
    return saved_model(features_path) if features_path else inception(inception_path)


def refuse_two(inception_path: Path | str | None, features_path: Path | str | None) -> None:
    """Raises UserError if both --inception and --features are given."""
    if inception_path and features_path:
        raise UserError("give at most one of --inception and --features")


def inception(path: Path | str | None = None) -> Extractor:
    """The Inception network, with its pool_3 (2,048) as activations and its logits.

    Args:
      path: a folder with TF-GAN's SavedModel, or the file `classify_image_graph_def.pb`; None
        takes TF-GAN's network from TensorFlow Hub (its cache, or the network).

    Raises:
      UserError: it cannot be had; the message says where it comes from and where to put it.
    """
    if path is None:
        path = _resolve_hub_handle()
    path = Path(path).expanduser()
    if path.is_file():
        return _inception_graph(path)
    if not path.is_dir():
        raise UserError(f"--inception={path}: no such file or folder; {_how_to_get_inception()}")
    return _inception_saved_model(path)


def saved_model(path: Path | str) -> Extractor:
    """Any SavedModel with one image input as an extractor.

    It is given [B, H, W, C] at the size and channels that its serving signature declares (the
    images' own where it declares none): float32 in [0, 1], or uint8 if that is its input type.
    Its activations are its only output, or the one named "features" or "pool_3"; its "logits", if
    it has such an output, give an Inception Score.

    Args:
      path: the SavedModel's folder.

    Raises:
      UserError: it does not load, or has no such signature.
    """
    path = Path(path).expanduser()
    model = _load(path, f"--features={path}")
    call, spec = _serving_signature(model, path)

    def network(batch):
        resized = _fit(batch, spec.shape)
        is_uint8 = spec.dtype == tf.uint8
        outputs = call(tf.cast(tf.round(resized), tf.uint8) if is_uint8 else resized / 255)
        return _pick(outputs, path)

    size = "x".join(str(edge) for edge in spec.shape[1:3])
    record = classifier.read_record(path) or {}
    return Extractor(
        name=f"classifier of {record['dataset']}" if record else path.name,
        fingerprint=_fingerprint(path),
        resize="none" if None in spec.shape[1:3] else f"{TF1_BILINEAR} to {size}",
        normalisation="uint8 0..255" if spec.dtype == tf.uint8 else "[0, 1]",
        is_inception=False,
        network=network,
        accuracy=record.get("accuracy"),
    )


def _inception_saved_model(path):
    model = _load(path, f"--inception={path}")
    call = model if callable(model) else _serving_signature(model, path)[0]

    def network(batch):
        return _pick(call((_fit(batch, INCEPTION_SHAPE) - 127.5) / 127.5), path)

    return Extractor(
        name="Inception (TF-GAN)",
        fingerprint=_fingerprint(path),
        resize=f"{TF1_BILINEAR} to 299x299",
        normalisation="[-1, 1], (x - 127.5) / 127.5",
        is_inception=True,
        network=network,
    )


def _inception_graph(path):
    """The frozen graph. It runs in a TF 1 session because it has operations of 2015, which
    TensorFlow refuses inside a `tf.function`.
    """
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(path.read_bytes())
        with tf.Graph().as_default() as graph:
            # A placeholder of our own, because the graph's node is declared as one image.
            images = tf.compat.v1.placeholder(tf.float32, INCEPTION_SHAPE)
            (pool,) = tf.import_graph_def(
                graph_def, {"ExpandDims:0": images}, return_elements=["pool_3:0"], name=""
            )
            logits = _classify(graph, pool)
    except Exception as error:  # protobuf's and TensorFlow's own kinds, by the graph's fault
        raise UserError(
            f"--inception={path}: not the Inception graph of 2015 ({_first_line(error)}); "
            f"{_how_to_get_inception()}"
        ) from error
    session = tf.compat.v1.Session(graph=graph)

    def network(batch):
        return session.run((pool, logits), {images: _fit(batch, INCEPTION_SHAPE).numpy()})

    return Extractor(
        name="Inception (2015 graph)",
        fingerprint=_fingerprint(path),
        resize=f"{TF1_BILINEAR} to 299x299",
        normalisation="0..255; the graph itself takes (x - 128) / 128",
        is_inception=True,
        network=network,
    )


def _classify(graph, pool):
    """Logits from pool_3 and the graph's own last layer.

    The graph's own logits are computed through a reshape to one image, so they refuse a batch.
    """
    weights = graph.get_operation_by_name("softmax/logits/MatMul").inputs[1]  # [2048, 1008]
    biases = graph.get_operation_by_name("softmax/logits").inputs[1]  # [1008]
    return tf.matmul(tf.reshape(pool, [-1, weights.shape[0]]), weights) + biases


def _fit(batch, shape):
    """Images as float32 [B, H, W, C] in 0..255, at the size and channels of `shape` (None: any).

    Args:
      batch: uint8 [B, H, W, C], or floating in [0, 1].
    """
    if batch.ndim != 4:
        raise UserError("vectors have no image network: measure them by --features=pixels")
    images = np.float32(batch) if batch.dtype == np.uint8 else np.float32(batch) * np.float32(255)
    _, height, width, channels = shape
    if channels == 3 and images.shape[-1] == 1:
        images = np.repeat(images, 3, axis=-1)
    elif channels not in (None, images.shape[-1]):
        raise UserError(
            f"the extractor expects {channels} channels, the images have {images.shape[-1]}"
        )
    if height is None or width is None:
        return tf.constant(images)
    return tf.compat.v1.image.resize_bilinear(images, [height, width], align_corners=False)


def _pick(outputs, path):
    """(activations, logits or None) from whatever the network returned."""
    if not isinstance(outputs, dict):
        return outputs, None
    logits = outputs.get("logits")
    for name in ("pool_3", "features"):
        if name in outputs:
            return outputs[name], logits
    if len(outputs) != 1:
        raise UserError(
            f"{path}: expected one output, or one named features or pool_3, received "
            f"{', '.join(sorted(outputs))}"
        )
    return next(iter(outputs.values())), None


def _serving_signature(model, path):
    """(function of images, TensorSpec of its input) of the model's serving signature."""
    signature = getattr(model, "signatures", {}).get("serving_default")
    inputs = signature.structured_input_signature[1] if signature is not None else {}
    if len(inputs) != 1 or next(iter(inputs.values())).shape.rank != 4:
        raise UserError(
            f"{path}: expected a SavedModel whose signature serving_default has one input "
            f"[batch, height, width, channels], received {list(inputs.values()) or 'none'}"
        )
    ((name, spec),) = inputs.items()
    return lambda images: signature(**{name: images}), spec


def _load(path, what):
    import tensorflow_hub as hub

    if not (path / "saved_model.pb").is_file():
        raise UserError(f"{what}: no SavedModel there; expected a folder with saved_model.pb in it")
    try:
        return hub.load(str(path))
    except Exception as error:  # whatever a damaged file makes TensorFlow raise
        raise UserError(f"{what}: SavedModel does not load: {_first_line(error)}") from error


def _resolve_hub_handle():
    import tensorflow_hub as hub

    try:
        return hub.resolve(INCEPTION_HANDLE)
    except Exception as error:  # no network, refused, bad archive: hub raises many kinds
        raise UserError(
            f"cannot fetch the Inception network {INCEPTION_HANDLE} ({_first_line(error)}); "
            f"{_how_to_get_inception()}"
        ) from error


def _how_to_get_inception():
    return (
        f"fetch {INCEPTION_HANDLE}?tf-hub-format=compressed, unpack it into a folder and give "
        f"--inception=FOLDER, or take {INCEPTION_GRAPH} from {INCEPTION_GRAPH_ARCHIVE} and give "
        f"--inception=FOLDER/{INCEPTION_GRAPH}, or measure without it by --features=pixels"
    )


def _fingerprint(path):
    """SHA-256 of a file, or of a folder's file names and contents."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(path)).encode() + b"\0")
        with open(file, "rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
