"""Sweeps: axes, presets, cells and the table; and one of 2 x 2 through the command line."""

import csv
import dataclasses
import io
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from flexae_tf.errors import UserError
from flexae_tf.evaluation import paper_sweeps, sources
from flexae_tf.evaluation.protocol import RELEASED
from flexae_tf.experiments import sweep, sweep_figure, sweep_table
from flexae_tf.experiments.processes import Busy

SMALL = ["--dataset=digits", "--training_steps=4", "--batch_size=4"]


def cell(folder, train_flags=SMALL, **varied):
    return sweep.Cell(folder, varied, train_flags, ["--features=pixels"])


def pretend_trained(made, iteration, **flags):
    """Leaves what a training run leaves that a sweep looks at."""
    directory = made.training.directory
    directory.create()
    (directory.checkpoints / f"ckpt-{iteration}.index").touch()
    known = {"dataset": "mnist", "method": "wae_gan", "latent_dim": "64"} | flags
    directory.flags_file.write_text("".join(f"--{k}={v}\n" for k, v in known.items()))


def pretend_measured(made, iteration, is_inception=True, settings=None, **metrics):
    made.result_file.parent.mkdir(parents=True, exist_ok=True)
    record = {f"metrics/{k.replace('_', '/', 1)}": v for k, v in metrics.items()}
    extractor = {"name": "stub", "is_inception": is_inception}
    record |= {"checkpoint": iteration, "extractor": extractor, "density": "own"}
    record |= {"dataset": "mnist", "protocol": dataclasses.asdict(RELEASED), "settings": settings}
    made.result_file.write_text(json.dumps(record))


def test_an_axis_of_one_flag_and_of_two():
    assert sweep.parse_axis("seed=0,1") == (("seed",), [("0",), ("1",)])
    names, values = sweep.parse_axis("generator_layers/generator_width=0/,2/64")
    assert names == ("generator_layers", "generator_width")
    assert values == [("0", ""), ("2", "64")]


@pytest.mark.parametrize(
    "text", ["seed", "=1", "seed=1,1", "sed=1", "generator_layers/seed=1", "run_dir=a"]
)
def test_a_wrong_axis_is_refused(text):
    with pytest.raises(UserError, match=text.split("=")[0] or "expected"):
        sweep.parse_axis(text)


def test_table_3_by_the_data_sets_base_dimension():
    axes, further = sweep.preset("latent_dim", ["--dataset=cifar10"])
    assert axes == {
        ("latent_dim",): [("64",), ("128",), ("256",)],
        ("method",): [("wae_gan",), ("flexae_sr",)],
    }
    assert further == []
    with pytest.raises(UserError, match="--vary"):
        sweep.preset("latent_dim", ["--dataset=digits"])


def test_the_masks_of_the_slides_by_their_dimensions():
    axes, further = sweep.preset("mask", ["--dataset=mnist"])
    assert axes == {("latent_dim",): [("32",), ("64",), ("110",)], ("method",): [("mask_aae",)]}
    assert further == []
    with pytest.raises(UserError, match="--sweep=mask has no dimensions for --dataset=digits"):
        sweep.preset("mask", ["--dataset=digits"])


def test_the_capacity_ladder(tmp_path):
    axes, further = sweep.preset("generator_capacity", [])
    made = sweep.cells(tmp_path, axes, [*further, "--dataset=mnist"], [])
    assert [c.name for c in made] == [
        "generator_layers=0",
        "generator_layers=1,generator_width=64",
        "generator_layers=2,generator_width=256",
        "generator_layers=3,generator_width=512",
        "generator_layers=4,generator_width=1024",
        "generator_layers=6,generator_width=2048",
    ]
    assert all(c.training.values.train_examples == 5000 for c in made)


def test_the_figures_of_learned_priors(tmp_path):
    axes, further = sweep.preset("beta", [])
    flags = [*further, "--flagfile=configs/{method}/mnist.cfg", "--training_steps=4"]
    made = sweep.cells(tmp_path, axes, flags, [])
    assert len(made) == 3 * 6 * 5
    assert made[0].name == "method=flow_vae,likelihood=fixed_variance,beta=0,seed=0"
    assert made[0].training.values.flow_depth == 24
    assert made[-1].name == "method=learned_prior_aae,beta=1,seed=4"
    assert made[-1].training.values.flow_depth is None
    assert made[-1].training.values.likelihood is None
    assert {c.training.values.training_steps for c in made} == {4}
    axes, _ = sweep.preset("beta_latent_dim", [])
    made = sweep.cells(tmp_path, axes, ["--flagfile=configs/flow_vae/mnist.cfg"], [])
    assert len(made) == 2 * 5 * 5
    assert {c.training.values.latent_dim for c in made} == {8, 16, 32, 64, 128}


