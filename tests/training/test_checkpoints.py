"""Checkpoints: the rule that keeps them, damaged ones, writes that fail."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.errors import UserError
from flexae_tf.networks.layers import Adam
from flexae_tf.training import checkpoints
from flexae_tf.training.checkpoints import Checkpoints


def state(units=3):
    """A checkpoint of a small network, its optimizer and an iteration counter."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])
    optimizer = Adam(0.1)
    optimizer.build(network.trainable_variables)
    return tf.train.Checkpoint(
        iteration=tf.Variable(0, dtype=tf.int64),
        networks={"network": network},
        optimizers={"player": optimizer},
    )


def set_all(checkpoint, value):
    """Sets the counter and every weight to one value, so that it says which checkpoint it is."""
    checkpoint.iteration.assign(value)
    for weight in checkpoint.networks["network"].weights:
        weight.assign(tf.fill(weight.shape, float(value)))


def assert_all(checkpoint, value):
    assert int(checkpoint.iteration) == value
    for weight in checkpoint.networks["network"].weights:
        np.testing.assert_array_equal(weight, np.full(weight.shape, value, np.float32))


def saved(folder, iterations, **rule):
    """Saves checkpoints of these iterations. Returns their Checkpoints and the state."""
    checkpoint = state()
    kept = Checkpoints(folder, checkpoint, **rule)
    for iteration in iterations:
        set_all(checkpoint, iteration)
        kept.save(iteration)
    set_all(checkpoint, -1)
    return kept, checkpoint


def data_file(folder, iteration):
    return folder / f"ckpt-{iteration}.data-00000-of-00001"


def index_file(folder, iteration):
    return folder / f"ckpt-{iteration}.index"


def test_the_newest_checkpoint_comes_back(tmp_path):
    kept, checkpoint = saved(tmp_path, [5, 10])
    assert kept.restore() == 10
    assert_all(checkpoint, 10)
    other = state()
    assert Checkpoints(tmp_path, other).restore() == 10
    assert_all(other, 10)


def test_without_checkpoints_nothing_is_restored(tmp_path):
    checkpoint = state()
    set_all(checkpoint, 4)
    assert Checkpoints(tmp_path, checkpoint).restore() is None
    assert_all(checkpoint, 4)


def test_iterations_are_numbers_not_names(tmp_path):
    saved(tmp_path, [9, 10, 100], keep=3)
    (tmp_path / "ckpt-7.data-00000-of-00001").write_bytes(b"without an index")
    (tmp_path / "ckpt-x.index").write_bytes(b"of another program")
    assert checkpoints.iterations(tmp_path) == [9, 10, 100]


@pytest.mark.parametrize(
    ("keep", "keep_every_steps", "kept"),
    [
        (1, 0, [60]),
        (3, 0, [40, 50, 60]),
        (2, 30, [30, 50, 60]),
        (1, 20, [20, 40, 60]),
        (9, 0, [10, 20, 30, 40, 50, 60]),
    ],
)
def test_the_rule_that_keeps_checkpoints(tmp_path, keep, keep_every_steps, kept):
    saved(tmp_path, range(10, 70, 10), keep=keep, keep_every_steps=keep_every_steps)
    assert checkpoints.iterations(tmp_path) == kept
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"checkpoint"} | {
        name for n in kept for name in (data_file(tmp_path, n).name, index_file(tmp_path, n).name)
    }
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-60")


def truncate_data(folder, iteration, share):
    path = data_file(folder, iteration)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def flip_data(folder, iteration):
    content = bytearray(data_file(folder, iteration).read_bytes())
    content[3] ^= 1
    data_file(folder, iteration).write_bytes(content)


DAMAGES = {
    "index of garbage": lambda f, n: index_file(f, n).write_bytes(b"garbage" * 99),
    "empty index": lambda f, n: index_file(f, n).write_bytes(b""),
    "short index": lambda f, n: index_file(f, n).write_bytes(index_file(f, n).read_bytes()[:-9]),
    "no data": lambda f, n: data_file(f, n).unlink(),
    "changed data": flip_data,
}
SHORT_DATA = {
    "empty data": lambda f, n: truncate_data(f, n, 0),
    "short data": lambda f, n: truncate_data(f, n, 0.5),
    "data but for the end": lambda f, n: truncate_data(f, n, 0.99),
}
EACH_DAMAGE = [pytest.param(damage, id=name) for name, damage in (DAMAGES | SHORT_DATA).items()]


@pytest.mark.parametrize("damage", EACH_DAMAGE)
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(tmp_path, capsys, damage):
    kept, checkpoint = saved(tmp_path, [1, 2, 3])
    damage(tmp_path, 3)
    assert kept.restore() == 2
    assert_all(checkpoint, 2)
    warnings = capsys.readouterr().err.splitlines()
    warnings = [line for line in warnings if line.startswith("warning:")]
    assert len(warnings) == 1
    assert str(tmp_path / "ckpt-3") in warnings[0]
    assert "trying the one before" in warnings[0]


