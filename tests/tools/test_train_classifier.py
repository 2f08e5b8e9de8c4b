"""The command that trains a classifier, and measuring by it."""

import json
import subprocess
import sys


def _run(module, *flags):
    command = [sys.executable, "-m", module, *flags]
    return subprocess.run(command, capture_output=True, text=True)


def test_prints_the_folder_that_evaluate_takes(tmp_path):
    flags = ["--dataset=digits", "--epochs=1", f"--cache_dir={tmp_path}"]
    first, again = (_run("tools.train_classifier", *flags) for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout == again.stdout
    assert first.stdout.count("\n") == 1
    assert first.stderr.startswith("epoch 1: accuracy on train images 0.")
    assert again.stderr == first.stderr.splitlines(keepends=True)[-1]
    folder = first.stdout.strip()
    measured = _run(
        *("tools.evaluate", "--real=digits", "--generated=digits", "--count=100", "--json"),
        f"--features={folder}",
    )
    record = json.loads(measured.stdout)
    accuracy = record["extractor"]["accuracy"]
    assert f"accuracy on 297 test images: {accuracy:.4f}\n" == again.stderr
    assert 0.2 < accuracy < 1