def test_seeds_are_averaged_in_table_and_figure(tmp_path):
    made = sweep.cells(
        tmp_path,
        {("beta",): [("0.5",), ("0",)], ("method",): [("vae",)], ("seed",): [("0",), ("1",)]},
        SMALL,
        [],
    )
    assert sweep_figure.write(sweep_table.collect(made), "beta", tmp_path) is None
    for each, fid in zip(made[:3], (1.0, 3.0, 7.0), strict=True):
        pretend_trained(each, 4)
        pretend_measured(each, 4, generation_fid=fid)
    rows = sweep_table.collect(made)
    lines = sweep_table.markdown(rows).splitlines()
    at = lines.index("Over seeds:")
    assert lines[at + 2 : at + 6] == [
        "| beta | method | generation/fid |",
        "| --- | --- | --- |",
        "| 0.5 | vae | 2.00 ± 1.41 |",
        "| 0 | vae | 7.00 |",
    ]
    trials = sweep_table.trials(rows)
    assert [trial.metrics["generation/fid"] for trial in trials] == [1, 3, 7]
    assert trials[1].settings == {"beta": "0.5", "method": "vae", "seed": "1"}
    path = sweep_figure.write(rows, "beta", tmp_path)
    assert path == tmp_path / "figure.png"
    with Image.open(path) as image:
        assert np.asarray(image).std() > 0


def test_cells_are_all_combinations(tmp_path):
    axes = dict(map(sweep.parse_axis, ["latent_dim=4,8", "method=wae_gan,flexae_sr"]))
    made = sweep.cells(tmp_path, axes, SMALL, ["--count=20"])
    assert [c.name for c in made] == [
        "latent_dim=4,method=wae_gan",
        "latent_dim=4,method=flexae_sr",
        "latent_dim=8,method=wae_gan",
        "latent_dim=8,method=flexae_sr",
    ]
    train, evaluate = made[2].commands()
    run_dir = f"--run_dir={tmp_path / 'runs' / made[2].name}"
    assert train.arguments[1:3] == ["-m", "flexae_tf.train"]
    assert train.arguments[3:] == [*SMALL, "--latent_dim=8", "--method=wae_gan", run_dir]
    assert evaluate.arguments[-3:] == [run_dir, "--json", "--count=20"]
    assert evaluate.output == made[2].result_file
    with pytest.raises(UserError, match="varied twice"):
        sweep.cells(tmp_path, {("seed",): [("1",)], ("seed", "variant"): [("1", "paper")]}, [], [])


def test_flags_override_a_flagfile_wherever_it_stands(tmp_path):
    flagfile = tmp_path / "a.cfg"
    flagfile.write_text("--training_steps=7\n--latent_dim=3\n")
    made = cell(tmp_path, ["--training_steps=4", f"--flagfile={flagfile}"], latent_dim="5")
    assert made.training.values.training_steps == 4
    assert made.training.values.latent_dim == 5


def test_a_value_that_does_not_parse_is_refused_before_anything_starts(tmp_path):
    with pytest.raises(UserError, match="latent_dim"):
        cell(tmp_path, latent_dim="wide")
    with pytest.raises(UserError, match="nowhere"):
        cell(tmp_path, ["--flagfile=nowhere.cfg"], seed="0")


def test_a_cell_is_trained_then_measured_then_done(tmp_path):
    made = cell(tmp_path, latent_dim="64", method="wae_gan")
    train, evaluate = made.commands()
    assert made.next_command() == train
    flags = {"dataset": "digits", "batch_size": "4", "training_steps": "4"}
    pretend_trained(made, 2, **flags)
    assert made.next_command() == train
    pretend_trained(made, 4, **flags)
    assert made.next_command() == evaluate
    pretend_measured(made, 2)  # of an earlier checkpoint
    assert made.next_command() == evaluate
    pretend_measured(made, 4)
    assert made.next_command() is None


def test_a_run_of_another_process_is_left_alone(tmp_path):
    made = cell(tmp_path, latent_dim="64", method="wae_gan")
    made.training.directory.create()
    with made.training.directory.lock(), pytest.raises(Busy):
        made.next_command()
    assert made.next_command() == made.commands()[0]


