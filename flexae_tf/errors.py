"""Errors that are the user's to mend, and how a command reports them."""

import argparse
import sys
from collections.abc import Callable, Sequence
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
    """Command-line arguments in an order in which flags override flagfiles wherever these stand."""
    files = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    files.add_argument("-flagfile", "--flagfile", action="append", default=[])
    found, others = files.parse_known_args(arguments)
    return [*(f"--flagfile={path}" for path in found.flagfile), *others]


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
