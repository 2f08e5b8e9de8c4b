"""Pictures: grids of images and plots of vectors, as uint8 arrays [H, W, 3 or 1]."""

import io

import numpy as np
from PIL import Image

_GAP = 2  # pixels between tiles
_BACKGROUND = 255


def to_uint8(images):
    """float in [0, 1] -> uint8, clipped and rounded; uint8 passes through."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def grid(images, columns):
    """Tiles images row by row with a gap between them.

    Args:
      images: [N, H, W, C], uint8 or float in [0, 1].
      columns: tiles in a row; missing tiles of the last row stay background.

    Returns:
      uint8 [rows * (H + gap) - gap, columns * (W + gap) - gap, C].
    """
    images = to_uint8(images)
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    padded = np.full((rows * columns, height + _GAP, width + _GAP, channels), _BACKGROUND, np.uint8)
    padded[:count, :height, :width] = images
    tiles = padded.reshape(rows, columns, height + _GAP, width + _GAP, channels)
    picture = tiles.transpose(0, 2, 1, 3, 4).reshape(
        rows * (height + _GAP), columns * (width + _GAP), channels
    )
    return picture[:-_GAP, :-_GAP]


def pairs(first, second, columns):
    """A grid whose odd rows are `first` and whose even rows are `second`, aligned."""
    both = np.stack([to_uint8(first), to_uint8(second)])  # [2, N, H, W, C]
    missing = -both.shape[1] % columns
    padding = [(0, 0), (0, missing), (0, 0), (0, 0), (0, 0)]
    both = np.pad(both, padding, constant_values=_BACKGROUND)
    rows = both.reshape(2, -1, columns, *both.shape[2:]).swapaxes(0, 1)
    return grid(rows.reshape(-1, *both.shape[2:]), columns)


def enlarge(picture, at_least=480):
    """Repeats pixels by a whole factor until the shorter side has `at_least` pixels."""
    factor = max(1, -(-at_least // min(picture.shape[:2])))
    return picture.repeat(factor, 0).repeat(factor, 1)


def scatter(groups, title):
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
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB"))


def save_png(path, picture):
    """Writes a picture [H, W, 1 or 3] as PNG."""
    picture = picture[..., 0] if picture.shape[-1] == 1 else picture
    Image.fromarray(picture).save(path)
