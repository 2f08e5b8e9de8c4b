"""Run directories: settings that must agree, the lock, and loading a trained model back."""

import dataclasses
import functools
import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from absl import flags

import flexae_tf
from flexae_tf import data, runs, settings
from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.evaluation.protocol import STANDARD
from flexae_tf.evaluation.run_evaluation import choose_iterations
from flexae_tf.runs import RunDirectory
from flexae_tf.training.trainer import Trainer

CHOSEN = {"dataset": "digits", "data_dir": None, "xla": False, "seed": 3, "rate": 1e-5}
FREE = {"xla", "data_dir"}


def dataset(fingerprint="f" * 64):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), np.uint8)
    return Dataset(
        name="made up",
        train=images[:20],
        test=images[20:],
        train_labels=None,
        test_labels=None,
        label_names=(),
        fingerprint=fingerprint,
    )


@pytest.fixture
def run(tmp_path):
    """A run directory with adopted settings."""
    run = RunDirectory(tmp_path / "run")
    run.create()
    run.adopt(CHOSEN, FREE, dataset())
    return run


def contents(run):
    return {path.name: path.read_text() for path in run.path.iterdir() if path.is_file()}


def test_a_new_run_records_its_settings_and_origin(run):
    assert run.read_flags() == {"dataset": "digits", "xla": "false", "seed": "3", "rate": "1e-05"}
    recorded = run.read_provenance()
    assert recorded["data_fingerprint"] == "f" * 64
    assert recorded["data_shape"] == [8, 8, 1]
    assert recorded["python"] == ".".join(map(str, sys.version_info[:3]))
    assert recorded["versions"]["numpy"] == np.__version__
    assert set(contents(run)) == {"flags.cfg", "run.json"}


def test_the_same_settings_are_adopted_again(run):
    before = contents(run)
    run.adopt(dict(CHOSEN), FREE, dataset())
    assert contents(run) == before


def test_free_flags_may_change_and_are_recorded(run):
    run.adopt(CHOSEN | {"xla": True, "data_dir": "elsewhere"}, FREE, dataset())
    assert run.read_flags()["xla"] == "true"
    assert run.read_flags()["data_dir"] == "elsewhere"


def test_a_run_from_before_there_was_a_flag_goes_on_with_its_default(run):
    known = {"pad": None, "validation_images": 0, "keep_best": False, "method": "ae"}
    known |= {"variant": "paper", "autoencoder_schedule": "constant", "autoencoder_epsilon": 1e-8}
    flags_then = CHOSEN | {"method": "ae", "variant": "paper"}
    run.flags_file.unlink()
    run.run_file.unlink()
    run.adopt(flags_then, FREE, dataset())
    with pytest.raises(UserError, match=r"flags \(--validation_images=0 there, 5 now\)"):
        run.adopt(flags_then | known | {"validation_images": 5}, FREE, dataset())
    run.adopt(flags_then | known, FREE, dataset())
    assert run.read_flags()["autoencoder_schedule"] == "constant"


def test_differing_flags_are_named_and_nothing_changes(run):
    before = contents(run)
    with pytest.raises(UserError) as error:
        run.adopt(CHOSEN | {"seed": 4, "xla": True, "image_size": 32}, FREE, dataset())
    assert "--seed=3 there, 4 now" in str(error.value)
    assert "--image_size=unset there, 32 now" in str(error.value)
    assert "xla" not in str(error.value)
    assert f"--run_dir={run.path}" in str(error.value)
    assert contents(run) == before


def test_a_run_from_before_there_was_a_flag_keeps_its_former_value(tmp_path):
    of_vae = {"method": "vae", "variant": "paper", "networks": "rae"}
    run = RunDirectory(tmp_path)
    run.create()
    run.adopt(of_vae, FREE, dataset())
    with pytest.raises(UserError, match=r"other flags \(--sigma=softplus there, exp_tanh now\)"):
        run.adopt(of_vae | {"sigma": "exp_tanh"}, FREE, dataset())
    run.adopt(of_vae | {"sigma": "softplus"}, FREE, dataset())
    assert run.read_flags()["sigma"] == "softplus"


