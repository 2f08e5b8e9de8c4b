"""Rows of a folder of configs; and a table of two of them through the command line."""

import json
import os
import subprocess
import sys

import pytest

from flexae_tf.errors import UserError
from flexae_tf.experiments import config_table

SMALL = ["--training_steps=2", "--batch_size=4", "--picture_every_steps=2", "--test_images=4"]


@pytest.fixture
def configs(tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "base.cfg").write_text("--dataset=digits\n")
    for name in ("ae", "vae"):
        text = f"--flagfile={folder}/base.cfg\n--method={name}\n--seed=7\n--latent_dim=4\n"
        (folder / f"{name}.cfg").write_text(text)
    return folder


def names(tmp_path, configs, seeds):
    return [row.name for row in config_table.rows(tmp_path, configs, seeds, SMALL, [])]


def test_all_configs_with_their_first_seed_come_first(tmp_path, configs):
    assert names(tmp_path, configs, {"": [0], "vae": [0, 1, 2]}) == [
        "ae-0",
        "vae-0",
        "vae-1",
        "vae-2",
    ]
    assert names(tmp_path, configs, {"": [5]}) == ["ae-5", "vae-5"]


def test_flags_override_the_config(tmp_path, configs):
    row = config_table.rows(tmp_path, configs, {"": [3]}, SMALL, ["--count=10"])[1]
    values = row.training.values
    assert (values.method, values.dataset, values.seed) == ("vae", "digits", 3)
    assert values.training_steps == 2
    train, evaluate = row.commands()
    assert train.arguments[2] == "flexae_tf.train"
    assert evaluate.arguments[-1] == "--count=10"
    assert row.result() is None


def test_a_row_that_was_trained_on_since_is_measured_again(tmp_path, configs):
    row = config_table.rows(tmp_path, configs, {"": [0]}, SMALL, [])[0]
    directory = row.training.directory
    directory.create()
    (directory.checkpoints / "ckpt-2.index").touch()
    row.result_file.parent.mkdir()
    # The best checkpoint of a run of two iterations.
    row.result_file.write_text(json.dumps([{"checkpoint": 1, "trained_steps": 2}]))
    assert row.result() == {"checkpoint": 1, "trained_steps": 2}
    assert row.next_command() is None
    (directory.checkpoints / "ckpt-4.index").touch()
    assert row.result() is None
    assert row.next_command() == row.commands()[1]


def test_mistakes(tmp_path, configs):
    with pytest.raises(UserError, match=r"no config 'rae' .* ae, vae"):
        config_table.rows(tmp_path, configs, {"": [0], "rae": [0]}, SMALL, [])
    with pytest.raises(UserError, match=r"expected a folder with \.cfg files"):
        config_table.rows(tmp_path, tmp_path, {"": [0]}, SMALL, [])


@pytest.mark.slow
def test_trained_and_measured_by_one_command(tmp_path, configs):
    command = [sys.executable, "-m", "tools.config_table", f"--configs={configs}"]
    command += [f"--output_dir={tmp_path / 'table'}", "--seeds=2", "--several=ae"]
    command += ["--densities=n", "--evaluate=--features=pixels --count=20", "--", *SMALL]
    environment = os.environ | {"FLEXAE_TF_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "table" / "tables.json").read_text())
    assert [(row["model"], row["seed"]) for row in rows] == [("AE", 0), ("VAE", 0), ("AE", 1)]
    assert rows[0]["settings"] == rows[2]["settings"] != rows[1]["settings"]
    ae, _ = [line for line in done.stdout.splitlines() if line.startswith("| digits | AE | 2")]
    mean = (rows[0]["rec"] + rows[2]["rec"]) / 2
    assert f"| {mean:.2f} ± " in ae
    again = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "flexae_tf.train" not in again.stderr  # all is there
    assert again.stdout == done.stdout
