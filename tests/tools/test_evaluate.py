"""The command as a program: its output, its errors. Each test is one process or two."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from flexae_tf import data
from tests.evaluation_networks import save_small_inception
from tests.tools.mistakes import assert_mistakes_are_named

DIGITS = data.load("digits")


def python(*arguments, cache):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"FLEXAE_TF_CACHE": str(cache)},
    )


@pytest.fixture
def mine(tmp_path):
    np.savez(tmp_path / "mine.npz", images=DIGITS.train[:100])
    return tmp_path / "mine.npz"


def test_json_alone_is_on_standard_output(mine, tmp_path):
    inception = tmp_path / "inception"
    save_small_inception(inception)
    arguments = ["--real=digits", f"--generated={mine}", "--count=100", f"--inception={inception}"]
    result = python("-m", "tools.evaluate", *arguments, "--json", cache=tmp_path / "cache")
    record = json.loads(result.stdout)
    assert record["counts"] == {"real": 100, "generated": 100}
    assert record["metrics/fid"] > 0
    assert record["metrics/inception_score"] >= 1
    assert record["extractor"]["name"] == "Inception (TF-GAN)"
    assert len(record["extractor"]["fingerprint"]) == 64
    assert "only 100 images" in result.stderr


def test_a_mistake_is_one_line_and_status_2(mine, tmp_path):
    arguments = ["--real=digits", f"--generated={mine}", "--features=pixels"]
    result = python("-m", "tools.evaluate", *arguments, cache=tmp_path / "cache")
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "297 real and 100 generated" in line
    assert "Traceback" not in result.stderr


def test_mistakes_are_named(mine, tmp_path):
    run_dir = f"--run_dir={tmp_path}"
    cases = [
        ([], "one of --run_dir, --run_dirs, or both"),
        ([run_dir, "--real=digits", "--generated=digits"], "one of --run_dir, --run_dirs, or both"),
        ([run_dir, f"--run_dirs={tmp_path}"], "one of --run_dir, --run_dirs, or both"),
        ([run_dir, "--density=normal"], "unknown density 'normal'"),
        ([run_dir, "--measures=ppl"], "some of likelihood, path_length, separability"),
        (
            ["--real=digits", "--generated=digits", "--measures=likelihood"],
            "--measures=likelihood: with --run_dir",
        ),
        ([f"--run_dirs={tmp_path}", "--densities=n,x"], "unknown density 'x'"),
        ([f"--run_dirs={tmp_path}", "--densities="], "--densities is empty"),
        ([f"--run_dirs={tmp_path}"], "has no checkpoint"),
        (["--real=digits"], "one of --run_dir, --run_dirs, or both"),
        ([run_dir], "has no checkpoint"),
        ([run_dir, "--inception=x", "--features=y"], "at most one of"),
        (["--real=digits", "--generated=nowhere"], "no such folder"),
        (["--real=digits", "--generated=digits", "--features=nowhere"], "no SavedModel there"),
        (["--real=digits", "--generated=digits", "--inception=nowhere"], "no such file or folder"),
    ]
    assert_mistakes_are_named("evaluate", cases, tmp_path / "cache")
