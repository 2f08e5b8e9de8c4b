"""The page that compares runs: what is on it, and that nothing on it comes from elsewhere."""

import base64
import io
import math
import types

import numpy as np
import pytest
from PIL import Image

from flexae_tf import data, figures, runs
from flexae_tf.report import html_comparison
from flexae_tf.report.compared_pictures import draw
from flexae_tf.report.comparison import ComparedRun, Group
from tests import picture_runs
from tests.html_pages import read
from tests.report.test_measures import measured

SIX_RUNS = 6_000_000  # bytes of a page that people send each other


@pytest.fixture(scope="module")
def run_dirs(tmp_path_factory):
    """A VAE that is measured, an AE, and another seed of the VAE that has nothing yet."""
    folder = tmp_path_factory.mktemp("runs")
    vae = picture_runs.write(folder / "<b>&0", method="vae").path
    ae = picture_runs.write(folder / "ae", method="ae").path
    begun, _ = picture_runs.adopted(folder / "begun", method="vae", seed=1)
    measured(vae, 1.5)
    for path in (vae, ae):
        picture_runs.record(path, {"loss/autoencoder": 9.0, "loss/critic": math.nan, "gap": 3.0})
    return [vae, ae, begun.path]


@pytest.fixture(scope="module")
def page(run_dirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "comparison.html"
    html_comparison.write(path, run_dirs, seed=4)
    assert path.stat().st_size < SIX_RUNS / 6 * len(run_dirs)
    return read(path)


def images(page):
    """The pictures on a page, uint8 arrays."""
    urls = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    contents = [base64.b64decode(url.removeprefix("data:image/png;base64,")) for url in urls]
    return [np.asarray(Image.open(io.BytesIO(content))) for content in contents]


def test_the_page_needs_nothing_else(page):
    loaded = [(tag, name, v) for tag, name, v in page.attributes if name in ("src", "href")]
    assert all(
        v.startswith("data:image/png;base64," if tag == "img" else "#") for tag, _, v in loaded
    )
    assert not {tag for tag, *_ in page.attributes} & {"link", "iframe", "script"}
    assert ("meta", "content", "width=device-width, initial-scale=1") in page.attributes
    assert "http" not in page.text


def test_names_are_texts_and_not_tags(page):
    assert "<b>&0" in page.text
    assert "3 runs on digits" in page.text


def test_every_run_reconstructs_the_same_test_images(page, run_dirs):
    dataset = data.load("digits")
    rows = np.random.default_rng(4).permutation(len(dataset.test))[:12]
    x = data.gather(dataset.test, rows)
    shown = images(page)
    np.testing.assert_array_equal(shown[0], figures.grid(x, 12)[..., 0])
    x_hat = runs.load(run_dirs[1]).model.reconstruct(x)
    np.testing.assert_array_equal(shown[2], figures.grid(x_hat, 12)[..., 0])
    assert len(shown) == 1 + 2 + 1  # test images, reconstructions, and samples of the VAE


def test_what_a_run_lacks_is_said(page, run_dirs):
    for text in (
        "AE, ae: no samples, ae has no prior of its own",
        "VAE, begun: no checkpoint yet",
        "ae is not measured yet: python -m tools.evaluate",
        "begun has recorded no curves",
        "none yet",
    ):
        assert text in page.text


def test_curves_that_runs_share_are_in_one_chart(page):
    charts = [v for tag, name, v in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert charts == ["loss/autoencoder"]
    toggles = [v for tag, name, v in page.attributes if name == "data-group"]
    assert toggles == ["0", "1"]


def test_only_the_settings_that_differ_are_in_the_table(page):
    table = page.text[page.text.rindex("setting") :]
    differing, common = table.split("In common: ")
    assert "method" in differing
    assert "0, 1" in differing
    assert "latent_dim=4" in common
    assert "latent_dim" not in differing


def test_vectors_are_compared_as_points(monkeypatch):
    run = types.SimpleNamespace(
        model=picture_runs.LinearModel(),
        settings={"method": "vae", "variant": "paper", "dataset": "npz"},
        iteration=3,
        load_dataset=picture_runs.vectors,
    )
    monkeypatch.setattr(runs, "load", lambda *_: run)
    directory = types.SimpleNamespace(path="nowhere")
    drawn = draw([Group("VAE", (ComparedRun("run", directory, {}, 3),))], seed=0)
    assert drawn.originals is None
    for picture in (drawn.reconstructions["run"], drawn.samples["run"]):
        assert picture.startswith(b"\x89PNG")
