"""Many tasks of a few commands each, several at a time: started, watched and stopped."""

import abc
import collections
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from flexae_tf.errors import UserError
from flexae_tf.training.stopping import REASONS, TIME_UP, Stopping

_POLL_SECONDS = 0.2
_REPORT_SECONDS = 30
_PROGRESS = re.compile(r"\d+/\d+ ")  # what a line of progress begins with

# Of small networks: a second thread costs more than it gives.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

FINISHED, FAILED, BUSY, UNFINISHED = "finished", "failed", "busy", "unfinished"


class Busy(Exception):
    """Another process is at work on this task."""


class Command(NamedTuple):
    """A command line.

    Attributes:
      arguments: list of texts.
      output: file that gets its standard output once it has ended well, or None for the log.
    """

    arguments: list
    output: Path | None = None


class Task(abc.ABC):
    """Something that takes some commands, one after another.

    Attributes:
      name: for messages.
      log: file that its commands' output is added to.
    """

    name: str
    log: Path

    @abc.abstractmethod
    def next_command(self) -> Command | None:
        """The Command to run now, or None where all is done; found out from what is on disk.

        Raises:
          Busy: another process is at it.
          UserError: it cannot be done.
        """


class Outcome(NamedTuple):
    """How a task ended: one of the states above, and in a few words why."""

    state: str
    reason: str = ""


def run(
    tasks: Sequence[Task], jobs: int, environment: Mapping[str, str] | None = None
) -> tuple[dict[str, Outcome], int]:
    """Runs tasks, `jobs` at a time, and says on standard error how they fare.

    One that fails does not keep the others from running; one that another process is at is tried
    once more when all others are done. SIGTERM and SIGINT are passed on to the commands as SIGTERM;
    what was not begun stays so.

    Args:
      tasks: list of Task. jobs: at least 1.
      environment: {variable: text} to set for the commands.

    Returns:
      ({task name: Outcome}, exit status: 128 + signal number after a signal; 1 if a task failed; 75
      if all is well but another process or another start must do the rest; otherwise 0).
    """
    environment = {**os.environ, **(environment or {})}
    with Stopping() as stopping:
        pool = _Pool(tasks, jobs, environment)
        while pool.work(stopping.reason()):
            time.sleep(_POLL_SECONDS)
        reason = stopping.reason()
    states = {outcome.state for outcome in pool.outcomes.values()}
    status = 1 if FAILED in states else TIME_UP if states & {BUSY, UNFINISHED} else 0
    return {task.name: pool.outcomes[task.name] for task in tasks}, reason or status


def report_unfinished(outcomes: Mapping[str, Outcome]) -> None:
    """Says on standard error which of {task name: Outcome} did not finish, and why."""
    for name, outcome in outcomes.items():
        if outcome.state != FINISHED:
            print(f"{outcome.state}: {name}: {outcome.reason}", file=sys.stderr)


class _Running(NamedTuple):
    process: subprocess.Popen
    command: Command
    log_start: int  # bytes of the log before this command


class _Pool:
    def __init__(self, tasks: Sequence[Task], jobs: int, environment: Mapping[str, str]) -> None:
        self._jobs, self._environment, self._count = jobs, environment, len(tasks)
        self._waiting, self._busy = collections.deque(tasks), []
        self._running = {}  # {task: _Running}
        self._terminated = False
        self._reported = time.monotonic()
        self.outcomes = {}

    def work(self, stop: int) -> bool:
        """Starts what can start and takes note of what has ended. Returns whether more is to do."""
        if stop and not self._terminated:
            self._terminated = True
            for running in self._running.values():
                running.process.terminate()
            for task in (*self._waiting, *self._busy):
                self._end(task, UNFINISHED, "not reached")
            self._waiting.clear()
            self._busy.clear()
        while self._waiting and len(self._running) < self._jobs:
            self._advance(self._waiting.popleft())
        for task, running in list(self._running.items()):
            if running.process.poll() is not None:
                del self._running[task]
                self._ended(task, running)
        self._report()
        if not self._waiting and not self._running:
            for task in self._busy:
                self._advance(task, again=True)
            self._busy.clear()
        return bool(self._waiting or self._running)

    def _advance(self, task, again=False, previous=None):
        """Starts a task's next command, if there is one."""
        try:
            command = task.next_command()
        except Busy:
            if again:
                self._end(task, BUSY, "another process is at it")
            else:
                self._busy.append(task)
            return
        except UserError as error:
            self._end(task, FAILED, str(error))
            return
        if command is None:
            self._end(task, FINISHED)
        elif command == previous:
            self._end(task, FAILED, f"ended well, but without a result; see {task.log}")
        else:
            self._running[task] = self._start(task, command)

    def _start(self, task, command):
        task.log.parent.mkdir(parents=True, exist_ok=True)
        with task.log.open("a") as log:
            print("$", *command.arguments, file=log, flush=True)
            start = log.tell()
            output = log
            if command.output:
                command.output.parent.mkdir(parents=True, exist_ok=True)
                output = _partial(command.output).open("w")
            # In a session of its own, so that a Ctrl-C at the terminal reaches it once, from here.
            process = subprocess.Popen(
                command.arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
            if command.output:
                output.close()
        self._say(f"{task.name}: {_module(command)} (pid {process.pid}, log {task.log})")
        return _Running(process, command, start)

    def _ended(self, task, running):
        code = running.process.returncode
        if code == 0:
            if running.command.output:
                os.replace(_partial(running.command.output), running.command.output)
            if self._terminated:
                self._end(task, UNFINISHED, "interrupted")
            else:
                self._advance(task, previous=running.command)
        elif self._terminated or code in REASONS:
            self._end(task, UNFINISHED, "interrupted")
        elif _is_busy(task):  # somebody else was a moment faster
            self._busy.append(task)
        else:
            self._end(task, FAILED, _failure(task, running))

    def _end(self, task, state, reason=""):
        self.outcomes[task.name] = Outcome(state, reason)
        self._say(f"{task.name}: {state}" + (f": {reason}" if reason else ""))

    def _report(self):
        """Every now and then, the last line of progress in each log."""
        if time.monotonic() - self._reported > _REPORT_SECONDS:
            self._reported = time.monotonic()
            for task, running in self._running.items():
                lines = [line for line in _lines(task, running) if _PROGRESS.match(line)]
                if lines:
                    self._say(f"{task.name}: {lines[-1][:80]}")

    def _say(self, text):
        print(f"[{len(self.outcomes)}/{self._count}] {text}", file=sys.stderr, flush=True)


def _is_busy(task):
    try:
        task.next_command()
    except Busy:
        return True
    except UserError:
        pass
    return False


def _module(command):
    """What a command line runs: the module after -m."""
    arguments = command.arguments
    return arguments[arguments.index("-m") + 1] if "-m" in arguments else arguments[0]


def _partial(path):
    return path.with_name(f"{path.name}.partial")


def _lines(task, running):
    """The lines that a command has added to its task's log."""
    with task.log.open("rb") as log:
        log.seek(max(running.log_start, log.seek(0, os.SEEK_END) - 10_000))
        text = log.read().decode(errors="replace")
    return [line for line in text.splitlines() if line.strip()]


def _failure(task, running):
    """Why a command ended as it did, in a line."""
    code = running.process.returncode
    if code < 0:
        return f"{_module(running.command)} was killed by {signal.Signals(-code).name}"
    lines = _lines(task, running)
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    said = (errors or lines or ["nothing"])[-1]
    return f"{_module(running.command)} ended with status {code}: {said} (log {task.log})"
