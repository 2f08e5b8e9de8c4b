"""Who the workers are: flags, TF_CONFIG, and mistakes in them."""

import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.training import workers
from flexae_tf.training.stopping import REASONS, TIME_UP

HOSTS = ["first:1111", "10.0.0.2:2222"]
CONFIG = {"cluster": {"worker": HOSTS}, "task": {"type": "worker", "index": 1}}


@pytest.fixture(autouse=True)
def no_tf_config(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "")


def test_flags_become_tf_config():
    workers.configure(HOSTS, 1)
    assert json.loads(os.environ["TF_CONFIG"]) == CONFIG


def test_ipv6_addresses_are_taken():
    workers.configure(["[::1]:1", "[fe80::2]:65535"], 0)


def test_tf_config_stands_where_there_are_no_flags(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(CONFIG))
    workers.configure([], None)
    assert json.loads(os.environ["TF_CONFIG"]) == CONFIG


def test_flags_may_repeat_what_tf_config_says(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(CONFIG))
    workers.configure(HOSTS, 1)


def test_flags_that_contradict_tf_config_are_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(CONFIG))
    with pytest.raises(UserError, match="contradict TF_CONFIG"):
        workers.configure(HOSTS, 0)


@pytest.mark.parametrize(
    ("hosts", "index", "expected"),
    [
        ([], None, "needs to know the workers"),
        (HOSTS, None, "go together"),
        ([], 0, "go together"),
        (["first"], 0, "must be host1:port,host2:port; received 'first'"),
        (["first:port"], 0, "received 'first:port'"),
        (["first:0"], 0, "received 'first:0'"),
        (["first:65536"], 0, "received 'first:65536'"),
        (["", "first:1"], 0, "received ''"),
        (["http://first:1"], 0, "received 'http://first:1'"),
        (["first:1", "first:1"], 0, "names a worker twice: first:1,first:1"),
        (HOSTS, 2, "must be 0 to 1 for 2 --worker_hosts; received 2"),
        (HOSTS, -1, "must be 0 to 1"),
    ],
)
def test_a_mistake_in_the_flags_is_named(hosts, index, expected):
    with pytest.raises(UserError, match=expected):
        workers.configure(hosts, index)


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}',
    ],
)
def test_a_tf_config_that_makes_no_sense_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG must be like"):
        workers.configure([], None)


def test_alone_a_worker_decides_at_once():
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    agreement = workers.Agreement(strategy)
    assert workers.count(strategy) == 1
    assert workers.is_chief(strategy)
    assert agreement.stop(TIME_UP) == TIME_UP
    assert agreement.stop(0) == 0
    assert agreement.of_chief(7) == 7
    assert agreement.is_chief


class _SeveralWorkers(workers.Agreement):
    """Agrees with workers that are told what to say, without a network."""

    def __init__(self, others):
        self._others, self._alone, self._asked = iter(others), False, None

    def _sum(self, values):
        return values + next(self._others)


def test_all_act_on_the_reason_of_any_one_call_later():
    nobody = [0.0] * len(REASONS)
    sigterm = [float(reason == 143) for reason in REASONS]
    agreement = _SeveralWorkers([nobody, sigterm, nobody, nobody])
    assert [agreement.stop(0) for _ in range(4)] == [0, 0, 143, 0]


def test_of_several_reasons_all_take_the_same():
    own, others = ([float(reason == known) for reason in REASONS] for known in (TIME_UP, 143))
    ours, theirs = _SeveralWorkers([others, others]), _SeveralWorkers([own, own])
    received = [(ours.stop(TIME_UP), theirs.stop(143)) for _ in range(2)]
    assert received == [(0, 0), (143, 143)]


def test_only_the_loss_of_a_worker_is_taken_for_one():
    for error in (
        tf.errors.UnavailableError(None, None, "Socket closed"),
        tf.errors.InternalError(None, None, "Collective ops is aborted by: reset by peer"),
    ):
        with pytest.raises(workers.WorkerLost, match="start all of them again"), workers.lost():
            raise error
    with pytest.raises(tf.errors.ResourceExhaustedError), workers.lost():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")


def test_waiting_for_workers_that_never_come_has_an_end():
    code = "import time; from flexae_tf.training import workers\n"
    code += "with workers.bounded_start(0.01): time.sleep(60)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 69
    assert "error: waited 0.01 s for the other workers" in done.stderr


@pytest.mark.parametrize("flag", ["--worker_hosts=a:1,b:2", "--worker_index=0"])
def test_worker_flags_need_their_strategy(tmp_path, flag):
    done = subprocess.run(
        [sys.executable, "-m", "flexae_tf.train", f"--run_dir={tmp_path / 'run'}", flag],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("need --strategy=multi_worker_mirrored")