def test_two_damaged_checkpoints_give_way_to_the_one_before_them(tmp_path):
    kept, checkpoint = saved(tmp_path, [1, 2, 3])
    DAMAGES["index of garbage"](tmp_path, 3)
    DAMAGES["no data"](tmp_path, 2)
    assert kept.restore() == 1
    assert_all(checkpoint, 1)


def test_all_damaged_is_an_error_that_says_what_to_do(tmp_path):
    kept, _ = saved(tmp_path, [1, 2])
    for iteration in (1, 2):
        DAMAGES["changed data"](tmp_path, iteration)
    with pytest.raises(UserError, match=r"no checkpoint in .* can be read.*--run_dir"):
        kept.restore()


def test_what_is_written_after_falling_back_is_kept(tmp_path):
    saved(tmp_path, [10, 20])
    DAMAGES["changed data"](tmp_path, 20)
    checkpoint = state()
    kept = Checkpoints(tmp_path, checkpoint, keep=1)
    assert kept.restore() == 10
    set_all(checkpoint, 15)
    kept.save(15)
    assert 15 in checkpoints.iterations(tmp_path)
    assert Checkpoints(tmp_path, checkpoint).restore() == 15


def test_other_networks_are_refused(tmp_path):
    saved(tmp_path, [1])
    with pytest.raises(UserError, match="cannot read the checkpoint"):
        checkpoints.restore(state(units=4), tmp_path / "ckpt-1")
    bigger = state()
    bigger.networks["second"] = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(UserError, match="cannot read the checkpoint"):
        checkpoints.restore(bigger, tmp_path / "ckpt-1")


def test_a_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the checkpoint .*ckpt-7"):
        checkpoints.restore(state(), tmp_path / "ckpt-7")


# Saves a checkpoint, then another while no file may grow beyond 1,000 bytes, as on a full disk.
_FULL_DISK = """
import resource, sys
from flexae_tf.errors import UserError
from tests.training.test_checkpoints import saved, set_all
kept, checkpoint = saved(sys.argv[1], [1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
set_all(checkpoint, 2)
try:
    kept.save(2)
except UserError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory):
    """The folder and the error of a write that failed for want of space."""
    folder = tmp_path_factory.mktemp("full_disk")
    result = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(folder)], capture_output=True, text=True, check=True
    )
    return folder, result.stdout


def test_a_failed_write_is_an_error_and_leaves_the_former_intact(full_disk):
    folder, message = full_disk
    assert len(message.splitlines()) == 1
    assert f"could not write the checkpoint {folder / 'ckpt-2'}" in message
    assert "the checkpoint of iteration 1 is intact" in message
    assert "make room, or the folder writable, and start the same command again" in message
    assert checkpoints.iterations(folder) == [1]
    checkpoint = state()
    assert Checkpoints(folder, checkpoint).restore() == 1
    assert_all(checkpoint, 1)


def test_a_failed_write_names_its_cause(full_disk):
    assert "File too large; " in full_disk[1]


def test_a_failed_write_leaves_nothing_behind(full_disk):
    names = {path.name for path in full_disk[0].iterdir()}
    assert names == {"checkpoint", "ckpt-1.index", "ckpt-1.data-00000-of-00001"}


def test_what_others_left_unfinished_is_removed(tmp_path):
    for name in ("ckpt-7.data-00000-of-00001", "ckpt-8.index.tempstate123", "checkpoint.tmp5"):
        (tmp_path / name).touch()
    (tmp_path / "ckpt-9_temp").mkdir()
    saved(tmp_path, [1])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"checkpoint", "ckpt-1.index", "ckpt-1.data-00000-of-00001"}


def test_a_checkpoint_is_on_the_disk_before_the_former_goes(tmp_path, monkeypatch):
    """A machine without power keeps what was synchronized, and nothing else can be relied on."""
    kept, checkpoint = saved(tmp_path, [1], keep=1)
    synchronized = []

    def sync(path):
        synchronized.append(path)
        assert checkpoints.iterations(tmp_path) == [1, 2]

    monkeypatch.setattr(checkpoints.files, "sync", sync)
    set_all(checkpoint, 2)
    kept.save(2)
    assert set(synchronized) == {data_file(tmp_path, 2), index_file(tmp_path, 2), tmp_path}
    assert synchronized[-1] == tmp_path
    assert checkpoints.iterations(tmp_path) == [2]


def test_a_disk_that_fails_to_take_it_is_an_error(tmp_path, monkeypatch):
    kept, _ = saved(tmp_path, [1])

    def sync(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(checkpoints.files, "sync", sync)
    with pytest.raises(UserError, match=r"Input/output error; the checkpoint of iteration 1 is"):
        kept.save(2)
    assert checkpoints.iterations(tmp_path) == [1]


def test_the_first_write_failing_says_that_there_is_none(tmp_path):
    (tmp_path / "file").touch()
    kept = Checkpoints(tmp_path / "file", state())
    with pytest.raises(UserError, match="there is none"):
        kept.save(1)
