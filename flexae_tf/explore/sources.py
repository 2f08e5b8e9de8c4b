"""What the page shows: the checkpoints of a run with any density, or an exported model."""

import abc
import functools
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from flexae_tf import data, densities, runs
from flexae_tf.errors import UserError, warn
from flexae_tf.serving.export import EXTRA, read_directions
from flexae_tf.training import checkpoints

COMPONENTS = 8  # principal directions with a slider
_CODES = 1000  # of which the principal directions are, and the mean of samples
_OPENED = 4  # models that are kept in memory
_DENSITIES = ("standard_normal", "gaussian", "gmm")  # beside the own one and those of the run


class Explored(abc.ABC):
    """A trained model with vectors as codes; one call at a time computes.

    Attributes:
      shape: of an image, (H, W, C).
      directions: {name: float32 [m]} of `edit`.
    """

    shape: tuple[int, ...]
    directions: dict[str, np.ndarray]

    @abc.abstractmethod
    def encode(self, x: np.ndarray) -> np.ndarray:
        """Codes z, float32 [N, m], of images x, float32 [N, H, W, C] in [0, 1]."""

    @abc.abstractmethod
    def decode(self, z: np.ndarray) -> np.ndarray:
        """Images, float32 [N, H, W, C] in [0, 1], of codes z, float32 [N, m]."""

    @abc.abstractmethod
    def sample_codes(self, n: int, seed: int) -> np.ndarray:
        """n codes of what the model is sampled from, float32 [n, m]. Raises UserError."""

    @abc.abstractmethod
    def _known_codes(self) -> np.ndarray:
        """Codes that show where codes are, float32 [N, m]."""

    @functools.cached_property
    def sampled_mean(self) -> np.ndarray:
        """Mean of samples' codes, float32 [m], as of `densities.truncated`. Raises UserError."""
        return self.sample_codes(_CODES, 0).mean(0, dtype=np.float64).astype(np.float32)

    @functools.cached_property
    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean of the codes and their principal directions, as long as the codes spread there.

        Returns:
          float32 [m] and [k, m], k at most `COMPONENTS`, the longest first.
        """
        z = self._known_codes().astype(np.float64)
        mean = z.mean(0)
        _, lengths, axes = np.linalg.svd(z - mean, full_matrices=False)
        # A direction has two signs; its largest entry is positive here.
        signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])
        found = axes * (signs * lengths / np.sqrt(len(z)))[:, None]
        return np.float32(mean), np.float32(found[:COMPONENTS])


class RunModel(Explored):
    """A checkpoint of a run.

    Args:
      run: `runs.Run` with the density to sample from attached.
      test_images: uint8 [N, H, W, C], or None where the data cannot be had.
    """

    def __init__(self, run: runs.Run, test_images: np.ndarray | None) -> None:
        self._model = run.model
        self._test_images = test_images
        self.shape = run.model.shape
        self.directions = read_directions(run.path, run.model.latent_dim)
        self._computing = threading.Lock()
        # Graphs, which answer for a few images in half the time.
        image = tf.TensorSpec([None, *self.shape])
        code = tf.TensorSpec([None, run.model.latent_dim])
        self._encode = tf.function(run.model.encode_batch, input_signature=[image])
        self._decode = tf.function(run.model.decode_batch, input_signature=[code])

    def encode(self, x: np.ndarray) -> np.ndarray:
        with self._computing:
            return self._encode(tf.constant(data.to_unit(x), tf.float32)).numpy()

    def decode(self, z: np.ndarray) -> np.ndarray:
        with self._computing:
            return self._decode(tf.constant(z, tf.float32)).numpy()

    def sample_codes(self, n: int, seed: int) -> np.ndarray:
        with self._computing:
            return self._model.sample_codes(n, seed)

    def _known_codes(self):
        if self._test_images is None:
            return self.sample_codes(_CODES, 0)
        rows = np.arange(min(_CODES, len(self._test_images)))
        with self._computing:
            return self._model.encode(data.gather(self._test_images, rows))  # batch by batch


class ExportedModel(Explored):
    """A SavedModel version of `tools.export`; codes of its samples are those of the images.

    Args:
      folder: the version's folder.

    Raises:
      UserError: it is none, or cannot both encode and decode images.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.card = json.loads((folder / EXTRA / "card.json").read_text())
            loaded = tf.saved_model.load(str(folder))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise UserError(f"{folder} is no export of tools.export: {error}") from error
        self._signatures = loaded.signatures
        _require(self._signatures, ("encode", "decode"), self.card, folder)
        image = self._signatures["encode"].structured_input_signature[1].get("images")
        codes = self._signatures["decode"].structured_input_signature[1]["codes"]
        if image is None:
            raise UserError(f"{folder} is a model of vectors: the page shows images only")
        if codes.dtype != tf.float32:
            raise UserError(f"{folder} has codes that are grids of indices: the page needs vectors")
        self.shape = tuple(image.shape[1:])
        self.directions = read_directions(folder / EXTRA, codes.shape[-1])
        self._folder = folder
        self._computing = threading.Lock()

    def encode(self, x: np.ndarray) -> np.ndarray:
        return self._call("encode", images=data.to_unit(x))

    def decode(self, z: np.ndarray) -> np.ndarray:
        return self._call("decode", codes=z)

    def sample_codes(self, n: int, seed: int) -> np.ndarray:
        _require(self._signatures, ("sample",), self.card, self._folder)
        return self.encode(self._call("sample", num_samples=np.int32(n), seed=np.int64(seed)))

    def _known_codes(self):
        return self.sample_codes(_CODES, 0)

    def _call(self, signature, **inputs):
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        with self._computing:
            (found,) = self._signatures[signature](**tensors).values()
        return found.numpy()


