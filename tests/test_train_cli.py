"""The program through its command line, on the data it comes with."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from flexae_tf import runs
from tests import faults, tiny

SMALL = [
    "--dataset=digits",
    "--width_multiplier=0.125",
    "--latent_dim=4",
    "--batch_size=4",
    "--log_every_steps=1",
    "--checkpoint_every_steps=2",
    "--picture_every_steps=100",
    "--test_images=10",
]
FLEXAE_SR = ["--method=flexae_sr", "--critic_steps=1"]  # six players
VAE = "--method=vae"  # where the method does not matter, since its first iteration comes soon
PROGRESS = re.compile(r"\d+/\d+  [\d.]+ s/it  [\d:]+ left  \w+ |iteration \d+: test reconstruct")


def command(run_dir, *flags):
    method = [] if any(flag.startswith("--method=") for flag in flags) else FLEXAE_SR
    run = [*SMALL, *method, f"--run_dir={run_dir}"]
    return [sys.executable, "-m", "flexae_tf.train", *run, *flags]


def train(run_dir, *flags):
    return subprocess.run(command(run_dir, *flags), capture_output=True, text=True, check=False)


def error_of(done):
    """The line that a user's mistake ends with; checks the exit status and the lines before."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert done.stderr.splitlines()[-1] == lines[0]
    assert foreign(done) == lines
    return lines[0]


