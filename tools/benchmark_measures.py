"""Times the measures of tools.evaluate and an exported model.

    python -m tools.benchmark_measures
    python -m tools.benchmark_measures --inception=PATH --run_dir=runs/digits-flexae_sr-paper-0

On random activations of 10,000 images of Inception's width, and on 10,000 images of 32 x 32 x 3 for
PMS. With --inception, also feature extraction against the bare network on the same batches; with
--run_dir, `generate` of the run's newest export against the same networks in a tf.function.
"""

import json
import statistics
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import flags

from flexae_tf import runs
from flexae_tf.errors import UserError, run_main
from flexae_tf.evaluation import frechet, kernel, memorization, prd, precision_recall, pretrained

_INCEPTION = flags.DEFINE_string("inception", None, "A SavedModel's folder, see tools.evaluate.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "A run that has been exported.")
_COUNT = flags.DEFINE_integer("count", 10_000, "Images in each set.", lower_bound=20)


def main(_: list[str]) -> None:
    figures = measures(_COUNT.value)
    if _INCEPTION.value:
        figures["extraction_speed_over_bare_network"] = extraction_ratio(_INCEPTION.value)
    if _RUN_DIR.value:
        figures |= serving_ratios(_RUN_DIR.value)
    print(json.dumps(figures, indent=2))


def measures(count: int) -> dict[str, float]:
    """{measure: seconds} of two random sets of `count`."""
    generator = np.random.default_rng(0)
    activations = {
        name: generator.standard_normal((count, 2048), np.float32) for name in ("real", "generated")
    }
    pixels = {name: generator.random((count, 3072), np.float32) for name in ("real", "generated")}
    return {
        "frechet_seconds": _seconds(lambda: frechet.frechet_distance(**activations)),
        "kernel_seconds": _seconds(lambda: kernel.kernel_distance(**activations)),
        "prd_seconds": _seconds(lambda: prd.prd_score(**activations, seed=0)),
        "precision_recall_seconds": _seconds(
            lambda: precision_recall.precision_recall(**activations)
        ),
        "pms_seconds": _seconds(lambda: memorization.memorization_score(**pixels)),
    }


def extraction_ratio(path: str, images: int = 100, repeats: int = 3) -> float:
    """Seconds of the bare network over ours on the same images, the best of several."""
    extractor, bare = pretrained.inception(path), tf.saved_model.load(path)
    batch = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), np.uint8)
    resized = tf.compat.v1.image.resize_bilinear(np.float32(batch), [299, 299]) / 127.5 - 1
    batches = tf.split(resized, images // 50)

    def run_bare():
        return [np.asarray(bare(part)["pool_3"]) for part in batches]

    ours = min(_seconds(lambda: extractor(batch)) for _ in range(repeats))
    return min(_seconds(run_bare) for _ in range(repeats)) / ours


def serving_ratios(run_dir: Path | str, calls: int = 100) -> dict[str, float]:
    """{batch: median seconds of the exported `generate` over those of the networks}."""
    run = runs.load(run_dir)
    versions = sorted(runs.RunDirectory(run_dir).export.glob("[0-9]*"), key=lambda p: int(p.name))
    if not versions:
        raise UserError(f"--run_dir={run_dir} has no export: run tools.export first")
    served = tf.saved_model.load(str(versions[-1])).signatures["generate"]
    density = run.model.density
    if density is None:
        raise UserError(f"--run_dir={run_dir} holds a model without a prior: nothing to generate")
    networks = tf.function(lambda n: run.model.decode_batch(density.prior(n)))
    ratios = {}
    for batch in (1, 64):
        noise = density.noise(tf.constant([0, 0], tf.int64), batch)
        functions = (lambda n=noise: served(noise=n)["images"], lambda n=noise: networks(n))
        # In turns, so that both meet the same load.
        seconds = [[_seconds(f) for f in functions] for _ in range(calls)]
        ours, bare = (statistics.median(column) for column in zip(*seconds, strict=True))
        ratios[f"generate_over_networks_batch_{batch}"] = ours / bare
    return ratios


def _seconds(function):
    began = time.perf_counter()
    np.asarray(function())
    return time.perf_counter() - began


if __name__ == "__main__":
    run_main(main)
