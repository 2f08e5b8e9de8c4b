"""Records, files, TensorBoard and the table."""

import json

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.evaluation.features import pixels
from flexae_tf.evaluation.protocol import STANDARD

METRICS = {"generation/fid": 1 / 3, "reconstruction/fid": 12345.678901, "pms/train_test": 2e-8}


def record(checkpoint=7, **metrics):
    description = STANDARD.description(
        counts={"real": 5},
        split="test",
        extractor=pixels(),
        checkpoint=checkpoint,
        dataset="mnist",
        method="flexae_sr",
        variant="paper",
    )
    return report.record(METRICS | metrics, description)


def read_scalars(folder):
    scalars = {}
    for path in sorted(folder.glob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                scalars[value.tag] = (event.step, tf.make_ndarray(value.tensor).item())
    return scalars


def test_json_tensorboard_and_table_agree_to_the_last_digit(tmp_path):
    made = record()
    report.write_json(made, tmp_path / "metrics" / "7.json")
    report.write_summaries(made, tmp_path / "eval", step=7)
    loaded = json.loads((tmp_path / "metrics" / "7.json").read_text())
    assert loaded == made == report.read_json(tmp_path / "metrics" / "7.json")
    scalars = read_scalars(tmp_path / "eval")
    text = report.table(made, {})
    for key in METRICS:
        value = loaded[f"metrics/{key}"]
        assert scalars[f"metrics/{key}"] == (7, float(np.float32(value)))
        assert float(str(np.float32(scalars[f"metrics/{key}"][1]))) == value
        (line,) = [line for line in text.splitlines() if line.split()[0] == key]
        assert line.split()[1] == json.dumps(value)


def test_table_has_the_papers_values_and_says_when_they_do_not_compare():
    text = report.table(record(), {"generation/fid": 6.75})
    (line,) = [line for line in text.splitlines() if line.startswith("generation/fid")]
    assert line.split() == ["generation/fid", "0.33333334", "6.75"]
    assert "not Inception" in text
    assert "mnist, flexae_sr (paper), checkpoint 7" in text
    assert "not Inception" not in report.table(record(), {})


def test_best_takes_reconstruction_and_generation_apart():
    records = [
        record(1, **{"generation/fid": 3.0, "reconstruction/fid": 1.0, "pms/train_test": 1.0}),
        record(2, **{"generation/fid": 2.0, "reconstruction/fid": 5.0, "pms/train_test": 2.0}),
    ]
    best = report.best_of(records)
    assert report.metrics_of(best) == {
        "generation/fid": 2.0,
        "reconstruction/fid": 1.0,
        "pms/train_test": 2.0,
    }
    assert best["checkpoint"] == {"reconstruction": 1, "generation": 2, "candidates": [1, 2]}
    assert "1 (reconstruction) and 2 (generation), best of 2" in report.table(best, {})


def test_unreadable_or_unwritable_files(tmp_path):
    path = tmp_path / "1.json"
    assert report.read_json(path) is None
    for content in ("{", "[1]"):
        path.write_text(content)
        assert report.read_json(path) is None
    with pytest.raises(UserError, match="cannot write"):
        report.write_json(record(), path / "below.json")
