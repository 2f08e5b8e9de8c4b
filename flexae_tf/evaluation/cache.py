"""Features of reference sets on disk, so that the same real images go through a network once.

An entry is `<cache>/features/<key>.npz`, where the key is a hash of the images themselves (type,
shape, content), of the extractor with its weights and resizing, and of the library versions. What
feeds a statistic is kept rather than the statistic, because FID, KID, PRD and IMS share it.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from flexae_tf.data import gather
from flexae_tf.data.cache import cache_root
from flexae_tf.errors import warn
from flexae_tf.evaluation.features import Extractor, Features

# Part of every key: raise it when features change for the same images and weights.
_FORMAT = 1
_HASHED_ROWS = 1000


def cached_features(
    extractor: Extractor, images: np.ndarray, cache_dir: Path | str | None = None
) -> Features:
    """`extractor(images)`, from the cache if it is there.

    A damaged entry is computed anew, and a folder that cannot be read or written costs only the
    time; either is said in one line.

    Args:
      extractor: `features.Extractor`.
      images: array-like, as the extractor takes them.
      cache_dir: folder; by default the one of the data sets.

    Returns:
      `features.Features`.

    Raises:
      UserError: as the extractor does.
    """
    key = _key(extractor, images)
    path = cache_root(cache_dir) / "features" / f"{key}.npz"
    features = _read(path, key)
    if features is None:
        features = extractor(images)
        _write(path, key, features)
    return features


def _key(extractor, images):
    digest = hashlib.sha256()
    identity = [
        _FORMAT,
        extractor.description(),
        importlib.metadata.version("tensorflow"),
        str(images.dtype),
        images.shape,
    ]
    digest.update(json.dumps(identity, sort_keys=True).encode())
    for start in range(0, len(images), _HASHED_ROWS):
        rows = np.arange(start, min(start + _HASHED_ROWS, len(images)))
        digest.update(np.ascontiguousarray(gather(images, rows)))
    return digest.hexdigest()


def _read(path, key):
    try:
        with np.load(path, allow_pickle=False) as entry:
            if str(entry["key"]) != key:
                raise ValueError("it belongs to other images")
            return Features(entry["activations"], entry.get("logits"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        warn(f"cannot use the cached features {path} ({error}): computing them")
        return None


def _write(path, key, features):
    arrays = {"key": np.array(key), "activations": features.activations}
    if features.logits is not None:
        arrays["logits"] = features.logits
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=path.stem, suffix=".partial", delete=False
        ) as file:
            try:
                np.savez(file, **arrays)
                file.close()
                os.replace(file.name, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(file.name)
                raise
    except OSError as error:
        warn(f"cannot keep features in {path.parent}: {error.strerror or error}")
