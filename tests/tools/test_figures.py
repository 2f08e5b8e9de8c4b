"""tools.figures, tools.report and tools.projector as programs."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from tests import picture_runs
from tests.tools.mistakes import assert_mistakes_are_named


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


def test_mistakes_of_the_report_are_named(tmp_path):
    one, several = f"--run_dir={tmp_path}", f"--run_dirs={tmp_path},{tmp_path}/other"
    cases = [
        ([], "expected one of --run_dir and --run_dirs"),
        ([one, several], "expected one of --run_dir and --run_dirs"),
        ([one, "--output=page.html"], "are for --run_dirs"),
        ([several, "--features=pixels"], "are for --run_dir"),
        ([f"--run_dirs={tmp_path}"], "expected two run directories or more"),
        ([several], "is not a run directory of flexae_tf.train"),
    ]
    assert_mistakes_are_named("report", cases, tmp_path / "cache")


@pytest.mark.slow
def test_runs_are_compared_and_codes_written_for_tensorboard(run_dir, tmp_path):
    other = picture_runs.write(tmp_path / "vae", method="vae").path
    page, hparams = tmp_path / "pages" / "comparison.html", tmp_path / "hparams"
    flags = [f"--run_dirs={run_dir},{other}", f"--output={page}", f"--hparams_dir={hparams}"]
    done = command("report", *flags, cache=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [str(page), str(hparams)]
    assert page.stat().st_size < 2_000_000
    assert len(list(hparams.rglob("events.out.tfevents.*"))) == 2
    done = command("projector", f"--run_dir={other}", "--count=10", cache=tmp_path)
    assert done.stdout == f"tensorboard --logdir {other}\n"
    assert (other / "train" / "projector" / "sprite.png").is_file()
