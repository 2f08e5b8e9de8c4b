"""`pip install .` into an environment of its own, used from another folder."""

import os
import pathlib
import shutil
import site
import subprocess
import sys

import pytest

from flexae_tf.errors import flagfile, flagfiles_first

ROOT = pathlib.Path(__file__).parent.parent
TOP = ("flexae_tf", "tools", "configs", "pyproject.toml", "setup.py", "README.md", "LICENSE")


def test_configs_that_are_not_here_are_those_that_come_along(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert flagfile("configs/digits.cfg") == ROOT / "configs" / "digits.cfg"
    assert "--dataset=mnist" in flagfiles_first(["--flagfile=configs/mnist.cfg"])
    assert "--batch_size=128" in flagfiles_first(["--flagfile=configs/mnist.cfg"])  # of base.cfg
    own = tmp_path / "configs" / "digits.cfg"
    own.parent.mkdir()
    own.write_text("# mine\n\n--seed=3\n")
    assert flagfiles_first(["--seed=4", "--flagfile", "configs/digits.cfg"]) == [
        "--seed=3",
        "--seed=4",
    ]
    own.write_text("--flagfile=configs/digits.cfg\n")
    with pytest.raises(Exception, match="includes itself"):
        flagfiles_first([f"--flagfile={own}", "--flagfile=configs/digits.cfg"])
    assert flagfile("digits.cfg") == pathlib.Path("digits.cfg")


@pytest.mark.slow
def test_an_installed_command_trains_measures_and_exports_elsewhere(tmp_path):
    """The wheel is built anew, which takes the package index for setuptools; the rest is there."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in [*TOP, *[path.name for path in ROOT.glob("requirements*.txt")]]:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, clone / name)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    install = [python, "-m", "pip", "install", "--no-deps", "--quiet", clone]
    built = subprocess.run(install, capture_output=True, text=True, check=False)
    if "No matching distribution found for setuptools" in built.stderr:
        pytest.skip("needs the package index")
    assert built.returncode == 0, built.stderr
    assert not (packages / "tools").exists()

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(command, *flags):
        command = [python.parent / f"flexae-{command}", *flags]
        finished = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    small = ["--method=vae", "--training_steps=2", "--batch_size=16", "--run_dir=run"]
    assert "trained 2 iterations" in run("train", "--flagfile=configs/digits.cfg", *small)
    run("evaluate", "--run_dir=run", "--features=pixels", "--count=20")
    run("figures", "--run_dir=run", "--kind=samples")
    run("report", "--run_dir=run")
    assert run("export", "--run_dir=run").splitlines()[-1] == "run/export/1"
    table = ["--configs=configs/rae_table/mnist", "--output_dir=table", "--dry_run"]
    assert "flexae_tf.tools.evaluate" in run("config-table", *table)
    sweep = ["--vary=seed=0", "--evaluate=--features=pixels --count=20", "--output_dir=sweep"]
    run("sweep", *sweep, "--", "--flagfile=configs/digits.cfg", *small[:-1])
    assert (folder / "sweep" / "table.md").exists()
    assert "--run_dir" in run("explore", "--help")
