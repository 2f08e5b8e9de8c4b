"""Clients of an exported model on a running TensorFlow Serving, over REST and over gRPC."""

import base64
import dataclasses
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import numpy as np

from flexae_tf.errors import UserError

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


# {signature: ({input: Tensor}, {output: Tensor})}
Signatures = dict[str, tuple[dict[str, Tensor], dict[str, Tensor]]]


class RestClient:
    """A model behind TensorFlow Serving's REST API.

    Args:
      address: host:port.
      model: the model's name.
    """

    def __init__(self, address: str, model: str) -> None:
        self._url = f"http://{address}/v1/models/{model}"

    def signatures(self) -> Signatures:
        """{signature: ({input: Tensor}, {output: Tensor})}. Raises UserError."""
        return _signatures(self._call("/metadata")["metadata"]["signature_def"])

    def predict(self, signature: str, inputs: Mapping[str, Any]) -> np.ndarray:
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

    def __init__(self, address: str, model: str) -> None:
        try:
            import grpc
            from tensorflow_serving.apis import prediction_service_pb2_grpc
        except ImportError as error:
            raise UserError("gRPC needs: pip install -r requirements-serving.txt") from error
        unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
        channel = grpc.insecure_channel(address, unlimited)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model = model

    def signatures(self) -> Signatures:
        """{signature: ({input: Tensor}, {output: Tensor})}. Raises UserError."""
        from google.protobuf import json_format
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = self._model
        response = self._call(self._stub.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        return _signatures(json_format.MessageToDict(found, preserving_proto_field_name=True))

    def predict(self, signature: str, inputs: Mapping[str, Any]) -> np.ndarray:
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


def request_body(signature: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
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


def parse_response(answer: Mapping[str, Any]) -> np.ndarray:
    """The one output in the JSON of an answer: float32, int32 indices, or bytes as objects."""
    values = answer["outputs"] if "outputs" in answer else answer["predictions"]
    if values and isinstance(values[0], dict):
        return np.array([base64.b64decode(value["b64"]) for value in values], object)
    array = np.array(values)
    return array.astype(np.int32 if array.dtype.kind == "i" else np.float32)  # as float64 at first


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
