"""How a command ends: exit status, one line on standard error, flags before flagfiles."""

import subprocess
import sys
import textwrap

import pytest

_COMMAND = '''
"""Adds up: python command.py --number=1"""

import sys

from absl import flags

from flexae_tf.errors import UserError, run_main

flags.DEFINE_integer("number", 1, "A number to print.")
flags.DEFINE_string("mistake", None, "A mistake of the user.")


def main(argv):
    if flags.FLAGS.mistake:
        raise UserError(flags.FLAGS.mistake)
    print("number", flags.FLAGS.number, argv[1:])
    return 7 if flags.FLAGS.number == 7 else None


run_main(main)
'''


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    path = tmp_path_factory.mktemp("command") / "command.py"
    path.write_text(textwrap.dedent(_COMMAND).lstrip())
    return path


@pytest.fixture
def run(command):
    """Function that runs the command with arguments, in the folder it is in."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, command.name, *arguments],
            cwd=command.parent,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
            check=False,
        )

    return run


def assert_refused(result, *words):
    """One line on standard error with these words, exit status 2, nothing on standard output."""
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line


def test_what_main_returns_is_the_exit_status(run):
    result = run("--number=5")
    assert (result.returncode, result.stdout, result.stderr) == (0, "number 5 []\n", "")
    assert run("--number=7").returncode == 7


def test_a_users_mistake_is_one_line(run):
    assert_refused(run("--mistake=two\nlines, then   spaces"), "error: two lines, then spaces")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--numbr=5"], ["numbr", "number"]),
        (["--number=five"], ["--number", "five"]),
        (["number=5"], ["unexpected argument 'number=5'", "--name=value"]),
        (["--flagfile=none.cfg"], ["none.cfg"]),
    ],
)
def test_flags_that_do_not_parse_are_one_line(run, arguments, words):
    assert_refused(run(*arguments), *words)


def test_flags_override_a_flagfile_on_either_side(command, run):
    (command.parent / "three.cfg").write_text("--number=3\n")
    assert run("--flagfile=three.cfg").stdout == "number 3 []\n"
    assert run("--flagfile=three.cfg", "--number=5").stdout == "number 5 []\n"
    assert run("--number=5", "--flagfile=three.cfg").stdout == "number 5 []\n"
    assert run("--number=5", "-flagfile=three.cfg").stdout == "number 5 []\n"


def test_flags_override_a_flagfile_written_as_two_arguments(command, run):
    (command.parent / "three.cfg").write_text("--number=3\n")
    assert run("--number=5", "--flagfile", "three.cfg").stdout == "number 5 []\n"


def test_a_flagfile_can_include_another(command, run):
    (command.parent / "inner.cfg").write_text("# shared\n--number=3\n")
    (command.parent / "outer.cfg").write_text("--flagfile=inner.cfg\n--number=4\n")
    assert run("--flagfile=outer.cfg").stdout == "number 4 []\n"
    (command.parent / "outer.cfg").write_text("--flagfile=inner.cfg\n")
    assert run("--flagfile=outer.cfg").stdout == "number 3 []\n"


@pytest.mark.parametrize("argument", ["--help", "-h", "-help"])
def test_help_is_the_docstring_and_the_flags(run, argument):
    result = run(argument)
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.startswith("Adds up: python command.py --number=1")
    assert "A number to print." in result.stdout
    assert "--mistake" in result.stdout


def test_an_error_of_the_program_keeps_its_traceback(command):
    path = command.with_name("broken.py")
    path.write_text(command.read_text().replace("raise UserError(", "raise KeyError("))
    result = subprocess.run(
        [sys.executable, path.name, "--mistake=x"],
        cwd=command.parent,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert result.returncode == 1
    assert "KeyError" in result.stderr
