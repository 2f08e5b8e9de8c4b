"""How TensorFlow and Keras are imported: what they read then, and in a command not before use."""

import importlib
import importlib.util
import os
import runpy
import sys
import threading
import types
from collections.abc import Collection
from pathlib import Path
from typing import Any

from flexae_tf import quiet

# With one of these TensorFlow turns oneDNN on by itself (`DefaultOneDnnPolicy` of its
# core/util/port.cc), under the names of /proc/cpuinfo.
_ONEDNN_BY_DEFAULT = frozenset(
    ("avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")
)
_PACKAGE = Path(__file__).parent
_SCRIPT = "flexae-"
_LIBRARIES = ("tensorflow", "keras")
_importing = threading.RLock()


def prepare(features: Collection[str] | None = None) -> None:
    """Sets what the user has not set: oneDNN on, no chatter, Keras over TensorFlow.

    Warns where TensorFlow is there already, with oneDNN off, on a CPU that would gain from it.

    Args:
      features: of the CPU, as /proc/cpuinfo names them; this machine's by default.
    """
    late = "tensorflow" in sys.modules and "TF_ENABLE_ONEDNN_OPTS" not in os.environ
    if late and gains_from_onednn(cpu_features() if features is None else features):
        from flexae_tf.errors import warn  # here, because it needs absl, and this runs without

        warn(
            "tensorflow was imported before flexae_tf, without oneDNN, which makes training on "
            "this CPU 1.4 times faster: import flexae_tf first, or set TF_ENABLE_ONEDNN_OPTS=1"
        )
    # oneDNN kernels make training on a CPU 1.4 times faster.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", quiet.LOG_LEVEL)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def gains_from_onednn(features: Collection[str]) -> bool:
    """Whether a CPU has what oneDNN is fast with, and TensorFlow leaves it off by default."""
    return "avx2" in features and _ONEDNN_BY_DEFAULT.isdisjoint(features)


def cpu_features() -> set[str]:
    """Features of this machine's CPU; none where /proc does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return {name for line in lines if line.startswith("flags") for name in line.split()}


def is_command() -> bool:
    """Whether Python is about to run, by -m or as flexae-<name>, a module of here or of tools/."""
    if Path(sys.argv[0] if sys.argv else "").name.startswith(_SCRIPT):
        return True
    # While it looks for the module, and so imports its package, -m stands for the module's name.
    if sys.argv[:1] != ["-m"]:
        return False
    name = sys.orig_argv[-len(sys.argv)].removeprefix("-m")
    return name.partition(".")[0] in ("flexae_tf", "tools")


def tool(name: str) -> str:
    """Module of a tool, for -m: tools/ of a checkout is flexae_tf.tools where it is installed."""
    return f"flexae_tf.tools.{name}" if (_PACKAGE / "tools").is_dir() else f"tools.{name}"


def script() -> None:
    """Runs, as `python -m` would, what a script is named for: flexae-train, flexae-<tool>."""
    name = Path(sys.argv[0]).name.removeprefix(_SCRIPT).replace("-", "_")
    module = "flexae_tf.train" if name == "train" else tool(name)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def defer() -> None:
    """Has `import tensorflow` and `import keras` cost nothing until one of them is used.

    So a command says what its flags are, or that one is mistaken, without the seconds that they
    take. What uses them when it is imported (a base class, a decorator, an annotation without
    `from __future__ import annotations`) imports them at once, and works as ever.
    """
    if any(name in sys.modules for name in _LIBRARIES):
        return
    for name in _LIBRARIES:
        found = importlib.util.find_spec(name)
        if found is not None:  # the peers of tools/peers have no TensorFlow
            module = _Deferred(name)
            module.__spec__ = found  # for who asks whether it is installed
            sys.modules[name] = module


class _Deferred(types.ModuleType):
    """Stands for a library until something of it is used, and then passes it on.

    The standard library's `LazyLoader` will not do: it executes a module where it stands, but these
    two import each other, and in 3.11 a second thread sees the module half executed.
    """

    def __getattr__(self, name: str) -> Any:
        with _importing:
            for library in _LIBRARIES:
                if isinstance(sys.modules.get(library), _Deferred):
                    del sys.modules[library]
            module = importlib.import_module(self.__name__)
        # From now on most of it is found here, without this function.
        vars(self).update({k: v for k, v in vars(module).items() if k not in vars(self)})
        return getattr(module, name)
