"""The table of measures of several runs."""

import pytest

from flexae_tf.evaluation import report
from flexae_tf.report import measures
from flexae_tf.report.comparison import ComparedRun, Group
from flexae_tf.runs import RunDirectory
from tests.html_pages import Page


def measured(path, fid, name="3", count=200, **more):
    record = {
        "metrics/generation/fid": fid,
        "dataset": "mnist",
        "method": "vae",
        "checkpoint": 3,
        "extractor": {"name": "<net>", "is_inception": False},
        "counts": {"real": count},
        "protocol": {"name": "standard", "count": 10_000, "split": "test"},
        **more,
    }
    report.write_json(record, path / "metrics" / f"{name}.json")


def compared(path):
    return ComparedRun(path.name, RunDirectory(path), {}, 3)


@pytest.fixture
def groups(tmp_path):
    vaes, ae = [tmp_path / f"vae-{seed}" for seed in range(3)], tmp_path / "ae"
    measured(vaes[0], 1.0, **{"metrics/pms/train_test": 4.7})
    measured(vaes[1], 3.0, **{"metrics/pms/train_test": 4.8})
    measured(ae, 20.0, name="3.gmm", density="gmm")
    measured(ae, 30.0, name="2")  # of another checkpoint
    return [Group("VAE", tuple(map(compared, vaes))), Group("AE", (compared(ae),))]


def values(html, name="data-value"):
    return [value for _, attribute, value in Page(html).attributes if attribute == name]


def test_seeds_are_a_mean_and_are_below_it(groups):
    table = measures.table(groups)
    assert values(table) == [
        *("VAE", "own", "2.0", "4.75"),
        *("vae-0", "own", "1.0", "4.7"),
        *("vae-1", "own", "3.0", "4.8"),
        *("AE", "gmm", "20.0"),
    ]
    assert "2 ± 1.4" in table
    assert "2 seeds</button>" in table
    assert "20 ±" not in table


def test_papers_values_and_names_are_beside_ours(groups):
    table = measures.table(groups)
    assert table.count("paper 4.77") == 3  # of the data alone, so for any settings
    assert "Protocol standard, extractor &lt;net&gt;; 200 real." in table
    assert "only pms compares with the paper." in table


def test_what_was_measured_in_other_ways_is_not_one_row(groups):
    path = groups[0].runs[2].directory.path
    measured(path, 7.0, count=100)
    measured(path, 6.0, name="released", checkpoint={"candidates": [1, 2]})
    table = measures.table(groups)
    assert values(table)[12:-3] == [
        *("VAE", "own", "7.0"),
        *("VAE", "own, best of 2 checkpoints", "6.0"),
    ]
    assert "2 ± 1.4" in table
    assert "Not measured alike: protocol standard, extractor" in table
    assert "100 real (vae-2)" in table


def test_a_run_without_a_report_is_known(groups):
    assert [run.name for run in measures.unmeasured(groups)] == ["vae-2"]
    assert measures.table(groups[1:]).count("<tbody>") == 1
    assert measures.table([]) == ""
