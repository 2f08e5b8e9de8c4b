"""The clients' JSON against TensorFlow Serving's documented forms."""

import json

import numpy as np
import pytest

from flexae_tf.errors import UserError
from flexae_tf.serving import clients


def test_one_array_by_rows():
    body = clients.request_body("decode", {"codes": np.array([[0.5, -1.0], [2.0, 0.25]])})
    assert body == {
        "signature_name": "decode",
        "instances": [{"codes": [0.5, -1.0]}, {"codes": [2.0, 0.25]}],
    }


def test_several_arrays_by_rows():
    inputs = {
        "images": np.array([[[[0.5]]], [[[1.0]]]], np.float32),
        "direction": np.array(["big", "thin"], object),
        "strength": np.array([1.5, -2.0], np.float32),
    }
    assert clients.request_body("edit", inputs)["instances"] == [
        {"images": [[[0.5]]], "direction": "big", "strength": 1.5},
        {"images": [[[1.0]]], "direction": "thin", "strength": -2.0},
    ]


def test_scalars_by_columns():
    inputs = {"num_samples": np.int32(2), "seed": np.int64(7)}
    assert clients.request_body("sample", inputs) == {
        "signature_name": "sample",
        "inputs": {"num_samples": 2, "seed": 7},
    }


def test_files_in_base64():
    inputs = {"image_bytes": np.array([b"\x89PNG"], object)}
    body = clients.request_body("encode_image_bytes", inputs)
    assert json.loads(json.dumps(body))["instances"] == [{"image_bytes": {"b64": "iVBORw=="}}]


def test_no_rows():
    with pytest.raises(UserError, match="at least one row"):
        clients.request_body("decode", {"codes": np.zeros((0, 2))})


def test_answers():
    rows = clients.parse_response({"predictions": [[0.5], [1]]})
    assert (rows.dtype, rows.tolist()) == (np.float32, [[0.5], [1.0]])
    assert clients.parse_response({"outputs": [[2.5]]}).tolist() == [[2.5]]
    assert clients.parse_response({"outputs": []}).shape == (0,)
    files = clients.parse_response({"predictions": [{"b64": "iVBORw=="}]})
    assert files.tolist() == [b"\x89PNG"]
