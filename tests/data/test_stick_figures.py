"""Rendered figures: joints are where they are said to be, appearance and pose are independent."""

import numpy as np
import pytest

from flexae_tf import data
from flexae_tf.data import stick_figures
from flexae_tf.errors import UserError
from flexae_tf.evaluation.pose import marks, pose_error

SIZE = 64
NUMBERS = range(40)


def test_joints_are_inside_the_image_and_limbs_have_their_lengths():
    points = stick_figures.joints(range(500))
    assert points.shape == (500, 11, 2)
    reach = stick_figures.MARK_RADIUS
    assert points[:, stick_figures.MARKED].min() > reach
    assert points[:, stick_figures.MARKED].max() < 1 - reach
    lengths = np.linalg.norm(points[:, 1] - points[:, 0], axis=-1)
    np.testing.assert_allclose(lengths, 0.24)
    np.testing.assert_allclose(np.linalg.norm(points[:, 4] - points[:, 3], axis=-1), 0.12)
    np.testing.assert_allclose(np.linalg.norm(points[:, 8] - points[:, 7], axis=-1), 0.16)


def test_a_mark_is_drawn_around_its_joint():
    """The right foot is painted last, so that nothing hides it."""
    images = stick_figures.images(NUMBERS, NUMBERS, SIZE)
    feet = stick_figures.joints(NUMBERS)[:, stick_figures.MARKED[-1]]
    colour = np.rint(255 * stick_figures.MARK_COLOURS[-1])
    for image, (x, y) in zip(images, feet, strict=True):
        np.testing.assert_array_equal(image[int(y * SIZE), int(x * SIZE)], colour)


def test_the_search_finds_the_marks_of_rendered_figures():
    images = stick_figures.images(NUMBERS, NUMBERS, SIZE)
    joints = stick_figures.joints(NUMBERS)
    assert pose_error(images, joints) < 0.5
    assert pose_error(images, np.roll(joints, 1, axis=0)) > 5
    nothing = np.zeros((2, 8, 8, 3), np.uint8)
    np.testing.assert_array_equal(marks(nothing), np.full((2, 4, 2), 0.5))


def test_a_mark_of_one_pixel_is_at_its_centre():
    image = np.full((1, 8, 10, 3), 0.4)
    image[0, 2, 7] = stick_figures.MARK_COLOURS[1]
    np.testing.assert_allclose(marks(image)[0, 1], [7.5 / 10, 2.5 / 8])


def test_appearance_and_pose_are_independent_parts():
    two = stick_figures.images([0, 1], [2, 2], SIZE)
    assert not np.array_equal(two[0], two[1])
    maps = stick_figures.pose_maps([0, 1], SIZE)
    np.testing.assert_array_equal(maps, stick_figures.pose_maps([0, 1], SIZE))
    poses = stick_figures.joints(range(2000)).reshape(2000, -1)
    colours = stick_figures.appearances(range(2000))[0].reshape(2000, -1)
    both = np.concatenate([poses[:, [8, 9, 12, 13]], colours[:, :6]], 1)
    correlations = np.corrcoef(both.T)[:4, 4:]
    assert np.abs(correlations).max() < 0.1  # 4.5 standard deviations of independent ones


def test_colours_of_limbs_are_muted():
    colours = stick_figures.appearances(range(500))[0]
    chroma = colours - colours.mean(-1, keepdims=True)
    assert np.linalg.norm(chroma, axis=-1).max() < 0.3


def test_examples_are_images_beside_maps(tmp_path, monkeypatch):
    assert (stick_figures.TRAIN_COUNT, stick_figures.TEST_COUNT) == (4000, 400)
    monkeypatch.setattr(stick_figures, "TRAIN_COUNT", 120)
    monkeypatch.setattr(stick_figures, "TEST_COUNT", 10)
    dataset = data.load("stick_figures", image_size=16, cache_dir=tmp_path)
    assert dataset.train.shape == (120, 16, 16, 6)
    assert dataset.test.shape == (10, 16, 16, 6)
    assert data.is_paired(dataset.shape)
    number = stick_figures.test_numbers()[5]
    expected = stick_figures.images([number], [number], 16)[0]
    np.testing.assert_array_equal(dataset.test[5, ..., :3], expected)
    np.testing.assert_array_equal(
        dataset.test[5, ..., 3:], stick_figures.pose_maps([number], 16)[0]
    )


def test_too_small():
    with pytest.raises(UserError, match="at least 16"):
        data.load("stick_figures", image_size=8)