def test_other_data_are_refused_and_nothing_changes(run):
    before = contents(run)
    with pytest.raises(UserError, match="fingerprint ffffffffffff there, aaaaaaaaaaaa now"):
        run.adopt(CHOSEN, FREE, dataset("a" * 64))
    assert contents(run) == before


@pytest.mark.parametrize("damage", ["not JSON", "", "{}", "null", "[]"])
def test_a_damaged_run_file_is_refused(run, damage):
    run.run_file.write_text(damage)
    with pytest.raises(UserError, match=r"run\.json is damaged"):
        run.adopt(CHOSEN, FREE, dataset())
    assert run.run_file.read_text() == damage


def test_a_run_without_its_flags_is_refused(run):
    run.flags_file.unlink()
    with pytest.raises(UserError, match=r"is not a run directory.*flags\.cfg"):
        run.adopt(CHOSEN, FREE, dataset())
    with pytest.raises(UserError, match=r"is not a run directory.*flags\.cfg"):
        runs.load(run.path)


def test_flags_of_bytes_that_are_no_text_are_refused(run):
    run.flags_file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"is not a run directory.*flags\.cfg"):
        run.read_flags()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write --run_dir=.*file/run: Not a directory"):
        RunDirectory(tmp_path / "file" / "run").create()


def test_the_lock_is_released_at_the_end(run):
    with run.lock(), pytest.raises(UserError, match="another process"), run.lock():
        pass
    with run.lock():
        pass


_HOLD = """
import sys
from flexae_tf.runs import RunDirectory
with RunDirectory(sys.argv[1]).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_another_process_lasts_as_long_as_it_lives(run):
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(UserError, match=f"another process .*--run_dir={run.path}"):
                run.lock().__enter__()
        finally:
            other.send_signal(signal.SIGKILL)
    with run.lock():
        pass


TRAINING = [
    "--method=flexae",
    "--latent_dim=3",
    "--critic_steps=1",
    "--batch_size=4",
    "--training_steps=2",
    "--checkpoint_every_steps=1",
    "--picture_every_steps=100",
    "--test_images=10",
    "--data_dir=a folder with spaces = and a sign",
]


def parsed(*arguments):
    values = flags.FlagValues()
    settings.define_flags(values)
    values(["program", *arguments])
    return values


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(run directory, trainer) of two iterations of FlexAE on 8 x 8 images."""
    values = parsed(*TRAINING)
    shape = dataset().shape
    run = RunDirectory(tmp_path_factory.mktemp("trained"))
    run.create()
    run.adopt(settings.resolved(shape, values), settings.FREE, dataset())
    build = functools.partial(settings.build_method, shape, values)
    trainer = Trainer(build, dataset(), settings.trainer_options(values), run)
    trainer.train()
    return run, trainer


def test_flags_of_a_run_are_a_flagfile(trained):
    run, _ = trained
    again = settings.resolved(dataset().shape, parsed(f"--flagfile={run.flags_file}"))
    assert again == settings.resolved(dataset().shape, parsed(*TRAINING))
    run.adopt(again, settings.FREE, dataset())


