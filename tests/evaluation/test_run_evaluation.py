"""Measuring the checkpoints of a run directory, with a stand-in for its trained method."""

import dataclasses
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from flexae_tf import data, densities, runs
from flexae_tf.algorithm.resampling import ResampledDensity
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report, run_evaluation, suite, tables
from flexae_tf.evaluation.features import pixels
from flexae_tf.evaluation.protocol import RELEASED, STANDARD
from flexae_tf.evaluation.run_evaluation import RunEvaluation, choose_iterations
from flexae_tf.model import Model
from tests.evaluation.test_report import read_scalars

DIGITS = data.load("digits")
ITERATIONS = [50_000, 90_000, 120_000, 140_000]
FEW = dataclasses.replace(STANDARD, count=100)


class NoisyCopy:
    """Generates train images with noise, least of it at iteration 100,000."""

    density = "not None: it has a prior"
    active = codebook_size = None
    require_unconditional = Model.require_unconditional

    def __init__(self, iteration):
        self.deviation = 0.1 + abs(iteration - 100_000) / 100_000

    def encode(self, x):
        return data.to_unit(x).reshape(len(x), -1)[:, 100:110]

    def decode(self, z):
        return data.to_unit(DIGITS.train[: len(z)])

    def reconstruct(self, x, by, seed):
        return data.to_unit(x)

    def sample(self, n, seed):
        generator = np.random.default_rng(seed)
        x = data.to_unit(DIGITS.train[generator.integers(0, len(DIGITS.train), n)])
        return np.clip(x + self.deviation * generator.normal(size=x.shape), 0, 1).astype(np.float32)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run directory's path, and the iterations loaded so far."""
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    for iteration in ITERATIONS:
        (tmp_path / "run" / "checkpoints" / f"ckpt-{iteration}.index").touch()
    loaded = []

    def load(path, checkpoint):
        loaded.append(checkpoint)
        return SimpleNamespace(
            model=NoisyCopy(checkpoint),
            iteration=checkpoint,
            settings={
                "method": "flexae_sr",
                "variant": "paper",
                "seed": 0,
                "cache_dir": str(tmp_path / "cache"),
            },
            load_dataset=lambda: DIGITS,
        )

    def attach(run, density, dataset):
        if density == "gmm":
            run.model.deviation = 0.05
        return run

    monkeypatch.setattr(densities, "attach", attach)
    monkeypatch.setattr(runs, "load", load)
    return SimpleNamespace(path=tmp_path / "run", loaded=loaded)


def evaluation(run, protocol):
    return RunEvaluation(run.path, protocol, lambda dataset: pixels())


def test_report_tensorboard_and_table_agree_to_the_last_digit(run):
    returned = evaluation(run, STANDARD).measure(140_000)
    record = json.loads((run.path / "metrics" / "140000.json").read_text())
    assert record == returned
    metrics = {key: value for key, value in record.items() if key.startswith("metrics/")}
    assert "metrics/generation/fid" in metrics
    scalars = read_scalars(run.path / "eval")
    assert scalars == {tag: (140_000, float(np.float32(v))) for tag, v in metrics.items()}
    lines = {line.split()[0]: line.split() for line in report.table(record, {}).splitlines()[3:]}
    assert {f"metrics/{key}": words[1] for key, words in lines.items()} == {
        tag: json.dumps(value) for tag, value in metrics.items()
    }


def test_of_samples_chosen_among_proposals_it_says_how_many_count(run, monkeypatch):
    assert "metrics/generation/effective_sample_size" not in evaluation(run, FEW).measure(90_000)
    flat = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    monkeypatch.setattr(NoisyCopy, "density", ResampledDensity(flat, proposals=7))
    record = evaluation(run, FEW).measure(90_000)
    assert record["metrics/generation/effective_sample_size"] == pytest.approx(7)


def test_record_says_how_it_was_measured(run):
    record = evaluation(run, STANDARD).measure(90_000)
    assert record["checkpoint"] == 90_000
    assert record["counts"] == {"real": 297, "generated": 297, "memorization": 297}
    assert record["split"] == "test"
    assert (record["dataset"], record["method"], record["variant"]) == (
        "digits",
        "flexae_sr",
        "paper",
    )
    assert (record["model"], record["density"]) == ("FlexAE-SR", "own")
    assert record["dataset_fingerprint"] == DIGITS.fingerprint
    assert record["protocol"] == dataclasses.asdict(STANDARD)


def test_a_report_by_the_same_protocol_is_kept(run):
    first = evaluation(run, FEW)
    records = [first.measure(i, again=False) for i in ITERATIONS]
    run.loaded.clear()
    second = evaluation(run, FEW)
    assert [second.measure(i, again=False) for i in ITERATIONS] == records
    assert len(run.loaded) == 1  # for the data set
    other = evaluation(run, dataclasses.replace(FEW, seed=1)).measure(90_000, again=False)
    assert other["protocol"]["seed"] == 1
    assert other["metrics/generation/fid"] != records[1]["metrics/generation/fid"]


