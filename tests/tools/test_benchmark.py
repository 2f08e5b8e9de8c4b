"""The benchmark through its command line; its times are not asserted."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_an_autoencoder_of_vectors(tmp_path):
    command = [sys.executable, "-m", "tools.benchmark", "--dataset=synthetic2d", "--method=ae"]
    command += ["--networks=flexae", "--latent_dim=2", "--batch_size=128", "--iterations=2"]
    command += ["--json", f"--profile_dir={tmp_path}"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = finished.stdout.splitlines()
    found = json.loads(line)
    # 128 -> 128 -> 2 -> 128: forward and by the kernels, and by the inputs but for the first.
    operations = 2 * 128 * (2 * 128 * 128 + 3 * 128 * 2 + 3 * 2 * 128)
    assert found["gflop_per_iteration"] == pytest.approx(operations / 1e9)
    assert found["best_product"] in ("oneDNN", "Eigen")
    bound = operations / 1e9 / found["best_product_gflop_per_second"]
    assert found["arithmetic_bound_seconds"] == pytest.approx(bound)
    assert 0 < found["seconds_per_iteration_min"] <= found["seconds_per_iteration"]
    profiled = {name for name in found if name.startswith("profile: ")}
    assert {"profile: ResourceApplyAdam"} < profiled
    assert not {"profile: Run", "profile: Process"} & profiled
    assert list(tmp_path.glob("**/*.xplane.pb"))
