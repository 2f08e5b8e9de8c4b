"""The page's server without a browser; `test_browser` is the page in one."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.explore.sources import TinySource

pytest.importorskip("dash", reason="needs requirements-explore.txt")

from flexae_tf.explore import page, server, views


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    source = TinySource(tmp_path_factory.mktemp("run"))
    return server.make_app(source).server.test_client()


def get(client, path, host="127.0.0.1:8050"):
    return client.get(path, headers={"Host": host})


def call(client, outputs, inputs, state=()):
    """What a callback answers, {component: {property: value}}."""
    body = {"output": outputs, "inputs": inputs, "state": list(state), "changedPropIds": []}
    names = outputs.removeprefix("..").removesuffix("..").split("...")
    body["outputs"] = [
        dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names
    ]
    found = client.post("/_dash-update-component", json=body, headers={"Host": "127.0.0.1:8050"})
    assert found.status_code == 200
    return found.json["response"]


def test_downloads_are_addresses(client):
    picture = get(client, "/picture.png?view=samples&seed=1&count=9")
    assert Image.open(io.BytesIO(picture.data)).size == (3 * 10 - 2, 3 * 10 - 2)
    codes = np.load(io.BytesIO(get(client, "/codes.npy?view=samples&seed=1&count=9").data))
    assert codes.shape == (9, 4)
    again = get(client, "/picture.png?view=samples&seed=1&count=9")
    assert again.data == picture.data
    assert get(client, "/picture.png?view=samples&seed=2&count=9").data != picture.data


def test_a_mistake_in_an_address_is_answered_in_a_line(client):
    found = get(client, "/picture.png?count=1000")
    assert found.status_code == 400
    assert found.text == "count must be a number from 1 to 100; received '1000'\n"


def test_the_page_may_load_nothing_from_elsewhere(client):
    found = get(client, "/")
    assert found.status_code == 200
    assert found.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "https://" not in found.text
    assert "http://" not in found.text


def test_another_sites_name_for_this_machine_is_refused(client):
    assert get(client, "/", "evil.example:8050").status_code == 403
    assert get(client, "/", "localhost:8050").status_code == 200


def test_a_request_that_is_too_large_is_refused(client):
    body = {"output": "x" * server.MOST_REQUEST_BYTES}
    found = client.post("/_dash-update-component", json=body, headers={"Host": "127.0.0.1:8050"})
    assert found.status_code == 413


def test_the_controls_are_those_of_the_address(client):
    address = {"id": "address", "property": "search"}
    query = "?view=edit&start=test:3&axes=0,1.5&dir.one=-2"
    found = call(client, "..controls.children...notice.children..", [address | {"value": query}])
    assert found["notice"]["children"] == ""
    text = json.dumps(found["controls"]["children"])
    assert '"value": 1.5' in text
    assert '"value": -2.0' in text
    found = call(
        client, "..controls.children...notice.children..", [address | {"value": "?seed=x"}]
    )
    assert found["notice"]["children"].startswith("seed must be a number")


def test_controls_become_an_address_whatever_a_direction_is_called(tmp_path):
    given = {"view": "edit", "density": "own", "seed": 0, "count": 1, "steps": 9, "truncation": 1}
    given |= {f"{end}_kind": "sample" for end in ("start", "end")}
    given |= {f"{end}_number": 2 for end in ("start", "end")}
    view = views.parse(page._query(given | {"axis0": 0.5, "dir.a+b": -1}, TinySource(tmp_path)))
    assert (view.start, view.axes, view.directions) == ("sample:2", (0.5,), {"a+b": -1})
