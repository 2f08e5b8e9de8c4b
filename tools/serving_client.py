"""Calls the signatures of an exported model on a running TensorFlow Serving.

    python -m tools.serving_client --rest=localhost:8501 --model=mnist
    python -m tools.serving_client --grpc=localhost:8500 --model=mnist --signature=encode \\
        --image=seven.png
    python -m tools.serving_client --rest=localhost:8501 --model=faces --signature=edit \\
        --direction=smiling --strength=2 --output_dir=edited

Prints a line for each signature: what went in, what came out and how long it took. With
--output_dir, codes are kept as .npy and images as one .png. REST needs nothing that the package
does not; gRPC needs requirements-serving.txt. `RestClient` and `GrpcClient` serve other programs.
"""

import base64
import dataclasses
import io
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from flexae_tf import data, figures
from flexae_tf.errors import UserError, run_main

TIMEOUT_S = 60
_DTYPES = {
    "DT_FLOAT": np.float32,
    "DT_INT32": np.int32,
    "DT_INT64": np.int64,
    "DT_STRING": np.object_,
}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """NumPy dtype and shape of an input or output; a free dimension is -1."""

    dtype: type
    shape: tuple[int, ...]


class RestClient:
    """A model behind TensorFlow Serving's REST API.

    Args:
      address: host:port.
      model: the model's name.
    """

    def __init__(self, address, model):
        self._url = f"http://{address}/v1/models/{model}"

    def signatures(self):
        """{signature: ({input: Tensor}, {output: Tensor})}. Raises UserError."""
        return _signatures(self._call("/metadata")["metadata"]["signature_def"])

    def predict(self, signature, inputs):
        """The output of a signature.

        Args:
          signature: its name.
          inputs: {name: NumPy array or scalar}; files are bytes in an array of objects.

        Returns:
          NumPy array.

        Raises:
          UserError: the server cannot be reached, or refuses the request.
        """
        return parse_response(self._call(":predict", request_body(signature, inputs)))

    def _call(self, verb, body=None):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + verb, content, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise UserError(_one_line(f"the server answered {error.code}: {text}")) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise UserError(f"no answer from {self._url}: {reason}; is the server up?") from error


