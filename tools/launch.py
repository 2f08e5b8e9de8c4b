"""Trains with several workers on this machine: python -m tools.launch --workers=2 -- FLAGS

Starts `flexae_tf.train FLAGS` once per worker on free ports of the loopback interface and puts the
worker's number before each of its lines. SIGTERM and Ctrl-C go to all workers. When one fails, the
others are given a few seconds to say so and are then ended.

Exit status: 0 when all workers have finished, otherwise that of the first one that did not.
"""

import argparse
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

from flexae_tf.training import stopping

# The workers of one that died notice within seconds; a worker that hangs never does.
_GRACE_SECONDS = 15


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2, help="how many (2)")
    parser.add_argument("flags", nargs="*", help="of flexae_tf.train, after --")
    arguments = parser.parse_args(argv)
    if arguments.workers < 1:
        parser.error(f"--workers must be at least 1; received {arguments.workers}")
    return supervise(commands(arguments.workers, arguments.flags))


def commands(workers: int, flags: Sequence[str]) -> list[list[str]]:
    """The command lines of so many workers: lists of arguments."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in free_ports(workers))
    train = [sys.executable, "-m", "flexae_tf.train", *flags]
    cluster = ["--strategy=multi_worker_mirrored", f"--worker_hosts={hosts}"]
    return [[*train, *cluster, f"--worker_index={index}"] for index in range(workers)]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def supervise(commands: Sequence[Sequence[str]], grace_seconds: float = _GRACE_SECONDS) -> int:
    """Runs commands side by side until all have ended.

    Args:
      commands: lists of arguments. grace_seconds: from a failure until the others are killed.

    Returns:
      0, or the exit status of the first that ended with another (128 + number for a signal).
    """
    processes, ended = [], queue.Queue()
    previous = {
        signum: signal.signal(signum, lambda signum, _: _send(processes, signum))
        for signum in stopping.SIGNALS
    }
    # In sessions of their own, so that a Ctrl-C at the terminal reaches them once, from here.
    for command in commands:
        processes.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        )
    threads = [
        threading.Thread(target=_watch, args=(index, process, ended))
        for index, process in enumerate(processes)
    ]
    for thread in threads:
        thread.start()
    try:
        return _first_failure(processes, ended, grace_seconds)
    finally:
        _send(processes, signal.SIGKILL)
        for thread in threads:
            thread.join()
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def _first_failure(processes, ended, grace_seconds):
    status, killer = 0, None
    for _ in processes:
        code = ended.get()
        code = 128 - code if code < 0 else code
        status = status or code
        # Stopping together, workers take as long as saving a checkpoint takes.
        if code and code not in stopping.REASONS and not killer:
            killer = threading.Timer(grace_seconds, _send, (processes, signal.SIGKILL))
            killer.start()
    if killer:
        killer.cancel()
    return status


def _watch(index, process, ended):
    """Prints a worker's lines with its number, and says when it has ended."""
    errors = threading.Thread(target=_prefix, args=(index, process.stderr, sys.stderr))
    errors.start()
    _prefix(index, process.stdout, sys.stdout)
    errors.join()
    ended.put(process.wait())


def _prefix(index, lines, output):
    with lines:
        for line in lines:
            output.write(f"[{index}] {line.rstrip()}\n")
            output.flush()


def _send(processes, signum):
    for process in processes:
        if process.poll() is None:
            process.send_signal(signum)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
