"""Vectors of any dimension as points of a plane."""

from collections.abc import Callable

import numpy as np

from flexae_tf.figures import Layer

GREY = "#b0b0b0"
BACKGROUND_POINTS = 2000


class Plane:
    """The first two principal components of some vectors, or what one or two components there are.

    Args:
      reference: float [N, D] that the components are fitted to.
    """

    def __init__(self, reference: np.ndarray) -> None:
        from sklearn.decomposition import PCA  # here, since it takes a second to import

        self._pca = PCA(2, random_state=0).fit(reference) if reference.shape[1] > 2 else None

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Coordinates [N, 2] of vectors [N, D]."""
        if self._pca is not None:
            return self._pca.transform(vectors)
        return np.pad(vectors, [(0, 0), (0, 2 - vectors.shape[1])])

    @property
    def axis_labels(self) -> tuple[str, ...]:
        """Texts for the two axes."""
        if self._pca is None:
            return "first component", "second component"
        share = self._pca.explained_variance_ratio_ * 100
        return tuple(
            f"{name} principal component ({part:.0f} % of variance)"
            for name, part in zip(("first", "second"), share, strict=True)
        )


def background(plane: Plane, vectors: np.ndarray, label: str = "test data") -> Layer:
    """The layer that others are drawn on: up to 2,000 of the vectors [N, D] in grey."""
    return Layer(plane(vectors[:BACKGROUND_POINTS]), label, GREY)


def paths(plane: Plane, vectors: np.ndarray) -> list[Layer]:
    """A layer for each path through vectors [N, steps, D]."""
    return [Layer(plane(path), joined=True) for path in vectors]


def by_class(points: np.ndarray, labels: np.ndarray, name: Callable[[int], str]) -> list[Layer]:
    """Layers of points [N, 2], one for each class.

    Args:
      points: [N, 2]. labels: int [N].
      name: function of a class number.
    """
    import matplotlib

    colors = matplotlib.colormaps["tab10" if labels.max() < 10 else "tab20"].colors
    return [
        Layer(points[labels == number], name(number), colors[number % len(colors)])
        for number in np.unique(labels)
    ]
