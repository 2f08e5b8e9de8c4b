"""The comparison with peers, on a stand-in for their side: torch is no requirement of the tests."""

import subprocess
import sys

import numpy as np
import pytest

from flexae_tf.errors import UserError
from tools.peers import ours, table, timing


def test_a_row_has_medians_extremes_and_the_highest_peak():
    turns = {
        "flexae_tf": [{"seconds": s, "peak_gib": 1.0} for s in (0.3, 0.1, 0.2)],
        "pythae": [{"seconds": s, "peak_gib": s} for s in (0.5, 0.4, 0.6)],
    }
    row = "| vae | 0.200 | 0.100 to 0.300 | 0.500 | 0.400 to 0.600 | 0.40 | 1.00 | 0.60 |"
    assert table.row("vae", turns) == row


def test_refuses_models_of_other_sizes():
    found = {"flexae_tf": {"parameters": {"encoder": 2}}, "pythae": {"parameters": {"encoder": 3}}}
    with pytest.raises(UserError, match="vae is not the same model on both sides"):
        table.compare_parameters("vae", found)


@pytest.mark.parametrize("name", ["vae", "rae", "wae_mmd", "aae"])
def test_our_side_has_every_setting_of_the_method(name, monkeypatch):
    monkeypatch.setattr(timing, "SHAPE", (8, 8, 1))
    method = ours.build(name, latent_dim=3)
    assert method.networks["decoder"].input_shape == (None, 3)
    for player in method.players.values():
        rates = [timing.LEARNING_RATE, timing.BETA_1, timing.BETA_2, timing.EPSILON]
        adam = player.optimizer
        found = [float(adam.learning_rate), adam.beta_1, adam.beta_2, adam.epsilon]
        np.testing.assert_allclose(found, rates, rtol=1e-6)
    x = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    assert np.isfinite(method.validation_loss(x))


@pytest.mark.slow
def test_takes_turns_and_ends_in_a_table(tmp_path):
    peer = tmp_path / "python"
    parameters = '{"encoder": 6590944, "decoder": 6855617}'
    printed = f'{{"parameters": {parameters}, "seconds": 1.0, "peak_gib": 2.0}}'
    peer.write_text(f"#!/bin/sh\necho '{printed}'\n")
    peer.chmod(0o755)
    command = [sys.executable, "-m", "tools.benchmark_peers", f"--peers_python={peer}"]
    command += ["--peer_method=vae", "--rounds=1", "--iterations=1", "--warmup=1"]
    command += ["--batch_size=2"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    *header, row = finished.stdout.splitlines()
    assert header == list(table.HEADER)
    cells = row.split(" | ")
    assert cells[0] == "| vae"
    assert cells[3:5] == ["1.000", "1.000 to 1.000"]


def test_says_in_a_line_that_the_peer_is_not_there(tmp_path):
    command = [sys.executable, "-m", "tools.benchmark_peers", f"--peers_python={tmp_path}/none"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 2
    assert "cannot run" in finished.stderr.splitlines()[-1]
    assert "Traceback" not in finished.stderr