def foreign(done):
    """Lines on standard error that do not report on the training."""
    return [line for line in done.stderr.splitlines() if not PROGRESS.match(line)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("run") / "digits"
    done = train(run_dir, "--training_steps=5", "--picture_every_steps=5")
    assert done.returncode == 0, done.stderr
    return run_dir, done


def test_leaves_a_run_directory_and_names_the_grid(finished):
    run_dir, done = finished
    grid = done.stdout.strip().rsplit(" ", 1)[1]
    assert pathlib.Path(grid) == run_dir / "samples" / "generated-0000005.png"
    assert pathlib.Path(grid).read_bytes().startswith(b"\x89PNG")
    names = {path.name for path in (run_dir / "samples").iterdir()}
    kinds = ("real", "reconstructed", "generated", "interpolated")
    assert names == {f"{kind}-0000005.png" for kind in kinds}
    provenance = json.loads((run_dir / "run.json").read_text())
    assert provenance["versions"]["tensorflow"]
    assert provenance["data_shape"] == [16, 16, 1]


def test_says_its_progress_on_standard_error_and_nothing_else(finished):
    _, done = finished
    assert foreign(done) == []
    assert len(done.stderr.splitlines()) == 6  # of five iterations, and the test error


def test_writes_one_scalar_per_player_to_tensorboard(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run_dir, _ = finished
    events = EventAccumulator(str(run_dir / "train")).Reload()
    tags = set(events.Tags()["tensors"])
    players = runs.load_method(run_dir).players
    assert len(players) == 6
    for player in players:
        assert {f"loss/{player}", f"gradient_norm/{player}"} <= tags
        assert [event.step for event in events.Tensors(f"loss/{player}")] == [1, 2, 3, 4, 5]
    assert {
        "gap/latent_critic",
        "gap/image_critic",
        "speed/iterations_per_second",
        "test/reconstruction_error",
        "test/reconstruction_error_batch_statistics",
        "flags",
        "images/real",
        "images/reconstructed",
        "images/generated",
        "images/interpolated",
    } <= tags


def test_its_flags_file_repeats_the_run(finished, tmp_path):
    run_dir, _ = finished
    flags = ["--flagfile=" + str(run_dir / "flags.cfg"), f"--run_dir={tmp_path / 'again'}"]
    done = subprocess.run(
        [sys.executable, "-m", "flexae_tf.train", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected, received = (runs.load_method(path) for path in (run_dir, tmp_path / "again"))
    tiny.assert_equal_weights(received, expected)


def test_other_flags_on_the_same_run_are_refused_and_named(finished):
    run_dir, _ = finished
    before = (run_dir / "flags.cfg").read_text()
    message = error_of(train(run_dir, "--training_steps=5", "--batch_size=8", "--seed=3"))
    assert "--batch_size=4 there, 8 now" in message
    assert "--seed=0 there, 3 now" in message
    assert (run_dir / "flags.cfg").read_text() == before


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--trainingsteps=5"], "trainingsteps"),
        (["--dataset=imagenet"], "digits"),
        (["--method=stylegan"], "flexae, flexae_sr"),
        (["--method=flexae", "--smoothing_beta_1=0.5"], "no setting of --method=flexae"),
        (["--batch_size=0"], "at least 1"),
        (["--flagfile=configs/missing.cfg"], "configs/missing.cfg"),
        (["--dataset=mnist", "--data_dir=nowhere"], "--data_dir"),
        (["more"], "unexpected argument"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, flags, expected):
    assert expected in error_of(train(tmp_path / "run", *flags))
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_sigterm_saves_and_the_same_command_goes_on(tmp_path):
    process = subprocess.Popen(
        command(tmp_path, VAE, "--training_steps=1000000"), stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line.startswith("3/"):
            process.send_signal(signal.SIGTERM)
            break
    process.stderr.read()
    assert process.wait() == 128 + signal.SIGTERM
    stopped = runs.load(tmp_path).iteration
    assert stopped >= 3
    done = train(tmp_path, VAE, f"--training_steps={stopped + 1}")
    assert done.returncode == 0
    assert f"{stopped + 1}/{stopped + 1}" in done.stderr
    assert f"{stopped}/{stopped + 1}" not in done.stderr


def killed_and_undisturbed(tmp_path, steps, kills, seed, *flags):
    """Trains twice, once killed `kills` times at random moments; returns both methods.

    A moment is a random fraction of two seconds after a random line of the program's output, its
    very first included, which comes before training starts.
    """
    chance = random.Random(seed)
    for _ in range(kills):
        process = subprocess.Popen(
            command(tmp_path / "killed", f"--training_steps={steps}", *flags),
            stderr=subprocess.PIPE,
            text=True,
        )
        iterations, stop_after = 0, chance.randint(0, 4)
        for line in process.stderr:
            iterations += "s/it" in line
            if iterations >= stop_after:
                break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 2))
        process.kill()
        process.wait()
        process.stderr.close()
    for name in ("killed", "undisturbed"):
        assert train(tmp_path / name, f"--training_steps={steps}", *flags).returncode == 0
    return [runs.load_method(tmp_path / name) for name in ("killed", "undisturbed")]


@pytest.mark.slow
def test_sigkill_and_restart_end_with_identical_weights(tmp_path):
    tiny.assert_equal_weights(*killed_and_undisturbed(tmp_path, steps=8, kills=2, seed=0))


@pytest.mark.slow
def test_ten_sigkills_end_with_identical_weights(tmp_path):
    tiny.assert_equal_weights(*killed_and_undisturbed(tmp_path, steps=40, kills=10, seed=1))


# Every measurement but the first halves the rate.
HALVED = [
    "--validation_images=50",
    "--validate_every_steps=3",
    "--autoencoder_schedule=plateau:factor=0.5,patience=1,min_delta=100000",
    "--keep_best",
]


@pytest.mark.slow
def test_ten_sigkills_around_halvings_end_with_identical_weights(tmp_path):
    methods = killed_and_undisturbed(tmp_path, 40, 10, 2, *HALVED)
    tiny.assert_equal_weights(*methods)
    states = [method.players["autoencoder"].plateau.state for method in methods]
    np.testing.assert_array_equal(*states)
    assert float(states[0][0]) == np.float32(2e-4) / 2**12  # 13 measurements
    kept = [tmp_path / name / "checkpoints" / "best" for name in ("killed", "undisturbed")]
    assert len({(path / "best.json").read_text() for path in kept}) == 1
    assert faults.same_weights(*kept)


# Three phases of twelve iterations, in the first six of which a block fades in.
GROWING = [
    *("--method=pioneer", "--networks=pioneer", "--width_multiplier=0.03125"),
    *("--phase_steps=12", "--training_steps=36"),
]


@pytest.mark.slow
def test_sigkills_in_fade_ins_end_with_identical_weights(tmp_path):
    for phase, iteration in ((1, 15), (2, 27)):
        process = subprocess.Popen(
            command(tmp_path / "killed", *GROWING), stderr=subprocess.PIPE, text=True
        )
        for line in process.stderr:
            if line.startswith(f"{iteration}/"):
                break
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stderr.close()
        assert 0 < float(runs.load_method(tmp_path / "killed").growth.alpha(phase)) < 1
    for name in ("killed", "undisturbed"):
        done = train(tmp_path / name, *GROWING)
        assert done.returncode == 0, done.stderr
    methods = [runs.load_method(tmp_path / name) for name in ("killed", "undisturbed")]
    assert [int(method.growth.iterations) for method in methods] == [36, 36]
    tiny.assert_equal_weights(*methods)


def test_a_second_process_is_refused(tmp_path):
    with runs.RunDirectory(tmp_path).lock():
        message = error_of(train(tmp_path, "--training_steps=1"))
    assert "another process" in message


def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path):
    assert train(tmp_path, VAE, "--training_steps=4").returncode == 0
    data = tmp_path / "checkpoints" / "ckpt-4.data-00000-of-00001"
    os.truncate(data, data.stat().st_size // 2)
    done = train(tmp_path, VAE, "--training_steps=5")
    assert done.returncode == 0, done.stderr
    assert "ckpt-4" in done.stderr
    assert "3/5" in done.stderr


def test_a_diverging_run_stops_with_the_player_and_keeps_its_checkpoint(tmp_path):
    flags = [VAE, "--training_steps=50", "--autoencoder_learning_rate=1e38"]
    message = error_of(train(tmp_path, *flags))
    assert "not finite at iteration" in message
    assert "autoencoder" in message
