"""The launcher of several workers, on processes that need no TensorFlow."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from tools import launch


def python(code):
    return [sys.executable, "-c", code]


WAIT = "import time; time.sleep(60)"


def test_lines_carry_the_number_of_their_worker(capfd):
    says = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    assert launch.supervise([python(says), python(says)]) == 0
    received = capfd.readouterr()
    assert sorted(received.out.splitlines()) == ["[0] out", "[1] out"]
    assert sorted(received.err.splitlines()) == ["[0] err", "[1] err"]


def test_one_that_fails_ends_the_others_and_gives_the_status():
    began = time.monotonic()
    failing = python("raise SystemExit(7)")
    assert launch.supervise([python(WAIT), failing], grace_seconds=0.1) == 7
    assert time.monotonic() - began < 30


def test_a_killed_worker_has_the_status_of_its_signal():
    killed = python(f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    assert launch.supervise([killed, python(WAIT)], grace_seconds=0.1) == 128 + signal.SIGKILL


def test_the_first_failure_counts_not_what_follows_from_it():
    late = python("import time; time.sleep(1); raise SystemExit(69)")
    assert launch.supervise([late, python("raise SystemExit(2)")]) == 2


def test_a_worker_that_stops_as_it_should_leaves_the_others_their_time():
    saving = python("import time; time.sleep(1); raise SystemExit(143)")
    stopped = python("raise SystemExit(143)")
    assert launch.supervise([stopped, saving], grace_seconds=0) == 143


_STOPS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
print("ready", flush=True)
signal.pause()
"""


def test_sigterm_is_passed_on_to_all():
    code = f"from tools import launch; import sys; c = [sys.executable, '-c', {_STOPS!r}]\n"
    code += "sys.exit(launch.supervise([c, c]))"
    process = subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True)
    ready = sorted(process.stdout.readline() for _ in range(2))
    assert ready == ["[0] ready\n", "[1] ready\n"]
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    assert process.wait() == 143


def test_workers_get_the_same_free_ports_and_their_own_number():
    first, second = launch.commands(2, ["--batch_size=8"])
    assert first[:4] == [sys.executable, "-m", "flexae_tf.train", "--batch_size=8"]
    assert first[:-1] == second[:-1]
    assert (first[-1], second[-1]) == ("--worker_index=0", "--worker_index=1")
    (hosts,) = [flag for flag in first if flag.startswith("--worker_hosts=127.0.0.1:")]
    ports = [int(host.rsplit(":", 1)[1]) for host in hosts.split("=")[1].split(",")]
    assert len(set(ports)) == 2
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_no_workers_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as stop:
        launch.main(["--workers=0"])
    assert stop.value.code == 2
    assert "at least 1; received 0" in capsys.readouterr().err
