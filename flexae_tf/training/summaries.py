"""What a run shows while it trains: scalars and grids in TensorBoard, grids as PNG on disk."""

from __future__ import annotations

import contextlib
import time
import types
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from flexae_tf import data, figures, files
from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.conditional import ConditionalModel
from flexae_tf.errors import UserError
from flexae_tf.model import Model
from flexae_tf.training import event_files, workers
from flexae_tf.training.options import TrainerOptions

_COLUMNS = _ROWS = 10
_TILES = _COLUMNS * _ROWS


class Summaries:
    """Writes the scalars and pictures of a training run.

    Tags: loss/<player>, gradient_norm/<player>, gap/<critic> (the critic's estimate of the
    Wasserstein distance), gradient_penalty/<critic>, speed/iterations_per_second,
    test/reconstruction_error (inference mode) and test/reconstruction_error_batch_statistics,
    validation/error, learning_rate/<player> of those whose rate follows it, and
    images/real, images/reconstructed, images/generated and, where codes are vectors,
    images/interpolated, or of a conditional model images/transferred (the appearance of each row's
    image in the pose of each column's). What else a method reports has the tag that it gives, a
    vector as a histogram (see `event_files`).

    Args:
      run: RunDirectory, or None to write nothing.
      model: the Model. players: names of those that train it.
      dataset: its Dataset. options: TrainerOptions.
    """

    def __init__(
        self,
        run: Any,
        model: Model,
        players: Collection[str],
        dataset: data.Dataset,
        options: TrainerOptions,
    ) -> None:
        self._run, self._model, self._players = run, model, players
        self._writer = None
        if run:
            self._writer = tf.summary.create_file_writer(str(run.train))
            self._text("flags", run.flags_file)
        self._seed = options.seed
        rows = np.arange(min(options.test_images, len(dataset.test)))
        self._test = data.to_unit(data.gather(dataset.test, rows))
        self._seen: tuple[int, float] | None = None

    def scalars(self, iteration: int, reported: Mapping[str, tf.Tensor]) -> dict[str, float]:
        """Writes what an iteration reported, scalars and vectors. Returns {player: loss}."""
        vectors = {name: value.numpy() for name, value in reported.items() if value.shape.rank}
        values = {name: float(value) for name, value in reported.items() if name not in vectors}
        losses = {name: values[name] for name in self._players if name in values}
        now = time.monotonic()
        tags = {f"loss/{name}" if name in losses else name: v for name, v in values.items()}
        if self._seen:
            before, then = self._seen
            tags["speed/iterations_per_second"] = (iteration - before) / max(now - then, 1e-9)
        self._seen = (iteration, now)
        self._write(iteration, tags, vectors)
        return losses

    def test_error(self, batch_size: int) -> float:
        """Test error (Eq. 5) with batch statistics. Leaves the moving statistics disturbed."""
        model = self._model
        errors = []
        for i in range(0, len(self._test) - batch_size + 1, batch_size) or [0]:
            x = tf.constant(self._test[i : i + batch_size])
            x_hat = model.reconstruct_batch(x, training=True)
            errors.append(float(objectives.squared_error(model.image_of(x), x_hat)))
        return float(np.mean(errors))

    def pictures(self, iteration: int, error_with_batch_statistics: float) -> str:
        """Writes the grids and the test errors. Returns a line that says where and what."""
        x_hat = self._model.reconstruct(self._test)
        error = float(objectives.squared_error(self._model.image_of(self._test), x_hat))
        self._write(
            iteration,
            {
                "test/reconstruction_error": error,
                "test/reconstruction_error_batch_statistics": error_with_batch_statistics,
            },
        )
        line = (
            f"iteration {iteration}: test reconstruction error {error:.2f} "
            f"({error_with_batch_statistics:.2f} with batch statistics)"
        )
        if self._run:
            with self._writing(iteration):
                for kind, picture in self._grids(x_hat).items():
                    tf.summary.image(f"images/{kind}", picture[None])
                    figures.save_png(self._path(kind, iteration), figures.enlarge(picture))
            line += f"; {self._path(self._shown, iteration)}"
        return line

    def validation(self, iteration: int, error: float, rates: Mapping[str, float]) -> str:
        """Writes a validation error and {player: rate}. Returns a line that says them."""
        tags = {f"learning_rate/{name}": rate for name, rate in rates.items()}
        self._write(iteration, {"validation/error": error, **tags})
        said = "".join(f"; rate of the {name} {rate:.3g}" for name, rate in rates.items())
        return f"iteration {iteration}: validation error {error:.6g}{said}"

    def last_grid(self) -> Path | None:
        """Path of the newest grid of examples, generated if the method has a prior, or None."""
        grids = sorted(self._run.samples.glob(f"{self._shown}-*.png")) if self._run else []
        return grids[-1] if grids else None

    @property
    def _shown(self):
        """The kind of picture that users are pointed to."""
        return "reconstructed" if self._model.density is None else "generated"

    def _grids(self, x_hat):
        """{kind: uint8 picture}; for vectors one scatter plot of them all."""
        model, shown, x_hat = self._model, self._test[:_TILES], x_hat[:_TILES]
        real = model.image_of(shown)
        generated = {}
        if model.density is not None:
            count = len(self._test) if self._test.ndim == 2 else _TILES
            generated = {"generated": model.sample(count, self._seed)}
        if self._test.ndim == 2:
            groups = {"test data": self._test} | (generated or {"reconstructed": x_hat})
            return {self._shown: figures.scatter(groups, f"test data and {self._shown}")}
        grids = {
            "real": figures.grid(real, _COLUMNS),
            "reconstructed": figures.pairs(real, x_hat, _COLUMNS),
        }
        if model.codebook_size is None:
            grids |= _combined(model, shown)
        return grids | {kind: figures.grid(images, _COLUMNS) for kind, images in generated.items()}

    def _path(self, kind, iteration):
        return self._run.samples / f"{kind}-{iteration:07d}.png"

    def _write(self, iteration, tags, vectors=types.MappingProxyType({})):
        if self._writer is None:
            return
        with self._writing(iteration):
            for tag, value in tags.items():
                tf.summary.scalar(tag, value)
            for tag, vector in vectors.items():
                event_files.write_vector(tag, vector)

    @contextlib.contextmanager
    def _writing(self, iteration):
        """Where summaries of an iteration can be written. Raises UserError if the disk is full."""
        try:
            with self._writer.as_default(iteration):
                yield
            self._writer.flush()
        except (OSError, tf.errors.OpError) as error:
            workers.raise_if_lost(error)
            raise UserError(
                f"could not write the summaries of {self._run.path}: {files.reason(error)}: make "
                "room and start the same command again; it resumes from the last checkpoint"
            ) from error

    def _text(self, tag, path):
        if path.exists():
            lines = path.read_text().splitlines()
            with self._writing(0):
                tf.summary.text(tag, "\n".join(f"    {line}" for line in lines))


def _combined(model, examples):
    """{kind: uint8 picture} of what is between two examples, or of one in another's pose."""
    if isinstance(model, ConditionalModel):
        poses = examples[:_COLUMNS]
        table = model.transfer_table(examples[:_ROWS], poses)
        return {"transferred": figures.grid(np.concatenate(table), len(poses))}
    pairs = examples[: min(_ROWS, len(examples) // 2) * 2]
    path = model.interpolate(pairs[::2], pairs[1::2], _COLUMNS)
    return {"interpolated": figures.grid(np.concatenate(path), _COLUMNS)}
