"""Measures training: python -m tools.benchmark --flagfile=configs/released/mnist.cfg

Reports seconds per iteration, images per second, the time to the first iteration, the share spent
waiting for data, resident and device memory, and how close an iteration comes to its *arithmetic
bound*: the floating-point operations of its matrix products and convolutions, counted in the graph
that runs, at the rate of the best dense float32 product that this machine reaches, whatever the
networks are: a square one of 2,048, on a CPU the better of oneDNN's and Eigen's (`product_rate`),
measured right after the iterations.

With --profile_dir, also profiles three more iterations: a folder for TensorBoard's profile plugin,
and the seconds per iteration of the kinds of operation that take most, summed over threads.
"""

from __future__ import annotations

import functools
import json
import math
import resource
import statistics
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import flags

from flexae_tf import settings
from flexae_tf.errors import run_main
from flexae_tf.training.strategy import make_strategy
from flexae_tf.training.trainer import Trainer

from . import operation_profile, product_rate

settings.define_flags()
flags.DEFINE_integer("iterations", 10, "Iterations to time.", lower_bound=2)
flags.DEFINE_integer("warmup", 2, "Iterations before them.", lower_bound=1)
flags.DEFINE_string("profile_dir", None, "Also profile iterations, into this folder.")
flags.DEFINE_bool("json", False, "Print one JSON line on standard output.")
FLAGS = flags.FLAGS

_PROFILED_ITERATIONS = 3
_PROFILED_KINDS = 12


def main(_: list[str]) -> None:
    strategy = make_strategy(settings.trainer_options())
    dataset = settings.load_dataset()
    began = time.perf_counter()
    build = functools.partial(settings.build_method, dataset.shape)
    trainer = Trainer(build, dataset, settings.trainer_options(), strategy=strategy)
    figures = measure(trainer, began)
    if FLAGS.profile_dir:
        figures |= operation_seconds(trainer, Path(FLAGS.profile_dir))
    if FLAGS.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:42s} {value:.4g}" if isinstance(value, float) else f"{name:42s} {value}")


def measure(trainer: Trainer, began: float) -> dict[str, float | str]:
    """Times iterations of a trainer.

    Args:
      trainer: a Trainer that has not run yet. began: `time.perf_counter()` before it was built.

    Returns:
      {name with unit: number}.
    """
    iterator = trainer.iterator(0, FLAGS.warmup + FLAGS.iterations + 1)
    flops = operations(trainer.graph_function(1).get_concrete_function(iterator).graph)
    _wait(trainer.iterate(iterator))
    first = time.perf_counter() - began
    for _ in range(FLAGS.warmup - 1):
        _wait(trainer.iterate(iterator))
    seconds = [_time(lambda: _wait(trainer.iterate(iterator))) for _ in range(FLAGS.iterations)]
    # The memory of training itself: the rate's arrays come later.
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    median = statistics.median(seconds)
    batch = trainer.options.batch_size
    back_end, rate = product_rate.best()
    return {
        "seconds_per_iteration": median,
        "seconds_per_iteration_min": min(seconds),
        "seconds_per_iteration_max": max(seconds),
        "images_per_second": batch / median,
        "seconds_to_first_iteration": first,
        "input_wait_share": input_seconds(trainer) / median,
        "peak_resident_gib": resident,
        **_device_memory(),
        "gflop_per_iteration": flops / 1e9,
        "best_product": back_end,
        "best_product_gflop_per_second": rate / 1e9,
        "arithmetic_bound_seconds": flops / rate,
        "ratio_to_arithmetic_bound": median / (flops / rate),
    }


def operation_seconds(trainer: Trainer, folder: Path) -> dict[str, float]:
    """{"profile: <kind of operation>": seconds per iteration} of the kinds that take most."""
    iterator = trainer.iterator(0, _PROFILED_ITERATIONS)

    def iterate():
        for _ in range(_PROFILED_ITERATIONS):
            _wait(trainer.iterate(iterator))

    found = operation_profile.profile(iterate, folder)
    return {
        f"profile: {kind}": seconds / _PROFILED_ITERATIONS
        for kind, seconds in list(found.items())[:_PROFILED_KINDS]
    }


def operations(graph: tf.Graph) -> int:
    """Floating-point operations of the matrix products and convolutions that a graph runs.

    A multiplication and an addition count as two. Operations whose result nothing needs, which
    TensorFlow prunes, do not count; a function counts as often as it is called.
    """
    pending = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    seen = set()
    while pending:
        operation = pending.pop()
        if operation not in seen:
            seen.add(operation)
            pending += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return sum(_operations_of(operation, graph) for operation in seen)


def _operations_of(operation, graph):
    if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
        return operations(graph._get_function(operation.get_attr("f").name).graph)
    shapes = [tensor.shape for tensor in operation.inputs]
    if operation.type == "MatMul":
        inner = shapes[0][0 if operation.get_attr("transpose_a") else 1]
        return 2 * inner * math.prod(operation.outputs[0].shape)
    if operation.type == "Conv2D":
        return 2 * math.prod(operation.outputs[0].shape) * math.prod(shapes[1][:3])
    if operation.type == "Conv2DBackpropInput":
        return 2 * math.prod(shapes[2]) * math.prod(shapes[1][:3])
    if operation.type == "Conv2DBackpropFilter":
        kernel = operation.outputs[0].shape
        if not kernel.is_fully_defined():
            kernel = tf.get_static_value(operation.inputs[1]).tolist()
        return 2 * math.prod(shapes[2]) * math.prod(kernel[:3])
    return 0


def input_seconds(trainer: Trainer, iterations: int = 20) -> float:
    """Seconds to draw and gather the minibatches of an iteration, without training beside it.

    An upper bound of what an iteration waits, because the pipeline works ahead while it trains.
    """
    iterator = trainer.iterator(0, iterations + 5)
    for _ in range(5):
        next(iterator)
    return statistics.median(_time(lambda: next(iterator)) for _ in range(iterations))


def _device_memory():
    gpus = tf.config.list_logical_devices("GPU")
    peaks = [tf.config.experimental.get_memory_info(gpu.name)["peak"] for gpu in gpus]
    return {"peak_device_gib": max(peaks) / 2**30} if peaks else {}


def _wait(reported):
    return np.asarray(next(iter(reported.values())))


def _time(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


if __name__ == "__main__":
    run_main(main)
