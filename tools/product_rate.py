"""The best dense float32 product of this machine: python -m tools.product_rate

Prints the floating-point operations per second of one back end, TensorFlow's as it is set up.
"""

import os
import subprocess
import sys
import time

import tensorflow as tf

from flexae_tf import backend

_SIZE = 2048  # rows and columns: large enough for arithmetic alone to limit it
_REPEATS = 30
# {back end on a CPU: what chooses it when TensorFlow is imported}
_BACK_ENDS = {"oneDNN": "1", "Eigen": "0"}


def best() -> tuple[str, float]:
    """(back end, floating-point operations per second) of the fastest square product.

    On a CPU each back end is measured in a process of its own, because TensorFlow reads which to
    use when it is imported.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return gpus[0].name, measure()
    rates = {name: _measure_apart(chosen) for name, chosen in _BACK_ENDS.items()}
    return max(rates.items(), key=lambda item: item[1])


def measure() -> float:
    """Floating-point operations per second of a square product in this process, the best of 30."""
    a, b = tf.random.normal([_SIZE, _SIZE]), tf.random.normal([_SIZE, _SIZE])
    product = tf.function(tf.matmul)
    product(a, b).numpy()
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        product(a, b).numpy()
        seconds.append(time.perf_counter() - began)
    return 2 * _SIZE**3 / min(seconds)


def _measure_apart(chosen):
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": chosen}
    command = [sys.executable, "-m", backend.tool("product_rate")]
    finished = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return float(finished.stdout)


if __name__ == "__main__":
    print(measure())
