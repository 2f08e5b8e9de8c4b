"""What both sides do alike; needs neither TensorFlow nor torch."""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

SHAPE = (28, 28, 1)
IMAGES = 1280
LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8  # Adam, of every player


def task() -> dict[str, Any]:
    """What to run, as the one argument says in JSON.

    Returns:
      {"method": name, "batch_size", "latent_dim", "threads", "warmup", "iterations": counts}.
    """
    return json.loads(sys.argv[1])


def report(
    parameters: Mapping[str, int], iterate: Callable[[], object], warmup: int, iterations: int
) -> None:
    """Times iterations and prints a line of JSON.

    Args:
      parameters: {network: number of trainable parameters}.
      iterate: function without arguments; returns once an iteration is done.
      warmup, iterations: how many are run without and with a clock; `iterations` may be 0.
    """
    seconds = []
    for number in range(warmup + iterations if iterations else 0):
        began = time.perf_counter()
        iterate()
        if number >= warmup:
            seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = {"seconds": statistics.median(seconds), "peak_gib": peak} if seconds else {}
    print(json.dumps({"parameters": parameters, **figures}))
