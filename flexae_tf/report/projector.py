"""A run's codes as TensorBoard's projector shows them: points in space, each with its image."""

from __future__ import annotations

import math
from pathlib import Path

from flexae_tf import figures, files
from flexae_tf.data import Dataset, gather
from flexae_tf.pictures.picture import are_vectors, choose, class_name
from flexae_tf.runs import Run

POINTS = 2000
_FOLDER = "projector"
_CONFIG = "projector_config.pbtxt"  # the name that TensorBoard looks for
_LARGEST_SPRITE = 8192  # pixels a side; what graphics cards take


def write(run: Run, dataset: Dataset, count: int = POINTS, seed: int = 0) -> Path:
    """Writes codes, labels and small images into the run's train/, where TensorBoard finds them.

    Args:
      run: `runs.Run`.
      dataset: the Dataset it was trained on.
      count: test examples, at most; fewer where their images would not fit into one picture.
      seed: chooses them.

    Returns:
      The folder for `tensorboard --logdir`.

    Raises:
      UserError: a file cannot be written, or codes are grids of indices.
    """
    run.model.require_vectors("the projector")
    if not are_vectors(dataset):
        count = min(count, (_LARGEST_SPRITE // max(dataset.shape[:2])) ** 2)
    rows = choose(len(dataset.test), count, seed)
    x = gather(dataset.test, rows)
    z = run.model.encode(x)  # [N, m]
    folder, name = run.path / "train", f"codes-{run.iteration}"
    place = folder / _FOLDER
    files.write_text(place / "codes.tsv", _tsv(z))
    files.write_text(place / "metadata.tsv", _metadata(dataset, rows))
    config = [
        f'tensor_name: "{name}"',
        f'tensor_path: "{_FOLDER}/codes.tsv"',
        f'metadata_path: "{_FOLDER}/metadata.tsv"',
    ]
    if not are_vectors(dataset):
        sprite = figures.grid(x, math.ceil(math.sqrt(len(x))), gap=0)
        files.write_bytes(place / "sprite.png", figures.png(sprite))
        height, width = dataset.shape[:2]
        size = f"single_image_dim: {width} single_image_dim: {height}"
        config.append(f'sprite {{ image_path: "{_FOLDER}/sprite.png" {size} }}')
    body = "\n".join(f"  {line}" for line in config)
    files.write_text(folder / _CONFIG, f"embeddings {{\n{body}\n}}\n")
    return run.path


def _tsv(z):
    return "".join("\t".join(f"{value:.7g}" for value in row) + "\n" for row in z)


def _metadata(dataset, rows):
    """A line for each point: which test example it is, and its class or attributes."""
    labels = dataset.test_labels
    if labels is None:
        return "".join(f"{row}\n" for row in rows)  # a single column has no heading
    if labels.ndim == 1:
        names = ["class"]
        columns = [[class_name(dataset, int(labels[row])) for row in rows]]
    else:
        names = [class_name(dataset, number) for number in range(labels.shape[1])]
        columns = labels[rows].T.tolist()
    lines = zip(rows, *columns, strict=True)
    table = [["example", *names], *lines]
    return "".join("\t".join(_word(cell) for cell in line) + "\n" for line in table)


def _word(cell):
    """A cell of a table that tabs and ends of lines divide."""
    return " ".join(str(cell).split())
