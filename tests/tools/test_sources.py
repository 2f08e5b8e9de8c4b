"""Configs, the papers' rows and docs/sources.md hold together."""

import dataclasses
import pathlib

import pytest

from flexae_tf.evaluation import sources
from flexae_tf.evaluation.sources import Departure
from tools import sources as tool

ROOT = pathlib.Path(__file__).parent.parent.parent
ROWS = [row for row in sources.rows() if row.config]
FOLDERS = ("rae_table", "wae_paper", "two_stage_vae_paper", "flexae_table", "flexae", "released")


@pytest.fixture(autouse=True)
def _in_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.title}, {row.dataset}")
def test_a_config_has_its_rows_settings_or_a_reason(row):
    assert tool.unexplained(row, tool.resolved(row)) == []
    assert tool.resolved(row)["dataset"] == row.dataset


def test_the_page_is_of_these_configs_and_rows():
    assert tool.PATH.read_text() == tool.document(), "run: python -m tools.sources --write"


def test_every_config_of_a_paper_is_a_row():
    found = {
        path.as_posix()
        for folder in FOLDERS
        for path in pathlib.Path("configs", folder).rglob("*.cfg")
        if path.name != "base.cfg"
    }
    assert found == {row.config for row in ROWS if row.config.split("/")[1] in FOLDERS}


def test_a_config_says_its_source_and_what_it_departs_in():
    for row in ROWS:
        if row.config.split("/")[1] in FOLDERS[:4]:
            comment = _comment(row.config)
            assert row.source.lower() in comment.lower(), row.config
            first = next(each for each in ROWS if each.config == row.config)
            named = ", ".join(departure.setting for departure in first.departures)
            assert (f"Departs in: {named} (docs" in comment) == bool(named), row.config


def test_what_is_wrong_is_said():
    row = next(row for row in ROWS if (row.name, row.dataset) == ("RAE-L2", "mnist"))
    ours = tool.resolved(row)
    assert tool.unexplained(row, ours | {"latent_dim": 8}) == ["latent_dim: ours 8, source 16"]

    def departing(ours_is, reason):
        departure = Departure("latent_dim", None, ours_is, reason)
        return dataclasses.replace(row, departures=(departure,))

    smaller = ours | {"latent_dim": 8}
    assert tool.unexplained(departing(8, "memory"), smaller) == []
    assert tool.unexplained(departing(8, " "), smaller) == ["latent_dim: no reason"]
    says = ["latent_dim: the departure says ours is 4"]
    assert tool.unexplained(departing(4, "memory"), smaller) == says
    assert tool.unexplained(departing(4, "memory"), ours) == says  # none is needed any more


def test_a_departure_is_marked():
    row = next(row for row in ROWS if (row.name, row.dataset) == ("RAE-L2", "mnist"))
    cells = tool._cells(row, tool.resolved(row) | {"latent_dim": 8})
    assert cells["latent_dim"] == "latent_dim **8** (source: 16)"
    assert cells["batch_size"] == "batch_size 100"


def _comment(config):
    lines = pathlib.Path(config).read_text().splitlines()
    return " ".join(line.removeprefix("# ") for line in lines if line.startswith("#"))