class GrpcClient:
    """A model behind TensorFlow Serving's gRPC API, with the methods of `RestClient`."""

    def __init__(self, address, model):
        try:
            import grpc
            from tensorflow_serving.apis import prediction_service_pb2_grpc
        except ImportError as error:
            raise UserError("gRPC needs: pip install -r requirements-serving.txt") from error
        unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
        channel = grpc.insecure_channel(address, unlimited)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model = model

    def signatures(self):
        """{signature: ({input: Tensor}, {output: Tensor})}. Raises UserError."""
        from google.protobuf import json_format
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = self._model
        response = self._call(self._stub.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        return _signatures(json_format.MessageToDict(found, preserving_proto_field_name=True))

    def predict(self, signature, inputs):
        """The output of a signature, as `RestClient.predict`."""
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._model
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        (output,) = self._call(self._stub.Predict, request).outputs.values()
        return tf.make_ndarray(output)

    def _call(self, method, request):
        import grpc

        try:
            return method(request, timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            text = f"the server answered {error.code().name}: {error.details()}"
            raise UserError(_one_line(text)) from error


def request_body(signature, inputs):
    """The JSON of a predict request: by rows, or by columns where an input is a scalar.

    Args:
      signature: its name.
      inputs: {name: NumPy array or scalar}.

    Raises:
      UserError: there are no rows, which this form cannot say.
    """
    body = {"signature_name": signature}
    if any(np.ndim(value) == 0 for value in inputs.values()):
        return body | {"inputs": {name: _to_json(value) for name, value in inputs.items()}}
    rows = [
        {name: _to_json(value) for name, value in zip(inputs, row, strict=True)}
        for row in zip(*inputs.values(), strict=True)
    ]
    if not rows:
        raise UserError("a REST request needs at least one row: use gRPC for an empty batch")
    return body | {"instances": rows}


def parse_response(answer):
    """The one output in the JSON of an answer: an array of float32, or of bytes as objects."""
    values = answer["outputs"] if "outputs" in answer else answer["predictions"]
    if values and isinstance(values[0], dict):
        return np.array([base64.b64decode(value["b64"]) for value in values], object)
    return np.array(values, np.float32)


def _one_line(text):
    return " ".join(text.split())


def _to_json(value):
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _signatures(found):
    """{signature: ({input: Tensor}, {output: Tensor})} of a SignatureDefMap as JSON."""

    def tensors(listed):
        return {
            name: Tensor(
                _DTYPES[value["dtype"]],
                tuple(int(dim["size"]) for dim in value["tensor_shape"].get("dim", ())),
            )
            for name, value in sorted(listed.items())
        }

    return {
        name: (tensors(value.get("inputs", {})), tensors(value["outputs"]))
        for name, value in sorted(found["signature_def"].items())
        if not name.startswith("__")  # the SavedModel's own, such as its initializer
    }


def example_inputs(inputs, images, values):
    """Values for the inputs of a signature.

    Args:
      inputs: {name: Tensor}.
      images: [B, ...] for the inputs that are images, files of images or vectors.
      values: {name: scalar} of num_samples, seed, steps, direction and strength.

    Returns:
      {name: NumPy array or scalar}.
    """
    count = len(images)
    draw = np.random.default_rng(values["seed"])
    chosen = {}
    for name, tensor in inputs.items():
        if name in ("noise", "codes"):
            chosen[name] = draw.standard_normal((count, *tensor.shape[1:]), np.float32)
        elif name == "image_bytes":
            chosen[name] = np.array([_png(image) for image in images], object)
        elif name in values:
            value = tensor.dtype(values[name]) if tensor.dtype is not np.object_ else values[name]
            chosen[name] = np.full(count, value, tensor.dtype) if tensor.shape else value
        else:
            chosen[name] = images[::-1] if name.endswith("_b") else images
    return chosen


def read_images(paths, shape):
    """Images from files, float32 [N, H, W, C] in [0, 1]. Raises UserError for a wrong size."""
    height, width, channels = shape
    images = []
    for path in paths:
        try:
            image = Image.open(path).convert("L" if channels == 1 else "RGB")
        except OSError as error:
            raise UserError(f"cannot read --image={path}: {error}") from error
        if image.size != (width, height):
            raise UserError(
                f"--image={path} has {image.height} x {image.width} pixels, the model takes "
                f"{height} x {width}: resize it first"
            )
        images.append(np.asarray(image).reshape(shape))
    return data.to_unit(np.stack(images))


def main(_):
    values = flags.FLAGS.flag_values_dict()
    if bool(values["rest"]) == bool(values["grpc"]):
        raise UserError("give one of --rest and --grpc")
    client_class = RestClient if values["rest"] else GrpcClient
    client = client_class(values["rest"] or values["grpc"], values["model"])
    signatures = client.signatures()
    chosen = values["signature"] or [n for n in signatures if n != "edit" or values["direction"]]
    for name in chosen:
        if name not in signatures:
            raise UserError(f"the model has no {name}; it has {', '.join(sorted(signatures))}")
        if name == "edit" and not values["direction"]:
            raise UserError("edit needs --direction, one of those that the run had when exported")
    images = _images(client, signatures, values)
    for name in chosen:
        inputs = example_inputs(signatures[name][0], images, values)
        start = time.perf_counter()
        answer = client.predict(name, inputs)
        milliseconds = 1000 * (time.perf_counter() - start)
        sizes = ", ".join(f"{key} {list(np.shape(value))}" for key, value in inputs.items())
        (output,) = signatures[name][1]
        print(f"{name}: {sizes} -> {output} {list(answer.shape)}, {milliseconds:.1f} ms")
        if values["output_dir"]:
            _keep(Path(values["output_dir"]), name, answer)


def _images(client, signatures, values):
    """What to send where a signature takes images: the files given, or the model's own samples."""
    (spec,) = signatures["encode"][0].values()
    if values["image"]:
        return read_images(values["image"], spec.shape[1:])
    if "sample" in signatures:
        return client.predict("sample", example_inputs(signatures["sample"][0], [], values))
    draw = np.random.default_rng(values["seed"])
    return draw.random((values["num_samples"], *spec.shape[1:]), np.float32)


def _keep(folder, name, answer):
    """Writes an answer: an array as .npy, images as one grid, files as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    if answer.dtype == object:
        for i, file in enumerate(answer):
            (folder / f"{name}-{i}.png").write_bytes(file)
    elif answer.ndim < 4:
        np.save(folder / f"{name}.npy", answer)
    else:
        columns = answer.shape[1] if answer.ndim == 5 else 8
        grid = figures.grid(answer.reshape(-1, *answer.shape[-3:]), columns)
        figures.save_png(folder / f"{name}.png", grid)


def _png(image):
    file = io.BytesIO()
    Image.fromarray(figures.to_uint8(image).squeeze()).save(file, "PNG")
    return file.getvalue()


def _define_flags():
    flags.DEFINE_string("rest", None, "host:port of the REST API.")
    flags.DEFINE_string("grpc", None, "host:port of the gRPC API.")
    flags.DEFINE_string("model", None, "The model's name on the server.", required=True)
    flags.DEFINE_multi_string("signature", None, "Signature to call; all by default.")
    flags.DEFINE_multi_string("image", None, "Image file to send; samples by default.")
    flags.DEFINE_integer("num_samples", 8, "How many examples to generate.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Draws the noise.", lower_bound=0)
    flags.DEFINE_integer("steps", 8, "Steps of an interpolation.", lower_bound=2)
    flags.DEFINE_string("direction", None, "Direction of an edit.")
    flags.DEFINE_float("strength", 1.0, "Strength of an edit.")
    flags.DEFINE_string("output_dir", None, "Folder to keep the answers in.")


if __name__ == "__main__":
    _define_flags()  # here, so that a program can import the clients beside flags of its own
    run_main(main)
