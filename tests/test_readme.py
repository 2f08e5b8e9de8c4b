"""The example of docs/python.md, run as it stands but for the number of iterations."""

import pathlib
import re

import numpy as np

ROOT = pathlib.Path(__file__).parent.parent
README, PYTHON = ROOT / "README.md", ROOT / "docs" / "python.md"


def test_bring_your_own_networks():
    (code,) = re.findall(r"```python\n(.*?)```", PYTHON.read_text(), re.DOTALL)
    shortened = code.replace("training_steps=200", "training_steps=3")
    assert shortened != code
    names = {}
    exec(compile(shortened, str(PYTHON), "exec"), names)
    images = names["images"]
    assert images.shape == (16, 16, 16, 1)
    assert np.all((images >= 0) & (images <= 1))
    assert names["trainer"].iteration == 3


def test_every_config_it_names_exists():
    named = set(re.findall(r"configs/[\w/]+\.cfg", README.read_text()))
    assert len(named) >= 3
    for name in named:
        assert (README.parent / name).is_file(), name
