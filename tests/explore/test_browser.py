"""The page as a visitor has it: a run that was trained for it, in headless Chromium."""

import concurrent.futures
import os
import re
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from PIL import Image

from tests import browser

pytest.importorskip("dash", reason="needs requirements-explore.txt")
pytestmark = pytest.mark.slow

_CLIENTS, _REQUESTS = 8, 200


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "digits"
    flags = ["--dataset=digits", "--method=vae", "--latent_dim=8", "--batch_size=64"]
    flags += ["--training_steps=200", "--checkpoint_every_steps=100", f"--run_dir={path}"]
    for command in (
        ["flexae_tf.train", *flags],
        ["tools.figures", f"--run_dir={path}", "--kind=attributes", "--attributes=0,1"],
        ["tools.export", f"--run_dir={path}"],
    ):
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module", params=["run_dir", "export"])
def served(request, run_dir):
    """(Address, process, what was served) of the page."""
    folder = run_dir if request.param == "run_dir" else run_dir / "export"
    command = [sys.executable, "-m", "tools.explore", f"--{request.param}={folder}", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = re.match(r"\S+", process.stdout.readline()).group()
    yield address, process, request.param
    process.terminate()
    process.wait()


def shown(page):
    return page.locator("#picture img").last.get_attribute("src")


def after(page, action):
    """The last picture once it has changed by an action."""
    before = shown(page)
    action()
    page.wait_for_function(
        "before => { const all = [...document.querySelectorAll('#picture img')];"
        " return all.length && all[all.length - 1].src !== before; }",
        arg=before,
    )
    page.wait_for_load_state("networkidle")
    return shown(page)


def visible(page, role):
    return [found for found in page.get_by_role(role).all() if found.is_visible()]


@pytest.mark.parametrize("width", [390, 1400])
def test_samples_sliders_uploads_and_links(width, served, tmp_path):
    address, _, kind = served
    with browser.pages() as open_page:
        page = open_page(width)
        page.goto(address)
        page.wait_for_selector("#picture img")
        assert browser.fits(page)
        first = shown(page)
        second = after(page, lambda: visible(page, "spinbutton")[0].fill("7"))
        assert "seed=7" in page.url
        assert second != first

        sample = after(page, lambda: page.get_by_text("Edit", exact=True).click())
        sliders = visible(page, "slider")
        assert len(sliders) == (11 if kind == "run_dir" else 10)  # checkpoints, axes, directions
        moved = after(page, lambda: (sliders[-1].focus(), page.keyboard.press("ArrowRight")))
        assert "dir.1=0.1" in page.url
        assert moved != sample

        page.get_by_text("my image", exact=True).first.click()
        good = tmp_path / "good.png"
        noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(good)
        (tmp_path / "broken.png").write_bytes(good.read_bytes()[:300])
        Image.new("1", (8000, 6250)).save(tmp_path / "large.png")
        upload, refused = page.locator("#start-upload input"), page.locator("#start-refused")
        for name, reason in (("broken", "not an image"), ("large", "expected at most 20 megapix")):
            upload.set_input_files(tmp_path / f"{name}.png")
            refused.get_by_text(reason).wait_for()
            assert shown(page) == moved
        after(page, lambda: upload.set_input_files(good))
        assert page.locator("#picture img").count() == 3
        assert refused.inner_text() == ""
        assert browser.fits(page)

        here, picture = page.url, shown(page)
        again = open_page(width)
        again.goto(here)
        again.wait_for_selector("#picture img")
        assert shown(again) == picture
        assert page.complaints == again.complaints == []


def test_eight_clients_ask_two_hundred_times(served):
    address, process, _ = served
    queries = [
        f"picture.png?view=edit&start=sample:{i}&axes=0.{i % 9}"
        if i % 2
        else f"codes.npy?view=samples&seed={i}&count=25"
        for i in range(_REQUESTS)
    ]

    def ask(query):
        with urllib.request.urlopen(address + query) as response:
            return response.status, len(response.read())

    ask(queries[0]), ask(queries[1])
    before = resident_kib(process)
    with concurrent.futures.ThreadPoolExecutor(_CLIENTS) as clients:
        answers = list(clients.map(ask, queries))
    assert {status for status, _ in answers} == {200}
    assert resident_kib(process) - before < 200 << 10
    assert os.waitpid(process.pid, os.WNOHANG) == (0, 0)


def resident_kib(process):
    with open(f"/proc/{process.pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
