"""TF-GAN's evaluation package, loaded without TF-GAN's own `__init__`.

`import tensorflow_gan` fails on TensorFlow >= 2.16: it imports `tensorflow.estimator`, which is
gone. Its `eval` package is sound, so the two parent packages are registered here as bare packages
(a name and a search path) and only `tensorflow_gan.python.eval` is executed.

Its `*_from_activations` functions and `classifier_score_from_logits` work; those that run a
network do not (they call `tf.compat.v1.layers`).
"""

import functools
import importlib
import importlib.util
import sys
import types
from pathlib import Path


@functools.cache
def evaluation() -> types.ModuleType:
    """The package. Importing it takes as long as importing TensorFlow."""
    spec = importlib.util.find_spec("tensorflow_gan")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    for name, folder in (("tensorflow_gan", root), ("tensorflow_gan.python", root / "python")):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules.setdefault(name, package)
    return importlib.import_module("tensorflow_gan.python.eval")
