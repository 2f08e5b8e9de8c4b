"""Curves of several runs in one chart, as SVG that stands in a page."""

import collections
import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

_WIDTH, _HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 26  # margins
_MOST_POINTS = 400  # of a line; a chart on a screen shows no more
_MOST_TICKS = 7
_LOGARITHMIC_FROM = 50  # quotient of the largest and the smallest value
# Told apart with any kind of colour vision, on white and on black.
_COLORS = ("#0077bb", "#ee7733", "#009988", "#cc3311", "#aa4499", "#999933", "#33bbee", "#888888")
_DASHES = ("", "6 3", "2 3")


class Curve(NamedTuple):
    """One line of a chart.

    Attributes:
      group: number that the colour follows from.
      label: what it is called.
      iterations, values: [n], finite; n is at least 1.
    """

    group: int
    label: str
    iterations: np.ndarray
    values: np.ndarray


def color(group: int) -> str:
    """The colour of a group's lines."""
    return _COLORS[group % len(_COLORS)]


def chart(title: str, curves: Sequence[Curve]) -> str:
    """A chart of curves, seeds of a group as thin lines and their mean as a thick one.

    What belongs to a group has the class g<number>. The vertical axis is logarithmic where all
    values are above 0 and the largest is 50 times the smallest.

    Args:
      title: what is drawn, for readers of the page who do not see it.
      curves: at least one.

    Returns:
      An <svg> element.
    """
    values = np.concatenate([curve.values for curve in curves])
    logarithmic = values.min() > 0 and values.max() > _LOGARITHMIC_FROM * values.min()
    scale = np.log10 if logarithmic else np.asarray
    x_range = _range(np.concatenate([curve.iterations for curve in curves]))
    y_range = _range(scale(values))
    numbers = np.array((_powers if logarithmic else _ticks)(*y_range))
    parts = [_frame(x_range, y_range, numbers, scale(numbers))]
    sizes = collections.Counter(curve.group for curve in curves)
    for curve in [*curves, *_means(curves)]:
        x = _places(curve.iterations, x_range, _LEFT, _WIDTH - _RIGHT)
        y = _places(scale(curve.values), y_range, _HEIGHT - _BOTTOM, _TOP)
        is_one_of_several = sizes[curve.group] > 1 and any(curve is each for each in curves)
        parts.append(_line(curve, _thinned(np.stack([x, y], 1)), is_one_of_several))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _means(curves):
    """A curve for each group of several that were recorded at the same iterations."""
    groups: dict[int, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(curve.group, []).append(curve)
    for number, alike in groups.items():
        same = all(np.array_equal(each.iterations, alike[0].iterations) for each in alike)
        if len(alike) > 1 and same:
            mean = np.mean([each.values for each in alike], 0)
            yield Curve(number, f"mean of {len(alike)} seeds", alike[0].iterations, mean)


def _line(curve, points, thin):
    style = f'stroke="{color(curve.group)}" stroke-width="{0.8 if thin else 2}"'
    if thin:
        style += ' opacity="0.6"'
    if dash := _DASHES[curve.group // len(_COLORS) % len(_DASHES)]:
        style += f' stroke-dasharray="{dash}"'
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    start = f'<g class="g{curve.group}" fill="none" {style}><title>{escape(curve.label)}</title>'
    if len(points) == 1:
        return f'{start}<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3"/></g>'
    return f'{start}<polyline points="{text}"/></g>'


def _frame(x_range, y_range, numbers, ticks):
    """Axes and their numbers; the vertical one's, and where on its scale they are."""
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = []
    for number, tick in zip(numbers, ticks, strict=True):
        y = _places(tick, y_range, bottom, _TOP)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(_text(_LEFT - 4, y + 4, "end", f"{number:.4g}"))
    for tick in _ticks(*x_range):
        x = _places(tick, x_range, _LEFT, right)
        parts.append(f'<path d="M{x:.1f} {bottom}v4"/>')
        parts.append(_text(x, bottom + 18, "middle", f"{tick:,.6g}"))
    return f'<g class="axes"><path d="M{_LEFT} {_TOP}V{bottom}H{right}"/>{"".join(parts)}</g>'


def _text(x, y, anchor, text):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _ticks(low, high):
    """Round numbers from `low` to `high`."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(_MOST_TICKS - 1, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [tick for tick in found.tolist() if low <= tick <= high]


def _powers(low, high):
    """1, 2 and 5 times powers of ten from 10^low to 10^high, or fewer of these."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks = [m * 10.0**k for k in powers for m in (1, 2, 5) if low <= math.log10(m) + k <= high]
    whole = [10.0**k for k in powers if low <= k <= high]
    return ticks if len(ticks) <= _MOST_TICKS else whole[:: math.ceil(len(whole) / _MOST_TICKS)]


def _range(values):
    """(least, largest), not equal."""
    low, high = float(values.min()), float(values.max())
    margin = 0.0 if high > low else max(abs(low) / 10, 0.5)
    return low - margin, high + margin


def _places(values, from_range, first, last):
    low, high = from_range
    return first + (values - low) / (high - low) * (last - first)


def _thinned(points):
    """At most `_MOST_POINTS` of the points [n, 2], the last one among them."""
    step = math.ceil(len(points) / _MOST_POINTS)
    return points[(len(points) - 1) % step :: step]
