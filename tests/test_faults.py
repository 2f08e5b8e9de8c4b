"""The script of random faults, over all twenty of them."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_twenty_random_faults_end_with_the_weights_of_an_undisturbed_run():
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--faults=20", "--seed=1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": exit status ") == 20
