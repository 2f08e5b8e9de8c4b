"""Scalars and vectors read back from TensorBoard files."""

import numpy as np
import tensorflow as tf

from flexae_tf.training import event_files


def write(folder, scalars, suffix):
    """{tag: {step: value}} and a picture; `suffix` orders the files as their times would."""
    writer = tf.summary.create_file_writer(str(folder), filename_suffix=suffix)
    with writer.as_default():
        for tag, points in scalars.items():
            for step, value in points.items():
                tf.summary.scalar(tag, value, step)
        tf.summary.image("images/real", np.zeros((1, 2, 2, 1), np.uint8), 1)
        tf.summary.text("flags", "--seed=0", 0)
    writer.close()


def test_the_later_file_of_a_resumed_run_counts(tmp_path):
    write(tmp_path, {"loss/a": {10: 1.0, 20: 2.0, 30: 3.0}}, ".1")
    write(tmp_path, {"loss/a": {20: 5.0, 25: 6.0}, "speed": {20: 7.0}}, ".2")
    first, second = sorted(tmp_path.iterdir(), key=lambda path: path.name[-1])
    first.rename(tmp_path / "events.out.tfevents.1.v2")
    second.rename(tmp_path / "events.out.tfevents.2.v2")
    scalars = event_files.read_scalars(tmp_path)
    assert list(scalars) == ["loss/a", "speed"]
    iterations, values = scalars["loss/a"]
    assert iterations.tolist() == [10, 20, 25, 30]
    assert values.tolist() == [1, 5, 6, 3]


def test_a_file_that_ends_in_the_middle_is_read_as_far_as_it_goes(tmp_path):
    write(tmp_path, {"loss/a": {step: float(step) for step in range(50)}}, ".1")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    iterations, values = event_files.read_scalars(tmp_path)["loss/a"]
    assert 5 < len(iterations) < 50
    np.testing.assert_array_equal(iterations, values)


def test_no_folder_has_no_scalars(tmp_path):
    assert event_files.read_scalars(tmp_path / "nowhere") == {}


def test_vectors_come_back_beside_scalars(tmp_path):
    write(tmp_path, {"loss/a": {1: 2.0}}, ".1")
    vectors = {step: np.float32([step, 0.1, -1]) for step in (1, 3)}
    writer = tf.summary.create_file_writer(str(tmp_path))
    for step, vector in vectors.items():
        with writer.as_default(step):
            event_files.write_vector("mask/alpha", vector)
    writer.close()
    assert list(event_files.read_scalars(tmp_path)) == ["loss/a"]
    found = event_files.read_vectors(tmp_path)
    assert list(found) == ["mask/alpha"]
    iterations, values = found["mask/alpha"]
    assert iterations.tolist() == [1, 3]
    np.testing.assert_array_equal(values, np.stack(list(vectors.values())))
