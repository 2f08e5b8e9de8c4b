"""Two workers over loopback: the losses of one process, and nothing lost when one of them dies."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from flexae_tf import runs
from flexae_tf.training import checkpoints
from tests import faults
from tests.test_train_cli import HALVED, SMALL, train
from tools import launch

FLAGS = [*SMALL, "--training_steps=8"]
PLAYERS = ("autoencoder", "latent_critic", "generator", "encoder", "image_critic", "smoothing")


def losses(name, hosts=()):
    """Losses and statistics of five iterations by gradient descent, as each worker reports them."""
    alone = [sys.executable, "-m", "tests.tiny", "--replicas=1", "--xla=false", name]
    environments = [{}]
    if hosts:
        alone.append("--strategy=multi_worker_mirrored")
        environments = [
            {
                "TF_CONFIG": json.dumps(
                    {
                        "cluster": {"worker": list(hosts)},
                        "task": {"type": "worker", "index": index},
                    }
                )
            }
            for index in range(len(hosts))
        ]
    processes = [
        subprocess.Popen(
            alone, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for environment in environments
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return [json.loads(output.splitlines()[-1]) for output in outputs]


@pytest.mark.parametrize("name", ["vae", pytest.param("flexae_sr", marks=pytest.mark.slow)])
def test_two_workers_give_the_losses_of_one(name):
    """Statistics agree only if batch normalization is synchronized over the workers."""
    (alone,) = losses(name)
    first, second = losses(name, [f"127.0.0.1:{port}" for port in launch.free_ports(2)])
    assert first == second
    for expected, received in zip(alone["losses"], first["losses"], strict=True):
        assert received == pytest.approx(expected, rel=1e-4, abs=1e-6)
    for expected, received in zip(alone["statistics"], first["statistics"], strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-3)


def start(run_dir, *flags):
    """Starts two workers on a run directory."""
    return [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in launch.commands(2, [*FLAGS, f"--run_dir={run_dir}", *flags])
    ]


def wait_for(process, beginning):
    """Reads what a worker says up to a line that begins so."""
    for line in process.stderr:
        if line.startswith(beginning):
            return
    raise AssertionError(f"the worker ended before {beginning!r}")


def finish(processes):
    """The exit statuses of workers and what else they said."""
    texts = [process.communicate(timeout=600)[1] for process in processes]
    return [process.returncode for process in processes], texts


@pytest.mark.slow
def test_the_death_of_either_worker_ends_the_other_and_a_restart_loses_nothing(tmp_path):
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    for victim, seen in ((0, "3/8"), (1, "5/8")):
        workers = start(disturbed)
        wait_for(workers[1 - victim], seen)
        workers[victim].kill()
        statuses, texts = finish(workers)
        assert statuses[victim] == -signal.SIGKILL
        assert statuses[1 - victim] == 69
        last = texts[1 - victim].splitlines()[-1]
        assert last.startswith("error: another worker ended")
        assert "Traceback" not in texts[1 - victim]
    (*_, before, newest) = checkpoints.iterations(disturbed / "checkpoints")
    os.truncate(disturbed / "checkpoints" / f"ckpt-{newest}.data-00000-of-00001", 1000)
    statuses, texts = finish(start(disturbed))
    assert statuses == [0, 0]
    for text in texts:  # both go on from the checkpoint that the chief could read
        assert f"\n{before + 1}/8 " in text
        assert f"\n{before}/8 " not in text
    assert finish(start(undisturbed))[0] == [0, 0]
    assert faults.same_weights(disturbed / "checkpoints", undisturbed / "checkpoints")


@pytest.mark.slow
def test_two_workers_validate_and_reduce_rates_as_one(tmp_path):
    # Adam's first steps are signs, which rounding decides where a gradient is none; not with these.
    epsilons = [f"--{player}_epsilon=1000" for player in PLAYERS]
    flags = [*HALVED, "--seed=3", *epsilons]
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert finish(start(together, *flags))[0] == [0, 0]
    assert train(alone, "--training_steps=8", *flags).returncode == 0
    kept = [json.loads((p / "checkpoints/best/best.json").read_text()) for p in (alone, together)]
    assert kept[0]["iteration"] == kept[1]["iteration"]
    assert kept[0]["validation_error"] == pytest.approx(kept[1]["validation_error"], rel=1e-3)
    plateaus = [runs.load_method(p).players["autoencoder"].plateau for p in (alone, together)]
    assert plateaus[0].learning_rate == plateaus[1].learning_rate == np.float32(1e-4)
    # Started again, both workers have the state: a third measurement halves once more.
    assert finish(start(together, *flags, "--training_steps=9"))[0] == [0, 0]
    plateau = runs.load_method(together).players["autoencoder"].plateau
    assert plateau.learning_rate == np.float32(5e-5)


@pytest.mark.slow
def test_a_signal_to_one_worker_stops_all_at_the_same_iteration(tmp_path):
    workers = start(tmp_path, "--training_steps=100000")
    wait_for(workers[0], "3/")
    workers[1].terminate()
    outputs = [process.communicate(timeout=600)[0] for process in workers]
    assert [process.returncode for process in workers] == [143, 143]
    assert outputs[0] == outputs[1]
    assert f"stopped by SIGTERM at iteration {runs.load(tmp_path).iteration};" in outputs[0]


@pytest.mark.slow
def test_the_hours_of_all_workers_end_together_and_only_the_chief_writes(tmp_path):
    workers = start(tmp_path / "run", "--training_steps=100000", "--max_hours=1e-9")
    assert finish(workers)[0] == [75, 75]
    assert checkpoints.iterations(tmp_path / "run" / "checkpoints") == [2]
    assert len(list((tmp_path / "run" / "train").glob("events*"))) == 1
