"""Scalars read back from TensorBoard files, and what a chart is."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from flexae_tf.report import curves


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
    scalars = curves.read_scalars(tmp_path)
    assert list(scalars) == ["loss/a", "speed"]
    iterations, values = scalars["loss/a"]
    assert iterations.tolist() == [10, 20, 25, 30]
    assert values.tolist() == [1, 5, 6, 3]


def test_a_file_that_ends_in_the_middle_is_read_as_far_as_it_goes(tmp_path):
    write(tmp_path, {"loss/a": {step: float(step) for step in range(50)}}, ".1")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    iterations, values = curves.read_scalars(tmp_path)["loss/a"]
    assert 5 < len(iterations) < 50
    np.testing.assert_array_equal(iterations, values)


def test_no_folder_has_no_scalars(tmp_path):
    assert curves.read_scalars(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("values", [[1.0], [0.0, -1.0], [1e-3, 1e3]])
def test_a_chart_is_a_picture_of_one_size(values, logarithmic):
    lines = {"a": (np.arange(len(values)), np.array(values)), "b": (np.arange(2), np.ones(2))}
    with Image.open(io.BytesIO(curves.chart(lines, logarithmic))) as image:
        assert image.format == "PNG"
        assert image.size == (690, 435)
