"""Charts of several runs as SVG."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from flexae_tf.report.overlay import Curve, chart


def curve(group, values, label="run", start=0):
    return Curve(group, label, np.arange(start, start + len(values)), np.array(values, float))


def lines(svg):
    """[(class, stroke width, points [n, 2])] of the lines of a chart."""
    found = []
    for group in ET.fromstring(svg).findall("g"):
        for line in group.findall("polyline"):
            points = [[float(x) for x in point.split(",")] for point in line.get("points").split()]
            found.append((group.get("class"), group.get("stroke-width"), np.array(points)))
    return found


def numbers(svg):
    """The texts of the vertical axis, upwards."""
    return [t.text for t in ET.fromstring(svg).iter("text") if t.get("text-anchor") == "end"]


def test_points_are_where_their_numbers_are():
    ((kind, width, points),) = lines(chart("loss", [curve(0, [0.0, 10.0, 5.0])]))
    assert (kind, width) == ("g0", "2")
    np.testing.assert_allclose(points, [[56, 274], [262, 10], [468, 142]])


def test_seeds_are_thin_and_their_mean_is_not():
    drawn = lines(chart("loss", [curve(0, [0, 2]), curve(1, [0, 8]), curve(0, [4, 6])]))
    assert [(kind, width) for kind, width, _ in drawn] == [
        ("g0", "0.8"),
        ("g1", "2"),
        ("g0", "0.8"),
        ("g0", "2"),
    ]
    np.testing.assert_allclose(drawn[3][2][:, 1], [208, 142])  # 2 and 4 of 0 to 8


def test_seeds_of_other_iterations_have_no_mean():
    drawn = lines(chart("loss", [curve(0, [0, 2]), curve(0, [4, 6], start=1)]))
    assert [width for _, width, _ in drawn] == ["0.8", "0.8"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 100], ["0", "20", "40", "60", "80", "100"]),
        ([2, 60], ["10", "20", "30", "40", "50", "60"]),
        ([1, 60], ["1", "2", "5", "10", "20", "50"]),
        ([1e-3, 1e4], ["0.001", "0.1", "10", "1000"]),
        ([-1, 1e4], ["0", "2000", "4000", "6000", "8000", "1e+04"]),
    ],
)
def test_the_axis_is_logarithmic_where_values_are_far_apart(values, expected):
    assert numbers(chart("loss", [curve(0, values)])) == expected


def test_a_single_point_is_seen_and_equal_values_have_a_scale():
    svg = chart("<loss>", [curve(0, [3.0], label="a & b")])
    assert "<circle" in svg
    assert 'aria-label="&lt;loss&gt;"' in svg
    assert "<title>a &amp; b</title>" in svg
    assert len(lines(chart("loss", [curve(9, [3.0, 3.0])]))) == 1


def test_long_curves_are_thinned_to_their_end():
    values = np.arange(100_001.0)
    ((_, _, points),) = lines(chart("loss", [curve(0, values)]))
    assert len(points) <= 400
    np.testing.assert_allclose(points[-1], [468, 10])
