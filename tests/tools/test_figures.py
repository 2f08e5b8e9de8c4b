"""tools.figures and tools.report as programs."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from tests import picture_runs


def command(name, *flags, cache):
    return subprocess.run(
        [sys.executable, "-m", f"tools.{name}", *flags],
        capture_output=True,
        text=True,
        env=os.environ | {"FLEXAE_TF_CACHE": str(cache)},
    )


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return picture_runs.write(tmp_path_factory.mktemp("run")).path


def test_all_prints_a_path_and_the_seed_for_each(run_dir, tmp_path):
    done = command(
        "figures",
        f"--run_dir={run_dir}",
        "--kind=all",
        "--attributes=3,7",
        "--seed=2",
        "--inception=nowhere",
        cache=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(lines) == 9
    for path, text in lines:
        assert "seed 2" in text
        with Image.open(path) as image:
            assert image.info["seed"] == "2"
    assert "left out of neighbours: --inception=nowhere" in done.stderr
    assert sorted(os.listdir(run_dir / "directions")) == ["3.npy", "7.npy"]


def test_the_report_prints_its_path(run_dir, tmp_path):
    done = command("report", f"--run_dir={run_dir}", cache=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == str(run_dir / "report.html")
    assert (run_dir / "report.html").stat().st_size < 5_000_000
