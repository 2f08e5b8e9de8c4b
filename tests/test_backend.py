"""What is set before TensorFlow is imported, when that is, and the warning where it came early."""

import os
import subprocess
import sys
import types
from pathlib import Path

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


@pytest.mark.parametrize(
    ("argv", "orig_argv", "ours"),
    [
        (["-m"], ["python", "-m", "flexae_tf.train"], True),
        (["-m", "--kind=all"], ["python", "-X", "dev", "-m", "tools.figures", "--kind=all"], True),
        (["-m", "-m"], ["python", "-mtools.figures", "-m"], True),
        (["-m"], ["python", "-m", "flexae_tf_more.train"], False),
        (["-m", "tools.figures"], ["python", "-m", "pytest", "tools.figures"], False),
        (["-c"], ["python", "-c", "import flexae_tf"], False),
        (["train.py", "-m"], ["python", "train.py", "-m"], False),
        ([""], ["python"], False),
    ],
)
def test_a_command_is_a_module_of_ours_by_m(monkeypatch, argv, orig_argv, ours):
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", orig_argv)
    assert backend.is_command() is ours


# Two packages that import each other as Keras and TensorFlow do, and count how often they are.
_PACKAGES = {
    "tensorflow": "print('tensorflow'); float32 = 'float32'; import keras; half = keras.half",
    "keras": "print('keras'); half = 0.5; import tensorflow; kind = tensorflow.float32",
    "keras/layers": "class Layer: pass",
}


@pytest.fixture
def deferred(tmp_path):
    """deferred(program): the lines that it prints, begun with both packages deferred."""
    for name, code in _PACKAGES.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code.replace("; ", "\n"))

    def run(program):
        begin = "from flexae_tf import backend\nbackend.defer()\nimport tensorflow as tf, keras\n"
        done = subprocess.run(
            [sys.executable, "-c", begin + program],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_deferred_packages_can_be_found_and_are_not_imported_before_use(deferred):
    program = "from importlib.util import find_spec; print(find_spec('keras').name, 'found')"
    assert deferred(program) == ["keras", "found"]


@pytest.mark.parametrize(
    "use",
    [
        "assert tf.float32 == 'float32'",
        "assert keras.half == 0.5",
        "from keras import half",
        "from keras.layers import Layer",
        "import keras.layers; assert keras.layers.Layer",
        "assert not hasattr(tf, 'nothing')",
    ],
)
def test_the_first_use_imports_them_once(deferred, use):
    after = """
import sys, tensorflow
assert (tf.half, keras.kind) == (0.5, 'float32')
assert tensorflow.float32 is tf.float32
assert type(sys.modules["keras"]) is type(sys.modules["tensorflow"]) is type(sys)
"""
    assert sorted(deferred(f"{use}\n{after}")) == ["keras", "tensorflow"]


def test_threads_may_use_them_first_at_once(deferred):
    program = """
import concurrent.futures, threading
barrier = threading.Barrier(8)

def use(number):
    barrier.wait()
    return tf.half if number % 2 else keras.half

with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert list(pool.map(use, range(8))) == [0.5] * 8
"""
    assert sorted(deferred(program)) == ["keras", "tensorflow"]


COMMANDS = ["flexae_tf.train"] + [
    f"tools.{path.stem}"
    for path in sorted(Path("tools").glob("*.py"))
    if "run_main(" in path.read_text() or "argparse" in path.read_text()
]


@pytest.fixture(scope="module")
def without_tensorflow(tmp_path_factory):
    """Runs a command where TensorFlow is a package that raises: its traceback says who asked."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").write_text("raise RuntimeError('imported too early')")

    def run(*command):
        return subprocess.run(
            [sys.executable, "-m", *command],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]},
            check=False,
        )

    return run


def test_a_package_that_is_not_installed_is_not_deferred():
    program = (
        "import importlib.util, sys\nimportlib.util.find_spec = lambda name: None\n"
        "from flexae_tf import backend\nbackend.defer()\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_tensorflow(without_tensorflow, command):
    done = without_tensorflow(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistaken_flag_needs_no_tensorflow(without_tensorflow, command):
    done = without_tensorflow(command, "--no_such_flag=1")
    assert done.returncode == 2
    assert "no_such_flag" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argument", ["digits", "--flagfile=nowhere.cfg", "--dataset=digit"])
def test_other_mistakes_on_the_command_line_need_none_either(without_tensorflow, argument):
    done = without_tensorflow("flexae_tf.train", argument)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
