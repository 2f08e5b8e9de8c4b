"""The command that fills the cache."""

import subprocess
import sys

from flexae_tf import data


def _run(*flags):
    command = [sys.executable, "-m", "tools.prepare_data", *flags]
    return subprocess.run(command, capture_output=True, text=True)


def test_prints_what_a_data_set_holds():
    result = _run("--dataset=digits")
    assert result.returncode == 0
    assert "train        uint8 [1500, 16, 16, 1], labels int64 [1500]\n" in result.stdout
    assert data.load("digits").fingerprint in result.stdout


def test_mistakes_are_one_line(tmp_path):
    for flags, message in (
        (["--dataset=nope"], "error: unknown dataset 'nope'; expected one of digits, "),
        ([f"--data_dir={tmp_path}", "--dataset=mnist"], "error: mnist is not in "),
        ([f"--data_dir={tmp_path}", "--dataset=folder"], "error: dataset folder needs --image_s"),
    ):
        result = _run(*flags)
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr.startswith(message)
        assert result.stderr.count("\n") == 1
