"""Pictures: where every pixel of a tile goes."""

import numpy as np
import pytest
from PIL import Image

from flexae_tf import figures

GAP, BACKGROUND = 2, 255


def tiles(count, height=3, width=4, channels=1, first=0):
    """Images of one grey value each: first, first + 1, ..."""
    values = np.arange(first, first + count, dtype=np.uint8)
    return np.broadcast_to(values[:, None, None, None], (count, height, width, channels))


def tile_at(picture, row, column, height=3, width=4):
    top, left = row * (height + GAP), column * (width + GAP)
    return picture[top : top + height, left : left + width]


def values(picture, rows, columns):
    """The grey value of every tile, each of which must be of one value."""
    found = np.array(
        [[np.unique(tile_at(picture, r, c)) for c in range(columns)] for r in range(rows)]
    )
    return found[..., 0].tolist()


def test_to_uint8_rounds_and_clips():
    images = np.array([-0.5, 0, 0.5, 1 / 255, 1.4 / 255, 1, 2])
    assert figures.to_uint8(images).tolist() == [0, 0, 128, 1, 1, 255, 255]
    assert figures.to_uint8(images).dtype == np.uint8
    array = np.array([3, 200], np.uint8)
    assert figures.to_uint8(array) is array


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_fills_rows_first_with_gaps(channels):
    picture = figures.grid(tiles(5, channels=channels), columns=2)
    assert picture.dtype == np.uint8
    assert picture.shape == (3 * (3 + GAP) - GAP, 2 * (4 + GAP) - GAP, channels)
    assert values(picture, 3, 2) == [[0, 1], [2, 3], [4, BACKGROUND]]
    assert (picture[3 : 3 + GAP] == BACKGROUND).all()
    assert (picture[:, 4 : 4 + GAP] == BACKGROUND).all()


def test_grid_of_one_tile_is_the_tile():
    image = np.random.default_rng(0).random((1, 3, 4, 3))
    np.testing.assert_array_equal(figures.grid(image, 1), figures.to_uint8(image)[0])


def test_grid_keeps_the_orientation_of_a_tile():
    images = np.random.default_rng(0).integers(0, 255, (4, 3, 4, 3), np.uint8)
    picture = figures.grid(images, 2)
    np.testing.assert_array_equal(tile_at(picture, 1, 0), images[2])


def test_pairs_alternate_rows():
    picture = figures.pairs(tiles(6), tiles(6, first=100), columns=3)
    assert values(picture, 4, 3) == [[0, 1, 2], [100, 101, 102], [3, 4, 5], [103, 104, 105]]


def test_pairs_stay_aligned_in_an_incomplete_row():
    picture = figures.pairs(tiles(5), tiles(5, first=100), columns=3)
    assert values(picture, 4, 3) == [
        [0, 1, 2],
        [100, 101, 102],
        [3, 4, BACKGROUND],
        [103, 104, BACKGROUND],
    ]


def test_enlarge_repeats_pixels_by_a_whole_factor():
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    enlarged = figures.enlarge(picture, at_least=5)
    assert enlarged.shape == (6, 9, 1)
    np.testing.assert_array_equal(enlarged[1::3, 1::3], picture)
    assert len(np.unique(enlarged[3:, 6:])) == 1
    np.testing.assert_array_equal(figures.enlarge(enlarged, at_least=6), enlarged)


def test_scatter_draws_in_the_plane_of_the_first_group():
    random = np.random.default_rng(0)
    groups = {"test data": random.standard_normal((40, 8)), "generated": random.random((30, 8))}
    picture = figures.scatter(groups, "a title")
    assert picture.shape == (720, 720, 3)
    assert picture.dtype == np.uint8
    assert (picture == BACKGROUND).any()
    without = figures.scatter({"test data": groups["test data"]}, "a title")
    assert (without != picture).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_saved_as_it_is(tmp_path, channels):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    figures.save_png(tmp_path / "picture.png", picture)
    with Image.open(tmp_path / "picture.png") as image:
        assert image.mode == {1: "L", 3: "RGB"}[channels]
        np.testing.assert_array_equal(np.asarray(image).reshape(picture.shape), picture)