def test_another_split_has_a_report_of_its_own(run):
    by_sample = dataclasses.replace(FEW, reconstruct_by="sample")
    evaluation(run, by_sample).measure(90_000, "gmm")
    assert (run.path / "metrics" / "90000.sample.gmm.json").exists()
    assert not (run.path / "metrics" / "90000.gmm.json").exists()


def test_another_density_has_a_report_of_its_own_and_the_same_reconstructions(run, monkeypatch):
    own = evaluation(run, FEW).measure(90_000)
    monkeypatch.setattr(run_evaluation, "evaluate_model", without_reconstructing)
    gmm = evaluation(run, FEW).measure(90_000, "gmm")
    assert json.loads((run.path / "metrics" / "90000.json").read_text()) == own
    assert json.loads((run.path / "metrics" / "90000.gmm.json").read_text()) == gmm
    assert gmm["density"] == "gmm"
    for key in report.metrics_of(own):
        if key.startswith(("reconstruction/", "interpolation/", "codes/", "pms/train")):
            assert own[f"metrics/{key}"] == gmm[f"metrics/{key}"], key
    assert gmm["metrics/generation/fid"] < own["metrics/generation/fid"]
    assert read_scalars(run.path / "eval" / "gmm").keys() == read_scalars(run.path / "eval").keys()
    assert "sampled from gmm" in report.table(gmm, {})


def without_reconstructing(*arguments):
    assert arguments[-1], "it is measured already"
    return suite.evaluate_model(*arguments)


def test_the_best_of_another_density_is_kept_apart(run):
    released = dataclasses.replace(RELEASED, count=100)
    evaluation(run, released).measure_best([90_000, 120_000], "gmm")
    names = {path.name for path in (run.path / "metrics").iterdir()}
    assert names == {"90000.released.gmm.json", "120000.released.gmm.json", "released.gmm.json"}
    assert [path.name for path in (run.path / "eval").iterdir()] == ["released.gmm"]


def test_row_of_a_table_measures_each_cell_once(run, monkeypatch):
    def row(columns=("n", "gmm", "own")):
        return tables.row(evaluation(run, FEW), run.path, FEW, columns)

    first = row()
    assert first["n/density"] == "own"
    assert first["n"] == first["own"] > first["gmm"]
    assert (first["model"], first["checkpoint"], first["count"]) == ("FlexAE-SR", 140_000, 100)
    names = {path.name for path in (run.path / "metrics").iterdir()}
    assert names == {"140000.json", "140000.gmm.json"}
    monkeypatch.setattr(run_evaluation, "evaluate_model", None)
    assert row() == first
    with monkeypatch.context() as changed:
        changed.setattr(NoisyCopy, "codebook_size", 8)
        assert row() == {key: value for key, value in first.items() if "gmm" not in key}
    monkeypatch.setattr(NoisyCopy, "density", None)
    monkeypatch.setattr(run_evaluation, "evaluate_model", suite.evaluate_model)
    fitted = row()
    assert fitted["n/density"] == "gaussian"
    assert "own" not in fitted


def test_released_protocol_takes_the_best_in_its_range(run):
    released = dataclasses.replace(RELEASED, count=100)
    iterations = choose_iterations(run.path, released, "newest")
    assert iterations == [90_000, 120_000]
    best = evaluation(run, released).measure_best(iterations)
    assert best["checkpoint"]["candidates"] == iterations
    assert best["checkpoint"]["generation"] == 90_000
    assert best == json.loads((run.path / "metrics" / "released.json").read_text())
    each = [
        json.loads((run.path / "metrics" / f"{i}.released.json").read_text()) for i in iterations
    ]
    for kind in ("reconstruction", "generation"):
        tag = f"metrics/{kind}/fid"
        assert best[tag] == min(record[tag] for record in each)
    assert read_scalars(run.path / "eval" / "released")
    assert not list((run.path / "eval").glob("events*"))


def test_choice_of_checkpoints(run, tmp_path):
    assert choose_iterations(run.path, STANDARD, "newest") == [140_000]
    assert choose_iterations(run.path, STANDARD, "all") == ITERATIONS
    assert choose_iterations(run.path, STANDARD, "90000") == [90_000]
    with pytest.raises(UserError, match="no best checkpoint: train with --validation_images"):
        choose_iterations(run.path, STANDARD, "best")
    short = dataclasses.replace(RELEASED, first_step=1, last_step=2)
    for path, protocol, choice, message in (
        (tmp_path, STANDARD, "newest", "has no checkpoint"),
        (run.path, STANDARD, "7", "expected newest, best, all or some of 50000, 90000"),
        (run.path, RELEASED, "all", "leave out --checkpoints"),
        (run.path, short, "newest", "has 50,000 to 140,000"),
    ):
        with pytest.raises(UserError, match=message):
            choose_iterations(path, protocol, choice)