def test_a_finished_run_with_other_flags_is_refused(tmp_path):
    made = cell(tmp_path, latent_dim="64", method="wae_gan")
    pretend_trained(made, 4, dataset="digits", batch_size="8")
    with pytest.raises(UserError, match="--batch_size=8, not 4"):
        made.next_command()


def test_results_of_one_sweep_are_measured_alike(tmp_path):
    sweep.adopt(tmp_path, ["--features=pixels"])
    sweep.adopt(tmp_path, ["--features=pixels"])
    with pytest.raises(UserError, match="measured with"):
        sweep.adopt(tmp_path, [])


def test_the_table_has_the_papers_values_beside_ours(tmp_path):
    done = cell(tmp_path, latent_dim="64", method="wae_gan")
    begun = cell(tmp_path, latent_dim="64", method="flexae_sr")
    new = cell(tmp_path, latent_dim="128", method="wae_gan")
    pretend_trained(done, 4)
    row = next(r for r in sources.rows() if (r.name, r.dataset) == ("WAE, m = 2 m_b", "mnist"))
    settings = {name: value for name, value in row.settings.items() if value != ""}
    settings["validation_images"] = 0
    measures = {"reconstruction_fid": 7.125, "generation_fid": 20.0, "codes_nac": 0.5}
    pretend_measured(done, 4, settings=settings, **measures)
    pretend_trained(begun, 3, method="flexae_sr")
    rows = sweep_table.collect([done, begun, new])
    paths, text = sweep_table.write(rows, tmp_path)
    assert text.splitlines() == [
        "| latent_dim | method | reconstruction/fid | paper | generation/fid | paper | state |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| 64 | wae_gan | 7.12 | 5.61 | 20.00 | 24.58 | 4 iterations |",
        "| 64 | flexae_sr |  |  |  |  | 3 of 4 iterations |",
        "| 128 | wae_gan |  |  |  |  | not started |",
    ]
    assert paths[0].read_text() == text
    parsed = list(csv.DictReader(io.StringIO(paths[1].read_text())))
    assert parsed[0]["codes/nac"] == "0.5"
    assert parsed[0]["paper generation/fid"] == "24.58"
    assert parsed[2]["state"] == "not started"


def test_the_table_says_what_does_not_compare(tmp_path):
    made = cell(tmp_path, method="flexae", generator_layers="2", generator_width="256")
    pretend_trained(made, 4, method="flexae", generator_layers="2", generator_width="256")
    pretend_measured(made, 4, is_inception=False, generation_fid=1.0)
    text = sweep_table.markdown(sweep_table.collect([made]))
    assert "| 1.00 | 42.14 |" in text
    assert "stub, not Inception" in text
    assert "do not give the sizes" in text


def test_the_papers_values():
    assert paper_sweeps.capacity_values("mnist", 0, 99) == (60.51, 55.49)
    assert paper_sweeps.capacity_values("celeb_a", 6, 2048) == (39.1, 58.49)
    assert paper_sweeps.capacity_values("mnist", 1, 63) is None


def command(folder, *own):
    return [
        sys.executable,
        "-m",
        "tools.sweep",
        f"--output_dir={folder}",
        "--vary=latent_dim=2,4",
        "--vary=method=wae_gan,flexae_sr",
        "--evaluate=--features=pixels --count=40",
        *own,
        "--",
        *SMALL,
        "--critic_steps=1",
        "--checkpoint_every_steps=2",
    ]


def test_dry_run_prints_the_shards_commands_and_makes_nothing(tmp_path):
    folder = tmp_path / "sweep"
    done = subprocess.run(
        command(folder, "--dry_run", "--shard=1/2"), capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all("--method=flexae_sr" in line for line in lines[::2])
    assert "--features=pixels --count=40" in lines[1]
    assert not folder.exists()


@pytest.mark.slow
def test_a_sweep_is_interrupted_resumed_and_collected(tmp_path):
    process = subprocess.Popen(command(tmp_path), stderr=subprocess.PIPE, text=True)
    first = tmp_path / "runs" / "latent_dim=2,method=wae_gan"
    while not list(first.glob("checkpoints/*.index")):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    table = (tmp_path / "table.csv").read_text()
    assert "not started" in table
    done = subprocess.run(command(tmp_path, "--jobs=2"), capture_output=True, text=True, check=True)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert len(rows) == 4
    assert all(row["state"] == "4 iterations" and row["generation/fid"] for row in rows)
    assert "| latent_dim | method |" in done.stdout
    assert len(list((tmp_path / "hparams").glob("*/events.out.tfevents.*"))) == 4
