"""docs/tutorial.ipynb, executed as it stands but for the number of iterations."""

import os
import pathlib
import shutil
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.slow
def test_every_cell_runs(monkeypatch, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="needs requirements-slow.txt")
    nbformat = pytest.importorskip("nbformat", reason="needs requirements-slow.txt")
    pytest.importorskip("ipykernel", reason="needs requirements-slow.txt")
    monkeypatch.setenv("TUTORIAL_STEPS", "4")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(pathlib.Path(sys.executable).parent), prepend=os.pathsep)
    notebook = nbformat.read(ROOT / "docs" / "tutorial.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "docs")}}
    )
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            assert "error: " not in output.get("text", "")
    (work,) = tmp_path.glob("flexae_tf-*")
    assert (work / "runs" / "photos" / "export" / "1" / "saved_model.pb").exists()
    shutil.rmtree(work)
