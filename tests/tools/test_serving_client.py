"""Both clients, and the command, against a server on the loopback interface that speaks the real
protocols around an exported model."""

import base64
import concurrent.futures
import http.server
import json
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from flexae_tf import figures
from flexae_tf.errors import UserError
from flexae_tf.serving import clients, export
from tests.serving.test_export import (
    IMAGE_SHAPE,
    M,
    codes_of,
    images_of,
    write_directions,
    write_run,
)
from tools import serving_client

MODEL = "faces"


class LoopbackModel:
    """A SavedModel as a server holds it."""

    def __init__(self, folder):
        content = (folder / "saved_model.pb").read_bytes()
        (meta_graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
        self.signature_defs = meta_graph.signature_def
        self._loaded = tf.saved_model.load(str(folder))

    def run(self, signature, inputs):
        """{output name: NumPy array}; raises ValueError with the model's message."""
        try:
            outputs = self._loaded.signatures[signature](**inputs)
        except (tf.errors.OpError, KeyError, TypeError) as error:
            raise ValueError(str(error)) from error
        return {name: value.numpy() for name, value in outputs.items()}


class RestHandler(http.server.BaseHTTPRequestHandler):
    """TensorFlow Serving's documented predict and metadata forms."""

    model: LoopbackModel

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path != f"/v1/models/{MODEL}/metadata":
            return self._answer(404, {"error": f"Malformed request: GET {self.path}"})
        found = {
            name: json_format.MessageToDict(
                value, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            for name, value in self.model.signature_defs.items()
        }
        spec = {"name": MODEL, "signature_name": "", "version": "1"}
        metadata = {"signature_def": {"signature_def": found}}
        return self._answer(200, {"model_spec": spec, "metadata": metadata})

    def do_POST(self):
        if self.path != f"/v1/models/{MODEL}:predict":
            return self._answer(404, {"error": f"Servable not found for request: {self.path}"})
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = body.pop("signature_name", "serving_default")
        try:
            (form,) = body
            inputs = self._inputs(self.model.signature_defs[name].inputs, form, body[form])
            (item,) = self.model.run(name, inputs).items()
        except (ValueError, KeyError) as error:
            return self._answer(400, {"error": str(error)})
        values = item[1].tolist()
        if item[0].endswith("_bytes"):
            values = [{"b64": base64.b64encode(value).decode()} for value in values]
        return self._answer(200, {{"instances": "predictions", "inputs": "outputs"}[form]: values})

    def _inputs(self, specs, form, given):
        if form == "instances" and isinstance(given[0], dict) and "b64" not in given[0]:
            given = {name: [row[name] for row in given] for name in given[0]}
        if not isinstance(given, dict):
            given = {next(iter(specs)): given}
        return {
            name: tf.constant(self._decoded(value), tf.as_dtype(specs[name].dtype))
            for name, value in given.items()
        }

    def _decoded(self, value):
        if isinstance(value, dict):
            return base64.b64decode(value["b64"], validate=True)
        return [self._decoded(v) for v in value] if isinstance(value, list) else value

    def _answer(self, status, content):
        content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def start_grpc(model):
    """(server, address) of a PredictionService."""
    import grpc
    from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2
    from tensorflow_serving.apis import prediction_service_pb2_grpc as service

    class Servicer(service.PredictionServiceServicer):
        def GetModelMetadata(self, request, context):
            if request.model_spec.name != MODEL:
                context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")
            found = get_model_metadata_pb2.SignatureDefMap(signature_def=model.signature_defs)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.metadata["signature_def"].Pack(found)
            return response

        def Predict(self, request, context):
            inputs = {k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
            try:
                outputs = model.run(request.model_spec.signature_name, inputs)
            except ValueError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            response = predict_pb2.PredictResponse(model_spec=request.model_spec)
            for name, value in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
            return response

    unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), options=unlimited)
    service.add_PredictionServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("served")
    write_directions(path, big=np.full(M, 2, np.float32))
    return write_run(path)


@pytest.fixture(scope="module")
def model(run):
    return LoopbackModel(export.export(run))


@pytest.fixture(scope="module")
def rest_address(model):
    handler = type("Handler", (RestHandler,), {"model": model})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def grpc_address(model):
    pytest.importorskip("tensorflow_serving")
    server, address = start_grpc(model)
    yield address
    server.stop(None).wait()


@pytest.fixture(params=["rest", "grpc"])
def address(request):
    return request.param, request.getfixturevalue(f"{request.param}_address")


@pytest.fixture
def client(address):
    kind, at = address
    classes = {"rest": clients.RestClient, "grpc": clients.GrpcClient}
    return classes[kind](at, MODEL)


def test_signatures(client):
    signatures = client.signatures()
    assert len(signatures) == 10
    assert signatures["sample"] == (
        {
            "num_samples": clients.Tensor(np.int32, ()),
            "seed": clients.Tensor(np.int64, ()),
        },
        {"images": clients.Tensor(np.float32, (-1, *IMAGE_SHAPE))},
    )
    assert signatures["encode_image_bytes"] == (
        {"image_bytes": clients.Tensor(np.object_, (-1,))},
        {"codes": clients.Tensor(np.float32, (-1, M))},
    )


def test_every_signature_answers_as_the_method(client, run):
    values = {"num_samples": 3, "seed": 5, "steps": 4, "direction": "big", "strength": 0.5}
    x = figures.to_uint8(images_of(3)).astype(np.float32) / 255
    z, model = run.model.encode(x), run.model
    noise = np.random.default_rng(5).standard_normal((3, M), np.float32)
    generated = model.decode(model.density.prior(tf.constant(noise)).numpy())
    middle = (2 * z + z[::-1]) / 3
    expected = {
        "generate": generated,
        "serving_default": generated,
        "sample": model.sample(3, seed=5),
        "encode": z,
        "decode": model.decode(noise),
        "reconstruct": model.reconstruct(x),
        "edit": model.decode(z + 1),
        "encode_image_bytes": z,
    }
    for name, (inputs, _) in client.signatures().items():
        found = client.predict(name, serving_client.example_inputs(inputs, x, values))
        if name == "generate_png":
            pixels = np.stack([tf.io.decode_png(file).numpy() for file in found])
            assert np.abs(pixels - 255 * generated).max() <= 0.51
        elif name == "interpolate":
            assert found.shape == (3, 4, *IMAGE_SHAPE)
            np.testing.assert_allclose(found[:, 1], model.decode(middle), atol=1e-5)
        else:
            np.testing.assert_allclose(found, expected[name], atol=1e-5)


def test_a_refused_request_is_one_clear_error(client):
    with pytest.raises(UserError, match=r"answered .*images must be in \[0, 1\]"):
        client.predict("encode", {"images": 255 * images_of(1)})
    with pytest.raises(UserError, match="answered"):
        client.predict("encode", {"images": images_of(1, (4, 4, 1))})


def test_an_unknown_model(address):
    kind, at = address
    classes = {"rest": clients.RestClient, "grpc": clients.GrpcClient}
    with pytest.raises(UserError, match=r"answered (404|NOT_FOUND)"):
        classes[kind](at, "nobody").signatures()


def test_a_batch_of_1000(client):
    assert client.predict("generate", {"noise": codes_of(1000)}).shape == (1000, *IMAGE_SHAPE)


def test_an_empty_batch(grpc_address):
    client = clients.GrpcClient(grpc_address, MODEL)
    assert client.predict("generate", {"noise": codes_of(0)}).shape == (0, *IMAGE_SHAPE)


def test_no_server():
    with pytest.raises(UserError, match=r"no answer from http://127.0.0.1:1/.*is the server up"):
        clients.RestClient("127.0.0.1:1", MODEL).signatures()


def test_images_from_files(tmp_path):
    figures.save_png(tmp_path / "a.png", np.full((8, 8, 3), 255, np.uint8))
    assert serving_client.read_images([tmp_path / "a.png"], (8, 8, 1)).tolist() == [
        [[[1.0]] * 8] * 8
    ]
    with pytest.raises(UserError, match="8 x 8 pixels, the model takes 8 x 4"):
        serving_client.read_images([tmp_path / "a.png"], (8, 4, 3))
    with pytest.raises(UserError, match="cannot read"):
        serving_client.read_images([tmp_path / "b.png"], (8, 8, 3))


def test_command(rest_address, tmp_path):
    command = [sys.executable, "-m", "tools.serving_client", f"--rest={rest_address}"]
    flags = [f"--model={MODEL}", "--num_samples=2", "--direction=big", f"--output_dir={tmp_path}"]
    result = subprocess.run([*command, *flags], capture_output=True, text=True)
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 10
    assert re.search(
        r"^interpolate: images_a \[2, 8, 8, 1\], images_b \[2, 8, 8, 1\], steps \[2\]"
        r" -> images \[2, 8, 8, 8, 1\], \d+\.\d ms$",
        result.stdout,
        re.MULTILINE,
    )
    assert np.load(tmp_path / "encode.npy").shape == (2, M)
    assert (tmp_path / "generate_png-1.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "edit.png").exists()
