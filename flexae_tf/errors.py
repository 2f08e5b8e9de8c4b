"""Errors that are the user's to mend, and how a command reports them."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from absl import app, flags, logging

from flexae_tf import quiet


class UserError(Exception):
    """A mistake or a circumstance that the user can mend.

    The message is one line: what was expected, what was received, what to do.
    """

    status = 2


def warn(message: str) -> None:
    """Tells the user of something that was put right or that makes a result doubtful, in a line."""
    print(f"warning: {message}", file=sys.stderr, flush=True)


def run_main(main: Callable[[list[str]], int | None]) -> NoReturn:
    """Runs `main(argv)` as a command whose errors are one line on standard error.

    Args:
      main: function of the remaining arguments; returns an exit status or None for 0.

    Exit status: that of `main`; that of a `UserError`; 2 after a flag that does not parse.
    """
    if not quiet.begin():
        # What TensorFlow tells its developers would bury what the program tells its user.
        logging.set_verbosity(logging.ERROR)
    sys.exit(app.run(lambda argv: _guarded(main, argv), flags_parser=_parse_flags))


def _parse_flags(argv):
    if any(argument.lstrip("-") in ("help", "h") for argument in argv[1:]):
        print(sys.modules["__main__"].__doc__)
        for module in flags.FLAGS.flags_by_module_dict():
            if not module.startswith(("absl", "tensorflow")):
                print(flags.FLAGS.module_help(module))
        sys.exit(0)
    try:
        remaining = flags.FLAGS([argv[0], *flagfiles_first(argv[1:])])
    except (flags.Error, OSError) as error:
        _fail(error)
    if len(remaining) > 1:
        _fail(f"unexpected argument {remaining[1]!r}: every setting is a flag, --name=value")
    return remaining


def flagfiles_first(arguments: Sequence[str]) -> list[str]:
    """Command-line arguments in an order in which flags override flagfiles wherever these stand.

    The lines of a flagfile stand for it, and `flagfile` says where it is.

    Raises:
      OSError: a flagfile cannot be read.
      flags.Error: it includes itself.
    """
    files = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    files.add_argument("-flagfile", "--flagfile", action="append", default=[])
    found, others = files.parse_known_args(arguments)
    return [*(line for path in found.flagfile for line in _lines_of(path, ())), *others]


def flagfile(path: str) -> Path:
    """Where a flagfile or a folder of them is: here, or else in the configs/ that come along.

    Args:
      path: such as configs/mnist.cfg.
    """
    found = Path(path)
    if not found.is_absolute() and not found.exists():
        package = Path(__file__).parent
        for folder in (package, package.parent):  # installed, and in a checkout
            if (folder / path).exists() and found.parts[0] == "configs":
                return folder / path
    return found


def _lines_of(path, including):
    """Flags of a flagfile, those of a flagfile that it includes where it does."""
    path = flagfile(path)
    if path in including:
        raise flags.Error(f"the flagfile {path} includes itself")
    for line in path.read_text().splitlines():
        name, _, value = line.strip().partition("=")
        if name.lstrip("-") == "flagfile" and name != "flagfile":
            yield from _lines_of(value, (*including, path))
        elif name and not name.startswith(("#", "//")):
            yield line.strip()


def _guarded(main, argv):
    quiet.report_crashes()
    try:
        return main(argv)
    except UserError as error:
        return _fail(error, error.status)


def _fail(error, status=UserError.status):
    message = " ".join(str(error).split())
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)
