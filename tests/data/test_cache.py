"""The cache of decoded data sets: reuse, damage, concurrency, a full disk."""

import errno
import json
import multiprocessing
import os
import signal

import numpy as np
import pytest

from flexae_tf import data
from flexae_tf.data import cache
from flexae_tf.errors import UserError

X = np.random.default_rng(0).integers(0, 256, (30, 4, 5, 3), np.uint8)


@pytest.fixture
def npz(tmp_path):
    path = tmp_path / "images.npz"
    np.savez(path, x_train=X[:20], x_test=X[20:], y_train=np.arange(20), y_test=np.arange(10))
    return path


def _load(npz, cache_dir):
    return data.load("npz", data_dir=npz, cache_dir=cache_dir)


def _entries(cache_dir):
    return [path for path in (cache_dir / "datasets").iterdir() if path.is_dir()]


def _check(dataset):
    np.testing.assert_array_equal(dataset.train, X[:20])
    np.testing.assert_array_equal(dataset.test, X[20:])
    np.testing.assert_array_equal(dataset.train_labels, np.arange(20))
    assert dataset.test_labels.dtype == np.int64


def test_arrays_are_read_only_maps_and_decoded_once(npz, tmp_path, monkeypatch):
    first = _load(npz, tmp_path / "cache")
    _check(first)
    assert isinstance(first.train, np.memmap)
    assert not first.train.flags.writeable
    monkeypatch.setattr(cache, "_build", None)  # would fail if it were called
    second = _load(npz, tmp_path / "cache")
    _check(second)
    assert second.fingerprint == first.fingerprint


def test_changed_source_is_decoded_again(npz, tmp_path):
    first = _load(npz, tmp_path / "cache")
    np.savez(npz, x_train=X[10:], x_test=X[:10])
    os.utime(npz, (1, 1))
    second = _load(npz, tmp_path / "cache")
    np.testing.assert_array_equal(second.train, X[10:])
    assert second.train_labels is None
    assert second.fingerprint != first.fingerprint


@pytest.mark.parametrize("name", ["train.npy", "test_labels.npy", "info.json"])
@pytest.mark.parametrize("damage", ["truncate", "empty", "remove"])
def test_damaged_entry_is_rebuilt_with_a_word(npz, tmp_path, capsys, name, damage):
    first = _load(npz, tmp_path / "cache")
    (entry,) = _entries(tmp_path / "cache")
    if damage == "remove":
        (entry / name).unlink()
    else:
        content = (entry / name).read_bytes()
        (entry / name).write_bytes(content[:-9] if damage == "truncate" else b"")
    second = _load(npz, tmp_path / "cache")
    _check(second)
    assert second.fingerprint == first.fingerprint
    assert capsys.readouterr().err.count("is damaged: decoding it again") == 1
    assert _entries(tmp_path / "cache") == [entry]


@pytest.mark.parametrize("info", ["[]", '{"bytes": 3}', '{"bytes": {"none.npy": 1}}', "{"])
def test_info_of_another_form_is_damage(npz, tmp_path, info):
    _load(npz, tmp_path / "cache")
    (entry,) = _entries(tmp_path / "cache")
    (entry / "info.json").write_text(info)
    _check(_load(npz, tmp_path / "cache"))
    assert json.loads((entry / "info.json").read_text())["label_names"][:2] == ["0", "1"]


def test_leftovers_of_a_killed_process_do_no_harm(npz, tmp_path):
    _load(npz, tmp_path / "cache")
    (entry,) = _entries(tmp_path / "cache")
    entry.rename(entry.with_name(entry.name + ".partial"))
    (entry.with_name(entry.name + ".partial") / "train.npy").write_bytes(b"half")
    _check(_load(npz, tmp_path / "cache"))
    assert _entries(tmp_path / "cache") == [entry]


def _load_and_report(npz, cache_dir, queue, together):
    build = cache._build

    def reported_build(*args):
        queue.put("build")
        build(*args)

    cache._build = reported_build
    together.wait()
    _check(_load(npz, cache_dir))
    queue.put("done")


def test_concurrent_preparations_decode_once(npz, tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    arguments = (npz, tmp_path / "cache", queue, context.Barrier(3))
    workers = [context.Process(target=_load_and_report, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(queue.get() for _ in range(4)) == ["build", "done", "done", "done"]


def _die_while_writing(npz, cache_dir):
    cache.fingerprint = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    _load(npz, cache_dir)


def test_a_killed_preparation_leaves_nothing_that_is_read(npz, tmp_path):
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_die_while_writing, args=(npz, tmp_path / "cache"))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert [path.suffix for path in _entries(tmp_path / "cache")] == [".partial"]
    _check(_load(npz, tmp_path / "cache"))


def test_full_disk_is_one_line_and_leaves_nothing(npz, tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.os, "fsync", no_space)
    with pytest.raises(UserError, match=r"cannot write.*cache/datasets: No space.*MiB free"):
        _load(npz, tmp_path / "cache")
    assert _entries(tmp_path / "cache") == []


def test_too_little_room_is_told_before_decoding(npz, tmp_path, monkeypatch):
    usage = cache.shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(cache, "_write_split", None)  # would fail if it were called
    with pytest.raises(UserError, match=r"the data set needs 0 MiB \(0 MiB free there\)"):
        _load(npz, tmp_path / "cache")
    assert _entries(tmp_path / "cache") == []


def test_folder_that_cannot_be_made_is_one_line(npz, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write.*FLEXAE_TF_CACHE"):
        _load(npz, tmp_path / "file")


def test_a_source_that_yields_too_little_is_refused(tmp_path):
    short = cache.Split(3, (2,), np.uint8, iter([(np.zeros((2, 2), np.uint8), None)]))
    source = cache.Source("short", {}, [], lambda: ({"train": short}, ()))
    with pytest.raises(UserError, match="short train: expected 3 examples, received 2"):
        cache.cached(source, tmp_path)
    assert _entries(tmp_path) == []


def test_cache_root(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FLEXAE_TF_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.cache_root() == tmp_path / ".cache/flexae_tf"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_root() == tmp_path / "xdg/flexae_tf"
    monkeypatch.setenv("FLEXAE_TF_CACHE", str(tmp_path / "own"))
    assert cache.cache_root() == tmp_path / "own"
    assert cache.cache_root("~/argument") == tmp_path / "argument"
