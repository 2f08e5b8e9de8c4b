"""The table of several runs: what is written, and the paper's values beside ours."""

import csv
import json

import pytest

from flexae_tf.errors import UserError
from flexae_tf.evaluation import sources, tables
from flexae_tf.evaluation.features import pixels
from flexae_tf.evaluation.protocol import RAE
from flexae_tf.evaluation.report import record

COLUMNS = ["n", "gmm"]


def measured(model, fid, dataset="mnist", density="own"):
    row = next(r for r in sources.rows() if (r.name, r.dataset) == ("RAE-L2", "mnist"))
    settings = {name: value for name, value in row.settings.items() if value != ""}
    description = RAE.description(
        counts={"real": 10_000},
        split="test",
        extractor=pixels(),
        checkpoint=7,
        dataset=dataset,
        model=model,
        density=density,
        settings=settings,
        trained_steps=50_000,
        is_validated_best=True,
    )
    metrics = {
        "reconstruction/squared_error": 20,
        "reconstruction/fid": 10,
        "interpolation/fid": 15,
        "generation/fid": fid,
        "generation/prd_f1_8": 0.91,
        "generation/prd_f8": 0.86,
    }
    return record(metrics, description)


@pytest.fixture
def rows():
    records = {
        "n": measured("RAE-L2", 22, density="gaussian"),
        "gmm": measured("RAE-L2", 9, density="gmm"),
    }
    rae = tables._row_of("runs/first", records)
    other = tables._row_of("runs/second", {"n": measured("FlexAE", 8, "digits")})
    return [rae | {"n/density": "gaussian"}, other | {"n/density": "own"}]


def test_row_has_the_papers_values_beside_ours(rows):
    row = rows[0]
    assert (row["run"], row["model"], row["checkpoint"]) == ("first", "RAE-L2", 7)
    assert (row["rec"], row["rec/paper"]) == (10, 10.53)
    assert (row["n"], row["n/paper"]) == (22, 22.22)
    assert (row["gmm"], row["gmm/paper"]) == (9, 8.69)
    assert (row["interp"], row["interp/paper"]) == (15, 14.54)
    assert (row["gmm/precision"], row["gmm/precision/paper"]) == (0.91, 0.98)
    assert (row["gmm/recall"], row["gmm/recall/paper"]) == (0.86, 0.98)
    assert not any("paper" in key for key in rows[1])


def test_markdown(rows):
    lines = tables.markdown(rows, COLUMNS).splitlines()
    assert lines[0] == "| data | model | run | error | REC | N | GMM | Interp. |"
    assert lines[2] == (
        "| mnist | RAE-L2 | first | 20.00 | 10.00 (10.53) | 22.00 (22.22) | 9.00 (8.69) "
        "| 15.00 (14.54) |"
    )
    assert lines[3] == "| digits | FlexAE | second | 20.00 | 10.00 | 8.00 | - | 15.00 |"
    assert "| mnist | RAE-L2 | first | 0.91 / 0.86 (0.92 / 0.87) | 0.91 / 0.86 (0.98 / 0.98) |" in (
        lines
    )
    assert "| digits | FlexAE | second | 0.91 / 0.86 | - |" in lines
    assert "N: first: gaussian; second: own." in lines
    assert "do not compare with the paper's" in lines[-1]


def test_files(rows, tmp_path):
    tables.write(rows, COLUMNS, tmp_path / "new")
    assert (tmp_path / "new" / "tables.md").read_text() == tables.markdown(rows, COLUMNS)
    assert json.loads((tmp_path / "new" / "tables.json").read_text()) == rows
    with open(tmp_path / "new" / "tables.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["run"] for row in read] == ["first", "second"]
    assert float(read[0]["gmm/paper"]) == 8.69
    assert read[1]["gmm"] == ""
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        tables.write(rows, COLUMNS, tmp_path / "file")