def test_a_loaded_model_is_the_trained_one(trained):
    run, trainer = trained
    loaded = runs.load(run.path)
    assert loaded.iteration == 2
    assert loaded.path == run.path
    assert loaded.fingerprint == "f" * 64
    assert loaded.settings == settings.resolved(dataset().shape, parsed(*TRAINING))
    x = dataset().test
    for ours, theirs in (
        (loaded.model.encode(x), trainer.method.model.encode(x)),
        (loaded.model.reconstruct(x), trainer.method.model.reconstruct(x)),
        (loaded.model.sample(7, seed=1), trainer.method.model.sample(7, seed=1)),
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_runs_of_different_precision_in_one_process(trained, tmp_path):
    run, trainer = trained
    mixed = RunDirectory(tmp_path)
    mixed.create()
    values = parsed(*TRAINING, "--precision=mixed_bfloat16")
    mixed.adopt(settings.resolved(dataset().shape, values), settings.FREE, dataset())
    trainer.saving.state.write(str(mixed.checkpoints / "ckpt-2"))
    lower, full = runs.load(mixed.path), runs.load(run.path)
    assert lower.settings["precision"] == "mixed_bfloat16"
    assert full.settings["precision"] == "float32"
    x, z = dataset().test, trainer.method.model.encode(dataset().test)
    np.testing.assert_array_equal(full.model.encode(x), z)
    rounded = lower.model.encode(x)
    assert rounded.dtype == np.float32
    assert 0 < np.abs(rounded - z).max() < 0.05 * np.abs(z).max()


def test_a_run_of_before_precision_is_one_in_float32_and_may_be_resumed_in_another(tmp_path):
    run = RunDirectory(tmp_path)
    run.create()
    now = settings.resolved(dataset().shape, parsed(*TRAINING))
    run.adopt({k: v for k, v in now.items() if k != "precision"}, settings.FREE, dataset())
    assert settings.parse(run.read_flags()).precision == "float32"
    values = parsed(*TRAINING, "--precision=mixed_float16")
    run.adopt(settings.resolved(dataset().shape, values), settings.FREE, dataset())
    assert settings.parse(run.read_flags()).precision == "mixed_float16"


def test_an_earlier_checkpoint_can_be_loaded(trained):
    run, trainer = trained
    loaded = runs.load(run.path, checkpoint=1)
    assert loaded.iteration == 1
    x = dataset().test
    assert (loaded.model.encode(x) != trainer.method.model.encode(x)).any()


def test_a_checkpoint_that_is_not_there_is_refused(trained):
    with pytest.raises(UserError, match=r"cannot read the checkpoint .*ckpt-7"):
        runs.load(trained[0].path, checkpoint=7)


def test_a_run_that_has_no_checkpoint_yet_is_refused(tmp_path, trained):
    run = RunDirectory(tmp_path)
    run.create()
    for file in (trained[0].flags_file, trained[0].run_file):
        (run.path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(UserError, match="has no checkpoint yet: train it first"):
        runs.load(run.path)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is not a run directory of flexae_tf\.train"):
        runs.load(tmp_path)
    with pytest.raises(UserError, match=r"is not a run directory of flexae_tf\.train"):
        runs.load(tmp_path / "missing")


def test_the_data_of_a_run_must_be_those_it_was_trained_on(trained):
    loaded = runs.load(trained[0].path)
    digits = data.load("digits")
    resolved = loaded.settings | {"dataset": "digits", "data_dir": None}
    with pytest.raises(UserError, match=f"fingerprint {digits.fingerprint[:12]}, there ffff"):
        dataclasses.replace(loaded, settings=resolved).load_dataset()
    same = dataclasses.replace(loaded, settings=resolved, fingerprint=digits.fingerprint)
    np.testing.assert_array_equal(same.load_dataset().train, digits.train)


def test_run_files_hold_nothing_but_text(trained):
    run, _ = trained
    assert all(line.startswith("--") for line in run.flags_file.read_text().splitlines())
    assert json.loads(run.run_file.read_text())["data_shape"] == [8, 8, 1]


def test_the_best_checkpoint_is_loaded_by_name_and_by_its_iteration(trained, tmp_path):
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(trained[0].path, run.path)
    with pytest.raises(UserError, match=r"best has no checkpoint: train with --keep_best"):
        runs.load(run.path, "best")
    run.best.mkdir()
    for path in run.checkpoints.glob("ckpt-1.*"):
        path.rename(run.best / path.name)
    assert choose_iterations(run.path, STANDARD, "best") == [1]
    assert choose_iterations(run.path, STANDARD, "all") == [2]
    expected = runs.load(trained[0].path, 1).model.encode(dataset().test)
    for checkpoint in ("best", 1):
        loaded = runs.load(run.path, checkpoint)
        assert loaded.iteration == 1
        np.testing.assert_array_equal(loaded.model.encode(dataset().test), expected)
    np.testing.assert_array_equal(
        flexae_tf.load(run.path, checkpoint="best").encode(dataset().test), expected
    )
    assert runs.load(run.path).iteration == 2
