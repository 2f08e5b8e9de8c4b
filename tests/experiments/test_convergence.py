"""The comparison of methods at the end of training: what is measured, and what is said of it."""

import json

import numpy as np
import pytest
from PIL import Image

from flexae_tf.experiments import convergence

SEEDS = (0, 1)


def made_up(ends, iterations=(500, 1000, 2000), scale=0.1):
    """{model: {seed: curves}}: N is the end at the last checkpoint and twice the end before."""
    found = {}
    for model, end in ends.items():
        found[model] = {}
        of_model = iterations[-1:] if convergence.MODELS[model].only_at_the_end else iterations
        for seed in SEEDS:
            value = end + scale * seed
            values = [2 * value] * (len(of_model) - 1) + [value]
            found[model][seed] = {"iterations": list(of_model)}
            found[model][seed] |= dict.fromkeys(convergence.TITLES, values)
    return found


@pytest.fixture
def configs(tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    for name in ("two_stage_vae", "rae_l2", "vae"):
        method = name.removesuffix("_l2")
        text = (
            f"--dataset=digits\n--method={method}\n--keep_every_steps=500\n--training_steps=1500\n"
        )
        (folder / f"{name}.cfg").write_text(text)
    return folder


def test_checkpoints_and_densities_of_each_model(tmp_path, configs):
    runs = convergence.all_runs(tmp_path, configs, 2, ["--batch_size=4"], ["--count=10"])
    assert [run.name for run in runs[:4]] == ["rae_l2-0", "two_stage_vae-0", "vae-0", "rae_l2-1"]
    rae, two_stage, vae = (run.commands()[1].arguments for run in runs[:3])
    assert rae[-3:] == ["--checkpoints=500,1000,1500", "--density=gmm", "--count=10"]
    assert two_stage[-3:] == ["--checkpoints=1500", "--density=own", "--count=10"]
    assert vae[-3:] == ["--checkpoints=500,1000,1500", "--density=own", "--count=10"]
    assert "--run_dir=" + str(tmp_path / "runs" / "vae-0") in vae


def test_a_result_has_all_checkpoints(tmp_path, configs):
    run = convergence.all_runs(tmp_path, configs, 1, [], [])[0]
    assert run.result() is None
    run.result_file.parent.mkdir()
    lines = [
        json.dumps({"checkpoint": i, "metrics/generation/fid": abs(i - 1100) / 100})
        for i in run.iterations
    ]
    run.result_file.write_text("\n".join(lines[:2]))
    assert run.result() is None
    run.result_file.write_text("\n".join(lines))
    assert run.result() == {
        "iterations": [500, 1000, 1500],
        "generation/fid": [6.0, 1.0, 4.0],
        "generation/best_fid": [6.0, 1.0, 1.0],
    }
    assert convergence.curves([run]) == {"rae_l2": {0: run.result()}}


def test_from_when_a_claim_holds():
    claim = ("generation/fid", "flexae_sr", "vae")
    # At 500 and 1000: 2 against 6; at the end 1 against 3.
    assert convergence.holds_from(made_up({"flexae_sr": 1, "vae": 3}), claim) == 500
    assert convergence.holds_from(made_up({"flexae_sr": 3, "vae": 1}), claim) is None
    crossing = made_up({"flexae_sr": 1, "vae": 3})
    for seed in SEEDS:
        crossing["flexae_sr"][seed]["generation/fid"] = [9.0, 3.0, 1.0]
        crossing["vae"][seed]["generation/fid"] = [2.0, 5.0, 4.0]
    assert convergence.holds_from(crossing, claim) == 1000
    # The second stage's end, 3, counts throughout: 2 N at 500 is 4, the end 2.
    ended = made_up({"flexae_sr": 2, "two_stage_vae": 3})
    assert convergence.holds_from(ended, (claim[0], "flexae_sr", "two_stage_vae")) == 2000


def test_table_and_sentences():
    measured = made_up({"flexae_sr": 1, "vae": 3, "two_stage_vae": 0.5})
    text = convergence.markdown(measured)
    row = next(line for line in text.splitlines() if line.startswith("| FlexAE-SR"))
    spread = f"1.05 ± {np.sqrt(0.005):.2g}"
    assert row == f"| FlexAE-SR | 2 | 2,000 | {' | '.join([spread] * 6)} | -50 % (1,000) |"
    assert "| 2-stage VAE | 2 | 2,000 |" in text
    said = convergence.sentences(measured)
    assert len(said) == 5
    assert said[0].startswith("yes: N of FlexAE-SR is below that of VAE: difference 2, spread 0.1")
    assert said[0].endswith("; from iteration 500 on")
    assert said[1].startswith("no: N of FlexAE-SR is below that of 2-stage VAE: difference -0.5")
    assert said[2].startswith("yes: best N of FlexAE-SR is below that of VAE")
    assert said[4].startswith("yes: N of 2-stage VAE is below that of VAE")


def test_every_claim_is_of_models_and_measures_that_there_are():
    for measure, lower, higher in convergence.CLAIMS:
        assert measure in convergence.TITLES
        assert {lower, higher} <= set(convergence.MODELS)


def test_files(tmp_path):
    measured = made_up({"flexae_sr": 1, "two_stage_vae": 3})
    paths = convergence.write(measured, [], tmp_path)
    names = ["table.md", "curves.json", "generation.png", "reconstruction.png"]
    assert [path.name for path in paths] == names
    assert json.loads(paths[1].read_text())["claims"] == convergence.sentences(measured)
    for path in paths[2:]:
        assert len(np.unique(np.asarray(Image.open(path)))) > 20
