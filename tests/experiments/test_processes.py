"""Tasks of stub commands: order, failure, other processes, signals."""

import os
import signal
import sys
import threading
import time

import pytest

from flexae_tf.errors import UserError
from flexae_tf.experiments import processes
from flexae_tf.experiments.processes import BUSY, FAILED, FINISHED, UNFINISHED, Busy, Command


def python(code):
    return [sys.executable, "-c", code]


class Stub(processes.Task):
    """Does its commands in order; one is done when the file of its number is there."""

    def __init__(self, folder, name, *codes):
        self.name, self.log = name, folder / f"{name}.txt"
        self._files = [folder / f"{name}.{i}" for i in range(len(codes))]
        self._commands = [
            Command(python(code.replace("DONE", f"open({str(path)!r}, 'w').close()")))
            for code, path in zip(codes, self._files, strict=True)
        ]

    def next_command(self):
        left = (c for c, f in zip(self._commands, self._files, strict=True) if not f.exists())
        return next(left, None)


def test_runs_the_commands_of_a_task_one_after_another(tmp_path, capsys):
    tasks = [Stub(tmp_path, name, "print('one'); DONE", "print('two'); DONE") for name in "ab"]
    outcomes, status = processes.run(tasks, jobs=2)
    assert {name: outcome.state for name, outcome in outcomes.items()} == {
        "a": FINISHED,
        "b": FINISHED,
    }
    assert status == 0
    said = [line for line in tasks[0].log.read_text().splitlines() if not line.startswith("$")]
    assert said == ["one", "two"]
    assert "[2/2]" in capsys.readouterr().err
    # Started again there is nothing to do.
    before = tasks[0].log.read_text()
    assert processes.run(tasks, jobs=1)[1] == 0
    assert tasks[0].log.read_text() == before


def test_a_failure_is_told_and_stops_no_other(tmp_path, capsys):
    failing = Stub(
        tmp_path, "failing", "import sys; print('error: no data', file=sys.stderr); sys.exit(2)"
    )
    killed = Stub(tmp_path, "killed", "import os; os.kill(os.getpid(), 9)")
    idle = Stub(tmp_path, "idle", "pass")
    good = Stub(tmp_path, "good", "DONE")
    outcomes, status = processes.run([failing, killed, idle, good], jobs=1)
    assert status == 1
    assert outcomes["good"].state == FINISHED
    assert [outcomes[name].state for name in ("failing", "killed", "idle")] == [FAILED] * 3
    assert "status 2: no data" in outcomes["failing"].reason
    assert "SIGKILL" in outcomes["killed"].reason
    assert "without a result" in outcomes["idle"].reason
    assert "failing: failed" in capsys.readouterr().err


def test_output_appears_only_once_its_command_has_ended_well(tmp_path):
    class Writer(Stub):
        output = tmp_path / "results" / "record.json"

        def next_command(self):
            if self.output.exists():
                return None
            ended = tmp_path / "tried"
            status = 0 if ended.exists() else 3
            ended.touch()
            return Command(python(f"print('{{}}'); import sys; sys.exit({status})"), self.output)

    task = Writer(tmp_path, "writer")
    assert processes.run([task], jobs=1)[1] == 1
    assert not task.output.exists()
    assert processes.run([task], jobs=1)[1] == 0
    assert task.output.read_text() == "{}\n"


def test_a_busy_task_is_tried_again_at_the_end(tmp_path):
    class Held(Stub):
        tries = 0

        def next_command(self):
            self.tries += 1
            if self.tries < self.free_at:
                raise Busy
            return super().next_command()

    freed, held = Held(tmp_path, "freed", "DONE"), Held(tmp_path, "held", "DONE")
    freed.free_at, held.free_at = 2, 100
    other = Stub(tmp_path, "other", "DONE")
    outcomes, status = processes.run([freed, held, other], jobs=1)
    assert status == 75
    assert outcomes["freed"].state == outcomes["other"].state == FINISHED
    assert outcomes["held"].state == BUSY
    assert held.tries == 2


def test_a_task_that_cannot_be_done_is_a_failure(tmp_path):
    class Impossible(Stub):
        def next_command(self):
            raise UserError("other flags")

    outcomes, status = processes.run([Impossible(tmp_path, "impossible")], jobs=1)
    assert (status, outcomes["impossible"]) == (1, (FAILED, "other flags"))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_commands_and_begins_no_more(tmp_path, signum):
    started = tmp_path / "started"
    running = Stub(
        tmp_path,
        "running",
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        f"open({str(started)!r}, 'w').close()\n"
        "time.sleep(60)",
    )

    def interrupt():
        while not started.exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signum)

    thread = threading.Thread(target=interrupt)
    thread.start()
    outcomes, status = processes.run([running, Stub(tmp_path, "next", "DONE")], jobs=1)
    thread.join()
    assert status == 128 + signum
    assert outcomes == {
        "running": (UNFINISHED, "interrupted"),
        "next": (UNFINISHED, "not reached"),
    }


def test_environment_reaches_the_commands(tmp_path):
    task = Stub(tmp_path, "task", "import os; assert os.environ['THREADS'] == '1'; DONE")
    assert processes.run([task], jobs=1, environment={"THREADS": "1"})[1] == 0
