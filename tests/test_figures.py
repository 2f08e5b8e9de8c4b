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


def test_grid_without_a_gap():
    picture = figures.grid(tiles(2), columns=2, gap=0)
    assert picture.shape == (3, 8, 1)
    assert picture[0, :, 0].tolist() == [0] * 4 + [1] * 4


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


@pytest.mark.parametrize("channels", [1, 3])
def test_a_title_leaves_the_picture_as_it_is(channels):
    picture = np.random.default_rng(0).integers(0, 256, (18, 27, channels), np.uint8)
    for labels in ({}, {"columns": ("a", "b", "c"), "rows": ("real", "rec.")}):
        titled = figures.titled(picture, "a title", "a note", **labels)
        height, width, depth = titled.shape
        assert depth == channels
        found = np.lib.stride_tricks.sliding_window_view(titled, picture.shape)[..., 0, :, :, :]
        assert (found == picture).all((2, 3, 4)).any()
        frame = np.concatenate([titled[0], titled[-1], titled[:, 0], titled[:, -1]])
        assert (frame == BACKGROUND).all()  # nothing is cut off
        assert height > 18
        assert width > 27


def test_a_long_title_is_broken_into_lines():
    picture = np.zeros((20, 500, 1), np.uint8)
    short = figures.titled(picture, "word", "")
    long = figures.titled(picture, "word " * 30, "")
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0]
    assert (long[:, -10:] == BACKGROUND).all()


def test_panels_share_their_axes():
    points = np.random.default_rng(0).standard_normal((30, 2))
    both = figures.panels(
        {
            "left": [figures.Layer(points, "dots"), figures.Layer(points, joined=True)],
            "right": [figures.Layer(points * 9, color="black")],
        },
        ("x", "y"),
    )
    one = figures.panels({"left": [figures.Layer(points)]}, ("x", "y"))
    assert both.dtype == np.uint8
    assert both.shape == (one.shape[0], 2 * one.shape[1], 3)
    coloured = np.flatnonzero((np.ptp(both.astype(int), axis=2) > 60).any(0))
    # The small cloud is drawn to the scale of the large one beside it.
    assert np.percentile(coloured, 75) - np.percentile(coloured, 25) < one.shape[1] / 4


def test_a_line_whose_colour_comes_back_is_another():
    heights = list(range(11))
    swapped = [10, *range(1, 10), 0]
    pictures = [
        figures.curves(
            {str(i): np.array([[0, height, 0], [1, height, 0]]) for i, height in enumerate(each)},
            ["a", "b"],
            "x",
            "y",
        )
        for each in (heights, swapped)
    ]
    assert not np.array_equal(*pictures)


def test_text_is_kept_in_the_file(tmp_path):
    figures.save_png(tmp_path / "a.png", np.zeros((2, 2, 1), np.uint8), {"Title": "é", "seed": 3})
    with Image.open(tmp_path / "a.png") as image:
        assert image.info == {"Title": "é", "seed": "3"}
