"""The page that compares runs in a browser, where the machine has one."""

import html
import json
import re
import subprocess

import pytest

from flexae_tf.report import html_comparison
from tests import picture_runs
from tests.browser import ARGUMENTS, CHROMIUM
from tests.report.test_measures import measured

_FIRST = "<script>const errors = []; onerror = (message) => errors.push(message);</script>"
# Clicks, and leaves what came of it as text of the page.
_LAST = """<pre id="outcome"></pre><script>
const table = document.querySelector("table.sortable");
const heads = Array.from(table.tHead.rows[0].cells);
const column = heads.findIndex((head) => head.textContent === "generation/fid");
const values = (at) => Array.from(table.tBodies, (body) => body.rows[0].cells[at].dataset.value);
const sorted = () => [heads[column].getAttribute("aria-sort"), values(column)];
const fold = document.querySelector("button[aria-expanded]");
const seen = () => Array.from(fold.closest("tbody").rows, (row) => row.offsetHeight > 0);
const toggle = document.querySelector("input[data-group='0']");
const drawn = () => getComputedStyle(document.querySelector("svg .g0")).display;
const press = (button) => { button.focus(); button.click(); };
const outcome = { sorted: [sorted()], seen: [seen()], drawn: [drawn()] };
for (let i = 0; i < 2; i++) {
  press(heads[column].querySelector("button"));
  outcome.sorted.push(sorted());
  press(fold);
  outcome.seen.push(seen());
  toggle.click();
  outcome.drawn.push(drawn());
}
outcome.last = [0, 1].map(() => {
  press(heads.at(-1).querySelector("button"));
  return values(heads.length - 1);
});
outcome.width = [innerWidth, document.documentElement.scrollWidth];
outcome.broken = Array.from(document.images).filter((image) => !image.naturalWidth).length;
outcome.loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
outcome.errors = errors;
document.querySelector("#outcome").textContent = JSON.stringify(outcome);
</script>"""


_FRAME = """<iframe srcdoc="{text}" style="border: 0; width: {width}px; height: 900px"></iframe>
<script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  document.body.append(page.querySelector("#outcome"));
}};
</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of two models, one with two seeds; its distance is 9, 2, 10 and none."""
    folder = tmp_path_factory.mktemp("runs")
    runs = []
    for name, method, seed, fid in [
        ("vae-0", "vae", 0, 8.0),
        ("vae-1", "vae", 1, 10.0),
        ("flexae", "flexae", 0, 2.0),
        ("ae", "ae", 0, 10.0),
        ("unmeasured", "rae", 0, None),
    ]:
        path = picture_runs.write(folder / name, method=method, seed=seed).path
        if fid is not None:
            measured(path, fid, **({"metrics/codes/nac": 0.5} if method == "ae" else {}))
        picture_runs.record(path, {"loss/autoencoder": 9.0})
        runs.append(path)
    path = folder / "page.html"
    html_comparison.write(path, runs)
    return path


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_is_sorted_and_folded_and_fits(page, width, tmp_path):
    text = page.read_text().replace("<head>", f"<head>{_FIRST}")
    text = html.escape(text.replace("</body>", f"{_LAST}</body>"))
    driven = tmp_path / "driven.html"  # a window may be no narrower than 500 pixels, a frame may
    driven.write_text(_FRAME.format(text=text, width=width))
    flags = ["--headless", *ARGUMENTS]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1600,900"]
    done = subprocess.run(
        [CHROMIUM, *flags, "--dump-dom", driven.as_uri()], capture_output=True, text=True
    )
    outcome = json.loads(re.search(r'<pre id="outcome">(.*?)</pre>', done.stdout)[1])
    assert outcome["sorted"] == [
        [None, ["9.0", "2.0", "10.0"]],
        ["ascending", ["2.0", "9.0", "10.0"]],
        ["descending", ["10.0", "9.0", "2.0"]],
    ]
    assert outcome["last"] == [["0.5", None, None]] * 2  # what has no value comes last
    assert outcome["seen"] == [[True, False, False], [True] * 3, [True, False, False]]
    assert outcome["drawn"] == ["inline", "none", "inline"]
    assert outcome["width"][0] == width
    assert outcome["width"][1] <= width
    assert (outcome["broken"], outcome["loaded"], outcome["errors"]) == (0, [], [])
