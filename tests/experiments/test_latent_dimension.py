"""The slides' study of the latent dimension: what it trains, and what it is turned into."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from flexae_tf import settings
from flexae_tf.errors import UserError
from flexae_tf.experiments import claims, latent_dimension, synthetic_measures
from flexae_tf.experiments.training_run import parse

STUDY = latent_dimension.narrowed(latent_dimension.STUDIES["5a"], ["32", "4"], [])
PLAYERS = ("autoencoder", "latent_critic", "encoder")


def made_up(runs):
    """{m: what `claims.summary` says} of curves that end in m plus the seed, over the model."""
    found = {}
    for m, of_m in runs.items():
        curves = {}
        for task in of_m:
            end = (m + task.seed) / (1 + STUDY.models.index(task.model))
            curve = {name: [2 * end, end] for name in synthetic_measures.MEASURES}
            curves.setdefault(task.model, {})[task.seed] = {"iterations": [1, 2]} | curve
        found[m] = claims.summary(curves, synthetic_measures.MEASURES)
    return found


def test_models_have_the_same_data_networks_and_rates(tmp_path):
    runs = latent_dimension.tasks(STUDY, [0], tmp_path, 8, 4)
    assert list(runs) == [4, 32]
    names = [task.name for task in runs[32]]
    assert names == ["m32-wae_normal-seed0", "m32-mask_aae-seed0", "m32-flexae-seed0"]
    resolved = [settings.resolved((128,), task.training.values) for task in runs[32]]
    for name in set.intersection(*(set(each) for each in resolved)) - {"method"}:
        values = {each[name] for each in resolved}
        assert len(values) == 1, name
    assert resolved[1]["latent_dim"] == 32
    assert resolved[1]["dataset"] == "synthetic8d"
    # They are those that MaskAAE has of itself as released.
    own = parse(["--method=mask_aae", "--variant=released", "--dataset=synthetic8d"])
    own = settings.method_settings((128,), own)
    for name in (name for name in own if name.startswith(PLAYERS)):
        assert resolved[0][name] == own[name], name


def test_the_masks_schedule_ends_with_the_run():
    # c = 2 / 32 doubles 15 times up to 2048, every 4 I.
    assert latent_dimension.mask_interval(32, 20_000) == 333
    assert latent_dimension.mask_interval(32, 500_000) == 3600
    assert latent_dimension.mask_interval(16, 20_000) == 75
    assert latent_dimension.mask_interval(4, 8) == 1


def test_only_some_dimensions_and_models():
    study = latent_dimension.narrowed(STUDY, ["64", "8"], ["mask_aae", "wae_normal"])
    assert study.latent_dims == (8, 64)
    assert study.models == ("wae_normal", "mask_aae")
    claim = ("frechet_distance", "mask_aae", "wae_normal")
    assert study.experiment(64, 8).claims == (claim,)
    assert study.experiment(8, 8).claims == ()  # m = n: there is nothing to mask
    with pytest.raises(UserError, match="--latent_dims must be numbers above 0; received '8,0'"):
        latent_dimension.narrowed(STUDY, ["8", "0"], [])
    with pytest.raises(UserError, match="--models must be of wae_normal, "):
        latent_dimension.narrowed(STUDY, [], ["vae"])


def test_figure_and_table(tmp_path, monkeypatch):
    runs = latent_dimension.tasks(STUDY, [0, 1], tmp_path, 8, 4)
    found = made_up(runs)
    text = latent_dimension.table(found)
    assert text.index("m = 4") < text.index("m = 32")
    assert "16.2 ± 0.35" in text  # MaskAAE, m = 32: 32 / 2 and 33 / 2
    flags = {"latent_dim": "4"}
    for of_m in runs.values():
        for task in of_m:
            monkeypatch.setattr(task.training.directory, "read_flags", lambda: flags)
            monkeypatch.setattr(task, "curves", lambda: {"iterations": [2]})
    paths = latent_dimension.write(STUDY, runs, found, tmp_path)
    assert [path.name for path in paths] == ["figure5a.png", "figure5a.svg", "figure5a.json"]
    assert len(np.unique(np.asarray(Image.open(paths[0]).convert("RGB")))) > 50
    record = json.loads(paths[2].read_text())
    assert record["true_dim"] == 8
    assert record["final"]["32"]["mask_aae"]["active_dimensions"]["mean"] == 16.25
    assert len(record["runs"]) == 2 * 2 * 3


@pytest.mark.slow
def test_a_study_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "tools.synthetic", "--figure=5b", f"--output_dir={tmp_path}"]
    command += ["--latent_dims=16,32", "--models=mask_aae", "--seeds=0", "--training_steps=3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (tmp_path / "figure5b.png").is_file()
    record = json.loads((tmp_path / "figure5b.json").read_text())
    assert record["final"]["32"]["mask_aae"]["active_dimensions"]["mean"] > 16
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout == done.stdout
    refused = [*command, "--encoder_learning_rate=1e-4"]
    done = subprocess.run(refused, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --encoder_learning_rate")
