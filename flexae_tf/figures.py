"""Pictures: grids of images and plots of vectors, as uint8 arrays [H, W, 3 or 1]."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

_GAP = 2  # pixels between tiles
_BACKGROUND = 255
_MARGIN = 12  # pixels around a picture with a title
_TITLE, _NOTE, _LABEL, _SMALLEST = 16, 13, 13, 10  # heights of letters, pixels
_LEAST_TITLED_WIDTH = 420  # pixels; below it titles would wrap after every few words
_COLOURS = 10  # of Matplotlib's lines, before the first comes back


def to_uint8(images: np.ndarray) -> np.ndarray:
    """float in [0, 1] -> uint8, clipped and rounded; uint8 passes through."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def grid(images: np.ndarray, columns: int, gap: int = _GAP) -> np.ndarray:
    """Tiles images row by row with a gap between them.

    Args:
      images: [N, H, W, C], uint8 or float in [0, 1].
      columns: tiles in a row; missing tiles of the last row stay background.
      gap: pixels.

    Returns:
      uint8 [rows * (H + gap) - gap, columns * (W + gap) - gap, C].
    """
    images = to_uint8(images)
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    padded = np.full((rows * columns, height + gap, width + gap, channels), _BACKGROUND, np.uint8)
    padded[:count, :height, :width] = images
    tiles = padded.reshape(rows, columns, height + gap, width + gap, channels)
    picture = tiles.transpose(0, 2, 1, 3, 4).reshape(
        rows * (height + gap), columns * (width + gap), channels
    )
    return picture[: len(picture) - gap, : picture.shape[1] - gap]


def pairs(first: np.ndarray, second: np.ndarray, columns: int) -> np.ndarray:
    """A grid whose odd rows are `first` and whose even rows are `second`, aligned."""
    both = np.stack([to_uint8(first), to_uint8(second)])  # [2, N, H, W, C]
    missing = -both.shape[1] % columns
    padding = [(0, 0), (0, missing), (0, 0), (0, 0), (0, 0)]
    both = np.pad(both, padding, constant_values=_BACKGROUND)
    rows = both.reshape(2, -1, columns, *both.shape[2:]).swapaxes(0, 1)
    return grid(rows.reshape(-1, *both.shape[2:]), columns)


def enlarge(picture: np.ndarray, at_least: int = 480) -> np.ndarray:
    """Repeats pixels by a whole factor until the shorter side has `at_least` pixels."""
    factor = max(1, -(-at_least // min(picture.shape[:2])))
    return picture.repeat(factor, 0).repeat(factor, 1)


def scatter(groups: Mapping[str, np.ndarray], title: str) -> np.ndarray:
    """A scatter plot of vectors in the plane of the first group's two principal components.

    Args:
      groups: {label: float [N, D]}; the first one sets the plane.
      title: text above the plot.

    Returns:
      uint8 [H, W, 3].
    """
    from matplotlib.figure import Figure

    reference = next(iter(groups.values()))
    centre = reference.mean(0)
    axes = np.linalg.svd(reference - centre, full_matrices=False)[2][:2]  # [2, D]
    figure = Figure(figsize=(6, 6), dpi=120)
    plot = figure.subplots()
    for label, vectors in groups.items():
        plane = (np.asarray(vectors) - centre) @ axes.T
        plot.scatter(plane[:, 0], plane[:, 1], s=3, alpha=0.5, label=label)
    plot.set(title=title, xlabel="first principal component", ylabel="second")
    plot.legend(loc="upper right")
    figure.tight_layout()
    return rendered(figure)


class Layer(NamedTuple):
    """What one call of a plot draws.

    Attributes:
      points: float [N, 2].
      label: for the legend, or None.
      color: any of matplotlib's, or None for the next one.
      joined: whether a line goes through the points, in their order.
    """

    points: np.ndarray
    label: str | None = None
    color: str | tuple | None = None
    joined: bool = False


class Contours(NamedTuple):
    """A function of the plane as lines of equal height.

    Attributes:
      x, y: float [W] and [H].
      height: float [H, W].
      levels: heights of the lines, ascending.
    """

    x: np.ndarray
    y: np.ndarray
    height: np.ndarray
    levels: Sequence[float]


def panels(
    layers: Mapping[str, Sequence[Layer | Contours]],
    axis_labels: Sequence[str],
    corners: np.ndarray | None = None,
) -> np.ndarray:
    """Plots side by side on the same axes.

    Args:
      layers: {heading: what is drawn, the last on top}.
      axis_labels: texts of the horizontal and the vertical axis.
      corners: the lower left and the upper right one of the axes, [2, 2]; by default around all.

    Returns:
      uint8 [H, W, 3].
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(layers), 5.5), dpi=110)
    plots = figure.subplots(1, len(layers), sharex=True, sharey=True, squeeze=False)[0]
    most = max(
        sum(len(layer.points) for layer in drawn if isinstance(layer, Layer))
        for drawn in layers.values()
    )
    dot = {"s": 40, "alpha": 0.8} if most <= 500 else {"s": 30, "alpha": 0.7}
    for plot, (heading, drawn) in zip(plots, layers.items(), strict=True):
        for order, layer in enumerate(drawn, start=1):
            if isinstance(layer, Contours):
                plot.contour(*layer[:3], layer.levels, linewidths=0.8, zorder=order)
                continue
            style = {"color": layer.color, "label": layer.label, "marker": ".", "zorder": order}
            if layer.joined:
                plot.plot(*layer.points.T, lw=1, markersize=5, **style)
            else:
                plot.scatter(*layer.points.T, linewidths=0, **dot, **style)
        plot.set(title=heading, xlabel=axis_labels[0])
        if plot.get_legend_handles_labels()[1]:
            plot.legend(fontsize=8, markerscale=2, loc="best")
    plots[0].set_ylabel(axis_labels[1])
    if corners is not None:
        plots[0].set(xlim=corners[:, 0], ylim=corners[:, 1])
    figure.tight_layout()
    return rendered(figure)


def curves(
    lines: Mapping[str, np.ndarray],
    places: Sequence[str],
    x_label: str,
    y_label: str,
    log: bool = False,
) -> np.ndarray:
    """Lines through points with error bars over places that are equally far apart.

    Args:
      lines: {label: float [N, 3]}, number of the place, height and half of the bar.
      places: a text for each place of the horizontal axis.
      x_label, y_label: texts of the axes.
      log: whether heights are to a logarithmic scale.

    Returns:
      uint8 [H, W, 3].
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), dpi=120)
    plot = figure.subplots()
    if log:
        plot.set_yscale("log")
    for number, (label, points) in enumerate(lines.items()):
        x, y, bar = points.T
        style = "-" if number < _COLOURS else "--"  # colours come back, and dashed they differ
        plot.errorbar(x, y, bar, label=label or None, ls=style, marker=".", capsize=3, lw=1)
    plot.set_xticks(range(len(places)), places, fontsize=8)
    plot.set(xlabel=x_label, ylabel=y_label)
    if any(lines):
        plot.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))  # it hides no point
    figure.tight_layout()
    return rendered(figure)


