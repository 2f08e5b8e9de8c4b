"""What CONTRIBUTING.md and the files of tools say, held against what they speak of."""

import re
from pathlib import Path

import numpy as np

from flexae_tf import networks
from tests import tiny

ROOT = Path(__file__).parent.parent


def pinned(name):
    """The pins "tool==version" in a file."""
    return set(re.findall(r"\b(?:ruff|mypy)==[\d.]+", (ROOT / name).read_text()))


def test_hooks_have_the_versions_of_the_requirements():
    assert len(pinned("requirements.txt")) == 2
    assert pinned(".pre-commit-config.yaml") == pinned("requirements.txt")


def test_the_method_of_the_guide_trains():
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    names = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    defaults = {name: s.default for name, s in names["settings"]("paper").items()}
    method = names["build"](networks.Networks((8, 8, 1)), defaults | {"latent_dim": 4})
    kernel = method.encoder.trainable_variables[0]
    before = kernel.numpy()
    drawn = tiny.drawn(method)
    reported = method.step(drawn)
    assert np.isfinite(float(method.validation_loss(drawn[0].x)))
    assert np.isfinite(float(reported["autoencoder"]))
    assert not np.array_equal(kernel.numpy(), before)
