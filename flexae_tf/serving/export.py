"""Writes a trained model as a SavedModel that TensorFlow Serving takes as it stands.

    export/<version>/               the SavedModel, with the signatures of `signatures.ServedModel`
        assets.extra/card.json      what the model is and how it was trained
        assets.extra/directions/    the directions of `edit`
        assets.extra/tf_serving_warmup_requests
                                    a PredictionLog for each signature, run before it serves

A version appears under its number only when it is complete.
"""

import contextlib
import datetime
import fcntl
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import densities
from flexae_tf.algorithm.conditional import ConditionalModel
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.runs import Run, RunDirectory
from flexae_tf.serving.conditional import ConditionalServedModel
from flexae_tf.serving.signatures import ServedModel

DIRECTIONS = "directions"
EXTRA = "assets.extra"
# A server picks up the folders whose names are integers, and no others.
_PARTIAL = "partial"
_LOCAL_SETTINGS = ("data_dir", "cache_dir")


def export(run: Run, density: str = densities.OWN) -> Path:
    """Writes the next version of a run's SavedModel, and says on standard error what it lacks.

    Args:
      run: `runs.Run`, trained to the end or not.
      density: what the model samples from, see `densities`; without a prior of its own and without
        another density it does everything but sample.

    Returns:
      The version's folder.

    Raises:
      UserError: a direction's file is unsound, the folder cannot be written, or as
        `densities.attach`.
    """
    if density != densities.OWN:
        run = densities.attach(run, density)
    folder = RunDirectory(run.path).export
    directions = {}
    if isinstance(run.model, ConditionalModel):
        served: ServedModel = ConditionalServedModel(run.model)
    else:
        if run.model.codebook_size is None:
            directions = read_directions(run.path, run.model.latent_dim)
        served = ServedModel(run.model, directions)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            partial = folder / _PARTIAL
            shutil.rmtree(partial, ignore_errors=True)  # of an export that was killed
            _write(partial, served, directions, run, density)
            version = folder / str(max(_versions(folder), default=0) + 1)
            os.replace(partial, version)
    except (OSError, tf.errors.OpError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        raise UserError(f"cannot write {folder}: {reason}") from error
    return version


def read_directions(folder: Path | str, dim: int) -> dict[str, np.ndarray]:
    """The directions of `edit`: {name: float32 [m]} of directions/<name>.npy, sorted.

    Args:
      folder: a run directory, or the assets.extra of an export.
      dim: m.

    Raises:
      UserError: a file is no finite vector [m].
    """
    found = {}
    for path in sorted(Path(folder, DIRECTIONS).glob("*.npy")):
        try:
            vector = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(f"cannot read the direction {path}: {error}") from error
        if vector.shape != (dim,) or vector.dtype != np.float32 or not np.isfinite(vector).all():
            raise UserError(
                f"{path} must hold {dim} finite float32 numbers; received {vector.dtype} "
                f"{list(vector.shape)}: compute the direction anew"
            )
        found[path.stem] = vector
    return found


def _write(path, served, directions, run, density):
    """Writes the SavedModel, its warm-up requests, directions and card to a new folder."""
    signatures = served.signatures()
    archive = keras.export.ExportArchive()
    for name, signature in signatures.items():
        archive.add_endpoint(name, signature.function, signature.inputs)
    archive.write_out(str(path), verbose=False)
    extra = path / EXTRA
    (extra / DIRECTIONS).mkdir(parents=True)
    for name, vector in directions.items():
        np.save(extra / DIRECTIONS / f"{name}.npy", vector)
    report.write_json(_card(run, density, signatures, served.lacking()), extra / "card.json")
    default = next(iter(signatures.values()))
    _write_warmup(
        extra / "tf_serving_warmup_requests",
        run.path.name,
        {**signatures, tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: default},
    )


def _write_warmup(path, model, signatures):
    """One PredictionLog for each signature; a line instead without the package that defines it."""
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        print(
            "no warm-up requests: install requirements-serving.txt and export again to have them",
            file=sys.stderr,
        )
        return
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, signature in signatures.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.model_spec.signature_name = name
            for key, value in signature.examples.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())


def _card(run, density, signatures, lacking):
    """What a model is, how it was trained and how good it is, for JSON."""
    settings = {k: v for k, v in run.settings.items() if k not in _LOCAL_SETTINGS}
    metrics = sorted(RunDirectory(run.path).metrics.glob(f"{run.iteration}.*json"))
    return {
        "method": settings["method"],
        "variant": settings["variant"],
        "dataset": settings["dataset"],
        "precision": settings["precision"],
        "data_fingerprint": run.fingerprint,
        "iteration": run.iteration,
        "active_dimensions": None if run.model.active is None else int(run.model.active.sum()),
        "density": density,
        "training_steps": settings["training_steps"],
        "finished": run.iteration >= settings["training_steps"],
        "metrics": {path.name: report.read_json(path) for path in metrics},
        "settings": settings,
        "signatures": {
            name: {
                spec.name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
                for spec in signature.inputs
            }
            for name, signature in signatures.items()
        },
        "left_out": lacking,
        "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {name: metadata.version(name) for name in ("tensorflow", "keras")},
    }


def _versions(folder):
    return [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]


@contextlib.contextmanager
def _lock(folder):
    """Waits for its turn to export to a folder; the system lets go of it when a process dies."""
    with open(folder / ".lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
