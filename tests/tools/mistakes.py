"""Mistakes of a command's user, several in one process."""

import json
import os
import subprocess
import sys

# Runs the command's main on several lists of arguments and prints the errors.
_MISTAKES = """
import importlib, json, sys
from absl import flags
from absl.testing import flagsaver
from flexae_tf.errors import UserError
tool = importlib.import_module(f"tools.{sys.argv[1]}")
flags.FLAGS.mark_as_parsed()
for arguments in json.loads(sys.argv[2]):
    with flagsaver.flagsaver():
        flags.FLAGS([sys.argv[1], *arguments])
        try:
            tool.main([])
            print("no error")
        except UserError as error:
            print(error)
"""


def run(tool, lists, cache):
    """A tool on several lists of arguments; each ends in a line, its error or "no error"."""
    return subprocess.run(
        [sys.executable, "-c", _MISTAKES, tool, json.dumps(lists)],
        capture_output=True,
        text=True,
        env=os.environ | {"FLEXAE_TF_CACHE": str(cache)},
    )


def assert_mistakes_are_named(tool, cases, cache):
    """Asserts that a tool answers arguments by a text: cases [(arguments, part of the text)]."""
    result = run(tool, [arguments for arguments, _ in cases], cache)
    lines = result.stdout.splitlines()
    assert len(lines) == len(cases), result.stderr[-2000:]
    for line, (_, message) in zip(lines, cases, strict=True):
        assert message in line