class Source(abc.ABC):
    """What the page was started with.

    Attributes:
      title: of the page.
      checkpoints: iterations to choose from, ascending; one for an export.
      densities: names of what can be sampled from, the default first.
      test_images: uint8 [N, H, W, C], or None where there are none at hand.
    """

    title: str
    checkpoints: Sequence[int]
    densities: Sequence[str]
    test_images: np.ndarray | None = None

    @abc.abstractmethod
    def open(self, checkpoint: int, density: str) -> Explored:
        """The model of a checkpoint with a density. Raises UserError."""


class RunSource(Source):
    """A run directory: every checkpoint, and every density that takes no long fit.

    Args:
      run_dir: the folder.

    Raises:
      UserError: it is no run that can be loaded, or one of vectors or of codes that are no vectors.
    """

    def __init__(self, run_dir: Path | str) -> None:
        directory = runs.RunDirectory(run_dir)
        run = runs.load(run_dir)
        if len(run.model.shape) != 3:
            raise UserError(f"{run_dir} is a run of vectors: the page shows images only")
        run.model.require_vectors("the page")
        self._path = directory.path
        self._opening = threading.Lock()
        self._open = functools.lru_cache(_OPENED)(self._load)
        self._dataset = _dataset_of(run)
        self.test_images = None if self._dataset is None else self._dataset.test
        self.title = f"{run.settings['method']} on {run.settings['dataset']}"
        self.checkpoints = checkpoints.iterations(directory.checkpoints)
        own = [] if run.model.density is None else [densities.OWN]
        kept = Path(run.path, densities.FOLDER).glob("*/*.npz")
        fitted = {path.stem for path in kept} - {"codes", *_DENSITIES}
        self.densities = [*own, *_DENSITIES, *sorted(fitted)]

    def open(self, checkpoint: int, density: str) -> Explored:
        with self._opening:  # or two visitors would load the same model at once
            return self._open(checkpoint, density)

    def _load(self, checkpoint, density):
        run = densities.attach(runs.load(self._path, checkpoint), density, self._dataset)
        return RunModel(run, self.test_images)


class ExportSource(Source):
    """An exported version, or the newest of an export folder.

    Args:
      folder: `.../export` or `.../export/<version>`.
    """

    def __init__(self, folder: Path | str) -> None:
        versions = [p for p in Path(folder).glob("*") if p.name.isdecimal() and p.is_dir()]
        newest = max(versions, key=lambda path: int(path.name), default=Path(folder))
        self._model = ExportedModel(newest)
        card = self._model.card
        self.title = f"{card['method']} on {card['dataset']}, version {newest.name}"
        self.checkpoints = [card["iteration"]]
        self.densities = [card["density"]]

    def open(self, checkpoint: int, density: str) -> Explored:
        return self._model


def _dataset_of(run):
    """The data set of a run; None, with a warning, where it cannot be had any more."""
    try:
        return run.load_dataset()
    except UserError as error:
        warn(f"without test images and densities to fit: {error}")
        return None


def _require(signatures, names, card, folder):
    for name in names:
        if name not in signatures:
            reason = card["left_out"].get(name, "no such signature")
            raise UserError(f"{folder} cannot {name}: {reason}")
