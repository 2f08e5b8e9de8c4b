"""Small files that are whole or absent, and errors in a line."""

import os

import pytest
import tensorflow as tf

from flexae_tf import files
from flexae_tf.errors import UserError


def test_a_text_takes_the_place_of_the_former(tmp_path):
    path = tmp_path / "new folder" / "file.json"
    files.write_text(path, "one")
    files.write_text(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


def test_a_text_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synchronized = tmp_path / "file", []
    path.write_text("one")

    def sync(what):
        synchronized.append((what.name, path.read_text()))

    monkeypatch.setattr(files, "sync", sync)
    files.write_text(path, "two")
    assert synchronized == [(f"file.{os.getpid()}.tmp", "one"), (tmp_path.name, "two")]


def test_a_text_that_cannot_be_written_leaves_the_former(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("one")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*file: No space left on device"):
        files.write_text(path, "two")
    assert path.read_text() == "one"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (
            tf.errors.ResourceExhaustedError(
                None,
                None,
                "{{function_node __wrapped__SaveV2}} /run/ckpt-2_temp/part; No space left on "
                "device [Op:SaveV2]\nmore",
            ),
            "No space left on device",
        ),
        (ValueError(), "ValueError"),
    ],
)
def test_the_reason_of_an_error_is_a_line(error, expected):
    assert files.reason(error) == expected
