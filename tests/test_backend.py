"""What is set before TensorFlow is imported, and the warning where that came too late."""

import os
import subprocess
import sys
import types

import pytest

from flexae_tf import backend

NAMES = ("TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")


@pytest.fixture
def unprepared(monkeypatch):
    """An environment without the variables, and no TensorFlow."""
    for name in NAMES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    return monkeypatch


@pytest.fixture
def late(unprepared):
    """The same, with TensorFlow imported."""
    unprepared.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    return unprepared


def test_sets_what_the_user_did_not(unprepared, capsys):
    unprepared.setenv("KERAS_BACKEND", "jax")
    backend.prepare({"avx2"})
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert int(os.environ["TF_CPP_MIN_LOG_LEVEL"]) == 2
    assert os.environ["KERAS_BACKEND"] == "jax"
    assert capsys.readouterr().err == ""


def test_tensorflow_without_onednn_is_one_line(late, capsys):
    backend.prepare({"avx2", "fma"})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: tensorflow was imported before flexae_tf, without oneDNN")
    assert "TF_ENABLE_ONEDNN_OPTS=1" in line


@pytest.mark.parametrize(
    "features", [{"sse4_2"}, {"avx2", "avx512_vnni"}, {"avx2", "avx_vnni"}, {"avx2", "amx_int8"}]
)
def test_a_cpu_that_gains_nothing_is_no_reason_to_warn(late, capsys, features):
    backend.prepare(features)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("value", ["0", "1"])
def test_what_the_user_chose_is_kept_without_a_word(late, capsys, value):
    late.setenv("TF_ENABLE_ONEDNN_OPTS", value)
    backend.prepare({"avx2"})
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == value
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("package", ["flexae_tf", "tools", "tests.conftest"])
def test_every_way_in_goes_through_it_before_tensorflow(package):
    program = f"""
import os, sys
import {package}
assert "tensorflow" not in sys.modules
print(*(os.environ[name] for name in {NAMES}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={}, check=True
    )
    assert done.stdout.split() == ["1", "02", "tensorflow"]


def test_tensorflow_imported_first_is_warned_of_on_this_machine():
    program = "import tensorflow, sys; print('now', file=sys.stderr); import flexae_tf"
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    warnings = done.stderr.split("now\n")[1].splitlines()
    gains = backend.gains_from_onednn(backend.cpu_features())
    assert [line[:8] for line in warnings] == ["warning:"] * gains