def titled(
    picture: np.ndarray,
    title: str,
    note: str,
    columns: Sequence[str] = (),
    rows: Sequence[str] = (),
) -> np.ndarray:
    """A picture under its title, with labels over its columns and left of its rows.

    Args:
      picture: uint8 [H, W, 1 or 3], a grid or a plot.
      title, note: texts; lines are broken where the picture ends.
      columns, rows: as many short labels as the grid has, or none.

    Returns:
      uint8 [H', W', 1 or 3].
    """
    height, width, channels = picture.shape
    left = _MARGIN + (max(_length(text, _LABEL) for text in rows) + 8 if rows else 0)
    text_width = max(width, _LEAST_TITLED_WIDTH - 2 * _MARGIN) + left - _MARGIN
    lines = [(line, _TITLE, True) for line in _wrapped(title, _TITLE, text_width, bold=True)]
    lines += [(line, _NOTE, False) for line in _wrapped(note, _NOTE, text_width)]
    top = _MARGIN + sum(size + 6 for _, size, _ in lines) + (_LABEL + 6 if columns else 4)
    canvas = np.full(
        (top + height + _MARGIN, _MARGIN + text_width + _MARGIN, channels), _BACKGROUND, np.uint8
    )
    canvas[top : top + height, left : left + width] = picture
    image = Image.fromarray(canvas[..., 0] if channels == 1 else canvas)
    draw = ImageDraw.Draw(image)
    black = 0 if channels == 1 else (0, 0, 0)
    y = _MARGIN
    for line, size, bold in lines:
        draw.text((_MARGIN, y), line, black, _font(size, bold))
        y += size + 6
    for number, text in enumerate(columns):
        tile = width / len(columns)
        font = _font(_fitting(text, tile))
        draw.text((left + (number + 0.5) * tile, top - 4), text, black, font, anchor="ms")
    for number, text in enumerate(rows):
        middle = top + (number + 0.5) * height / len(rows)
        draw.text((left - 6, middle), text, black, _font(_LABEL), anchor="rm")
    return np.asarray(image).reshape(canvas.shape)


def save_png(
    path: Path | str, picture: np.ndarray, text: Mapping[str, object] | None = None
) -> None:
    """Writes a picture [H, W, 1 or 3] as PNG, with {keyword: text} in it."""
    Path(path).write_bytes(png(picture, text))


def png(picture: np.ndarray, text: Mapping[str, object] | None = None) -> bytes:
    """What `save_png` writes."""
    picture = picture[..., 0] if picture.shape[-1] == 1 else picture
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in (text or {}).items():
        chunks.add_itxt(keyword, str(value))
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def rendered(figure: Any) -> np.ndarray:
    """A matplotlib figure as uint8 [H, W, 3]."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB"))


def _font(size, bold=False):
    """The font that matplotlib brings along, so that pictures look alike on every machine."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


def _length(text, size, bold=False):
    return int(np.ceil(_font(size, bold).getlength(text)))


def _fitting(text, width):
    """The largest size at which a label is no wider than its column, if any is."""
    fitting = [s for s in range(_LABEL, _SMALLEST, -1) if _length(text, s) <= width]
    return fitting[0] if fitting else _SMALLEST


def _wrapped(text, size, width, bold=False):
    """The lines of a text that is broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _length(longer, size, bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
