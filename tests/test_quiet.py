"""Standard error of a command: this project's lines, and what explains its end."""

import os
import re
import signal
import subprocess
import sys
import textwrap

import pytest

from tests import picture_runs

_COMMAND = '''
"""Says things and ends."""

import logging
import os
import signal
import subprocess
import sys
import warnings

from absl import logging as absl_logging

from flexae_tf.errors import UserError, run_main


def main(argv):
    os.write(2, b"foreign C++\\\\n")
    subprocess.run(["sh", "-c", "echo foreign child >&2"])
    warnings.warn("foreign warning")
    logging.getLogger("library").warning("foreign logger")
    absl_logging.warning("foreign absl")
    print("ours", file=sys.stderr)
    {end}


run_main(main)
'''
_FOREIGN = ["C++", "child", "warning", "logger", "absl"]


@pytest.fixture
def ended(tmp_path):
    """ended(statement, **environment): the command that does this after it has spoken."""

    def run(end, **environment):
        path = tmp_path / "command.py"
        path.write_text(textwrap.dedent(_COMMAND).replace("{end}", end).replace("\\\\n", "\\n"))
        environment = {"PYTHONPATH": ":".join(sys.path), "PATH": os.environ["PATH"]} | environment
        return subprocess.run(
            [sys.executable, path], capture_output=True, text=True, env=environment, check=False
        )

    return run


def assert_replayed(stderr):
    """Ours, then a heading and each foreign line once."""
    before, held = stderr.split("what TensorFlow and other libraries said before:\n")
    assert before == "ours\n"
    for word in _FOREIGN:
        # The warning's line of source is part of what Python says.
        assert len(re.findall(rf"foreign {re.escape(word)}\n", held)) == 1, word


@pytest.mark.parametrize(
    ("end", "status", "last"),
    [
        ("return None", 0, ""),
        ("return 3", 3, ""),
        ("raise UserError('no')", 2, "error: no\n"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
    ],
)
def test_only_our_lines_where_nothing_failed(ended, end, status, last):
    done = ended(end)
    assert (done.returncode, done.stderr) == (status, "ours\n" + last)


def test_an_unexpected_error_replays_what_was_held_back(ended):
    done = ended("raise KeyError('broken')")
    assert done.returncode == 1
    assert_replayed(done.stderr)
    assert done.stderr.index("foreign C++") < done.stderr.index("Traceback")
    assert done.stderr.endswith("KeyError: 'broken'\n")


def test_a_signal_may_speak_while_a_line_is_written(ended):
    done = ended(
        "signal.signal(signal.SIGALRM, lambda *_: print('ours', file=sys.stderr)); "
        "signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4); "
        "[print('ours', file=sys.stderr) for _ in range(20000)]; "
        "signal.setitimer(signal.ITIMER_REAL, 0)"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Error" not in done.stderr


@pytest.mark.parametrize("name", ["SIGABRT", "SIGSEGV"])
def test_an_abort_replays_what_was_held_back_and_says_where(ended, name):
    end = "os.abort()" if name == "SIGABRT" else f"os.kill(os.getpid(), signal.{name})"
    done = ended(end)
    assert done.returncode == -signal.Signals[name]
    assert_replayed(done.stderr)
    assert done.stderr.index("foreign C++") < done.stderr.index("Fatal Python error")
    assert "in main" in done.stderr


@pytest.mark.parametrize(
    "line", ["F0000 00:00:17.4 8702 agent.cc:1] lost", "2026-01-01 00:00:00.1: F core/a.cc:1] lost"]
)
def test_a_fatal_message_that_ends_the_process_without_a_signal_is_replayed(ended, line):
    done = ended(f"os.write(2, b'{line}'); os._exit(1)")
    assert done.returncode == 1
    assert_replayed(done.stderr)
    assert done.stderr.endswith(line)


def test_the_users_log_level_lets_everything_through(ended):
    done = ended("return None", TF_CPP_MIN_LOG_LEVEL="0")
    assert done.returncode == 0
    assert "foreign C++\n" in done.stderr
    assert "foreign warning\n" in done.stderr


def test_a_log_level_inherited_from_a_program_of_ours_does_not(ended):
    program = "import flexae_tf, os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    level = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    ).stdout.strip()
    assert int(level) == 2
    assert ended("return None", TF_CPP_MIN_LOG_LEVEL=level).stderr == "ours\n"


def test_a_program_that_imports_the_package_is_left_alone():
    program = "import flexae_tf, os, sys; os.write(2, b'all'); assert sys.stderr is sys.__stderr__"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"all")


# What each tool says on standard error of an untrained run of the digits.
_SAID = {
    ("evaluate", "--features=pixels", "--count=20"): 3 * ["warning: only 20 images"],
    ("figures", "--kind=samples"): [],
    ("figures", "--kind=neighbours", "--inception=nowhere"): ["error: --inception=nowhere"],
    ("export", "--density=gaussian"): ["no warm-up requests: ", "left out edit: "],
    ("evaluate", "--features=pixels", "--density=none"): ["error: "],
}
_QUICK = [("evaluate", "--features=pixels", "--count=20"), ("export", "--density=gaussian")]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return picture_runs.write(tmp_path_factory.mktemp("runs") / "digits").path


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, marks=[] if c in _QUICK else pytest.mark.slow) for c in _SAID],
)
def test_a_tool_says_its_own_lines_only(command, run_dir, tmp_path):
    name, *flags = command
    done = subprocess.run(
        [sys.executable, "-m", f"tools.{name}", f"--run_dir={run_dir}", *flags],
        capture_output=True,
        text=True,
        env=os.environ | {"FLEXAE_TF_CACHE": str(tmp_path)},
        check=False,
    )
    expected = _SAID[command]
    said = done.stderr.splitlines()
    assert len(said) == len(expected), done.stderr
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(start)
    assert done.returncode == (2 if expected and "error" in expected[0] else 0)
