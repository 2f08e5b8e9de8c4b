"""Several machines that train one model: who they are, what they agree on, and losing one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TypeVar

import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.training.stopping import REASONS

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):(\d{1,5})")
START_TIMEOUT_SECONDS = 600


Number = TypeVar("Number", int, float)


class WorkerLost(UserError):
    """Another worker ended; the status is EX_UNAVAILABLE of sysexits.h."""

    status = 69


def configure(hosts: Sequence[str] | None, index: int | None) -> None:
    """Sets TF_CONFIG from the flags, or checks the one that is set.

    Args:
      hosts: "host:port" of every worker, the first one the chief's, or empty for TF_CONFIG's.
      index: which of them is this process, from 0; None for TF_CONFIG's.

    Raises:
      UserError: neither or one of the two is given, one is malformed, or they contradict.
    """
    found = _from_environment()
    if not hosts and index is None:
        if found is None:
            raise UserError(
                "--strategy=multi_worker_mirrored needs to know the workers: give "
                "--worker_hosts=host1:port,host2:port and --worker_index, or set TF_CONFIG"
            )
        return
    given = _from_flags(hosts, index)
    if found not in (None, given):
        raise UserError(
            "--worker_hosts and --worker_index contradict TF_CONFIG, which says "
            f"{os.environ['TF_CONFIG']}: leave out the flags or unset TF_CONFIG"
        )
    os.environ["TF_CONFIG"] = json.dumps(given)


def _from_flags(hosts, index):
    if not hosts or index is None:
        raise UserError("--worker_hosts and --worker_index go together: give both")
    for host in hosts:
        match = _ADDRESS.fullmatch(host)
        if not match or not 0 < int(match[2]) < 65536:
            raise UserError(f"--worker_hosts must be host1:port,host2:port; received {host!r}")
    if len(set(hosts)) < len(hosts):
        raise UserError(f"--worker_hosts names a worker twice: {','.join(hosts)}")
    if not 0 <= index < len(hosts):
        raise UserError(
            f"--worker_index must be 0 to {len(hosts) - 1} for {len(hosts)} --worker_hosts; "
            f"received {index}"
        )
    return {"cluster": {"worker": list(hosts)}, "task": {"type": "worker", "index": index}}


def _from_environment():
    """What TF_CONFIG says, or None. Raises UserError if that cannot be understood."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return None
    try:
        found = json.loads(text)
        task = found["task"]
        hosts = found["cluster"][task["type"]]
        hosts[int(task["index"])]
    except (ValueError, KeyError, TypeError, IndexError):
        raise UserError(
            'TF_CONFIG must be like {"cluster": {"worker": ["host1:port", "host2:port"]}, '
            f'"task": {{"type": "worker", "index": 0}}}}; received {text}'
        ) from None
    return found


def count(strategy: tf.distribute.Strategy) -> int:
    """How many workers train together."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return 1
    jobs = resolver.cluster_spec().as_dict()
    return len(jobs.get("chief", [])) + len(jobs.get("worker", []))


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes: the only one, or the first of the workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)


class Agreement:
    """What the workers decide together, so that none waits for the others in vain.

    Every worker must ask the same questions in the same order.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self._strategy = strategy
        self._alone = count(strategy) == 1
        self._asked = None
        self._sum = tf.function(self._sum_over_replicas, autograph=False)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes."""
        return is_chief(self._strategy)

    def stop(self, reason: int) -> int:
        """The reason to stop that all workers act on.

        Args:
          reason: this worker's own, one of `stopping.REASONS` or 0.

        Returns:
          Alone, the same. Among several the answer to the call before, which has arrived
          meanwhile, so that an accelerator never waits for it.
        """
        if self._alone:
            return reason
        before = self._asked
        self._asked = self._sum(tf.constant([float(reason == known) for known in REASONS]))
        if before is None or not tf.reduce_any(before > 0):
            return 0
        return REASONS[int(tf.argmax(before))]

    def of_chief(self, number: Number) -> Number:
        """The chief's number, an int or a float, whatever the others have."""
        if self._alone:
            return number
        kind = tf.int64 if isinstance(number, int) else tf.float64
        own = tf.constant(number if is_chief(self._strategy) else 0, kind)
        replicas_of_chief = self._strategy.num_replicas_in_sync // count(self._strategy)
        return type(number)(self._sum(own) / replicas_of_chief)

    def _sum_over_replicas(self, values):
        """Sums values over all replicas, each of which has its worker's."""
        parts = self._strategy.run(tf.identity, (values,))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, parts, axis=None)


@contextlib.contextmanager
def lost() -> Iterator[None]:
    """Turns TensorFlow's error about a worker that ended into a `WorkerLost`."""
    try:
        yield
    except tf.errors.OpError as error:
        raise_if_lost(error)
        raise


def raise_if_lost(error: Exception) -> None:
    """Raises WorkerLost if an error says that another worker ended."""
    if isinstance(error, tf.errors.UnavailableError) or "ollective" in str(error):
        raise WorkerLost(
            "another worker ended or cannot be reached any more: see what it says, then start all "
            "of them again; they resume from the last checkpoint"
        ) from error


@contextlib.contextmanager
def bounded_start(seconds: float = START_TIMEOUT_SECONDS) -> Iterator[None]:
    """Ends the process if what is in the context takes longer: workers wait for each other."""

    def give_up():
        print(
            f"error: waited {seconds} s for the other workers: start all of them, and see that "
            "each can reach the others' addresses",
            file=sys.stderr,
            flush=True,
        )
        os._exit(WorkerLost.status)  # the main thread is inside TensorFlow

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
