"""Measures a trained run, or any two sets of images.

    python -m tools.evaluate --run_dir=runs/mnist
    python -m tools.evaluate --run_dir=runs/mnist --checkpoints=all
    python -m tools.evaluate --run_dir=runs/mnist --protocol=released
    python -m tools.evaluate --run_dir=runs/mnist --density=gmm
    python -m tools.evaluate --run_dir=runs/mnist --explain
    python -m tools.evaluate --run_dir=runs/flow --measures=likelihood,path_length,separability
    python -m tools.evaluate --run_dirs=runs/ae,runs/rae,runs/vae --output_dir=tables
    python -m tools.evaluate --real=mnist --generated=folder_of_png

--measures takes others than those of images: bounds of the likelihood of test images, perceptual
path length, linear separability (flexae_tf/evaluation/latent_space.py).

With --run_dirs it fills Tables 1 and 2 of the RAE paper, one row for each run and one column for
each of --densities, with the paper's values in parentheses; what has a report is not measured
again.

The reports of a run go to its metrics/ and eval/ (see flexae_tf/evaluation/run_evaluation.py).
Prints a table, or with --json one JSON object per line and nothing else; progress and warnings go
to standard error.
"""

import dataclasses
import functools
import json

from absl import flags

from flexae_tf import densities, runs
from flexae_tf.data import to_unit
from flexae_tf.errors import UserError, run_main
from flexae_tf.evaluation import latent_space, report, tables
from flexae_tf.evaluation.image_sets import load_images
from flexae_tf.evaluation.paper_values import explain, paper_values, rows_with_values
from flexae_tf.evaluation.protocol import PROTOCOLS, SPLITS, STANDARD
from flexae_tf.evaluation.run_evaluation import RunEvaluation, choose_iterations
from flexae_tf.evaluation.suite import compare_sets

from . import extractor_flags

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run directory to measure.")
_RUN_DIRS = flags.DEFINE_list("run_dirs", None, "Run directories of a table.")
_DENSITY = flags.DEFINE_string(
    "density",
    densities.OWN,
    f"What --run_dir is sampled from: {', '.join(densities.NAMES)}, gmm<n> or bayesian_gmm<n>.",
)
_DENSITIES = flags.DEFINE_list(
    "densities",
    [tables.N, "gmm"],
    "Columns of the table: as --density, or n for the own prior and, without one, gaussian.",
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Where tables.md, .csv and .json go.")
_REAL = flags.DEFINE_string("real", None, "Real images: a folder, an .npz file or a data set.")
_GENERATED = flags.DEFINE_string("generated", None, "Images to measure: as --real.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where the data sets of --real are.")
_PROTOCOL = flags.DEFINE_enum("protocol", STANDARD.name, list(PROTOCOLS), "How to measure.")
_CHECKPOINTS = flags.DEFINE_string(
    "checkpoints",
    None,
    "newest, best (by validation error), all (those not measured yet), or iterations, 1000,2000; "
    "what the protocol takes by default.",
)
flags.DEFINE_alias("checkpoint", "checkpoints")
_SPLIT = flags.DEFINE_enum(
    "split", None, SPLITS, "Real images, also those that are reconstructed; test by default."
)
_RECONSTRUCT_BY = flags.DEFINE_enum(
    "reconstruct_by", None, ("mean", "sample"), "What of q(z|x) is decoded; mean by default."
)
_COUNT = flags.DEFINE_integer(
    "count", STANDARD.count, "Images in each set, at most.", lower_bound=2
)
_SEED = flags.DEFINE_integer("seed", STANDARD.seed, "Draws images and samples.", lower_bound=0)
_JSON = flags.DEFINE_bool("json", False, "Print JSON instead of a table.")

_MEASURES = flags.DEFINE_list(
    "measures", [], f"Instead of those of images: some of {', '.join(latent_space.MEASURES)}."
)
_LATENT = latent_space.LatentProtocol()
_LIKELIHOOD_IMAGES = flags.DEFINE_integer(
    "likelihood_images", _LATENT.likelihood_images, "Test images of likelihood.", lower_bound=1
)
_LIKELIHOOD_SAMPLES = flags.DEFINE_integer(
    "likelihood_samples", _LATENT.likelihood_samples, "Codes for each of them.", lower_bound=1
)
_PATH_LENGTH_PAIRS = flags.DEFINE_integer(
    "path_length_pairs", _LATENT.path_length_pairs, "Pairs of codes of path_length.", lower_bound=2
)
_SEPARABILITY_SAMPLES = flags.DEFINE_integer(
    "separability_samples", _LATENT.separability_samples, "Of separability.", lower_bound=4
)
_EXPLAIN = flags.DEFINE_bool(
    "explain", False, "Also say what differs from the rows of the papers' tables."
)


def main(argv: list[str]) -> None:
    del argv
    protocol = _chosen_protocol()
    extractor_flags.check()
    images = (_REAL.value, _GENERATED.value)
    given = [_RUN_DIR.value, _RUN_DIRS.value, any(images)]
    if sum(map(bool, given)) != 1 or any(images) != all(images):
        raise UserError("expected one of --run_dir, --run_dirs, or both of --real and --generated")
    unknown = [name for name in _MEASURES.value if name not in latent_space.MEASURES]
    if unknown or (_MEASURES.value and not _RUN_DIR.value):
        names = ", ".join(latent_space.MEASURES)
        raise UserError(f"--measures={','.join(_MEASURES.value)}: with --run_dir, some of {names}")
    if _MEASURES.value:
        _measure_latent_space(_RUN_DIR.value, protocol, densities.check(_DENSITY.value))
    elif _RUN_DIR.value:
        _evaluate_run(_RUN_DIR.value, protocol, densities.check(_DENSITY.value))
    elif _RUN_DIRS.value:
        _fill_tables(_RUN_DIRS.value, protocol, _DENSITIES.value)
    else:
        _compare(*images, protocol)


def _chosen_protocol():
    changes = {"count": _COUNT.value, "seed": _SEED.value}
    if _SPLIT.value:
        changes |= {"split": _SPLIT.value, "reconstructed_split": None}
    if _RECONSTRUCT_BY.value:
        changes |= {"reconstruct_by": _RECONSTRUCT_BY.value}
    return dataclasses.replace(PROTOCOLS[_PROTOCOL.value], **changes)


def _evaluate_run(run_dir, protocol, density):
    iterations = choose_iterations(run_dir, protocol, _CHECKPOINTS.value)
    evaluation = RunEvaluation(
        run_dir, protocol, lambda dataset: extractor_flags.choose(dataset.shape)
    )
    if protocol.first_step is not None:
        _print(evaluation.measure_best(iterations, density))
        return
    for iteration in iterations:
        _print(evaluation.measure(iteration, density, again=_CHECKPOINTS.value != "all"))


def _measure_latent_space(run_dir, protocol, density):
    chosen = latent_space.LatentProtocol(
        likelihood_images=_LIKELIHOOD_IMAGES.value,
        likelihood_samples=_LIKELIHOOD_SAMPLES.value,
        path_length_pairs=_PATH_LENGTH_PAIRS.value,
        separability_samples=_SEPARABILITY_SAMPLES.value,
        seed=_SEED.value,
    )
    for iteration in choose_iterations(run_dir, protocol, _CHECKPOINTS.value):
        run = runs.load(run_dir, iteration)
        dataset = run.load_dataset()
        extractor = extractor_flags.choose(dataset.shape)
        record = latent_space.measure(run, dataset, extractor, _MEASURES.value, density, chosen)
        print(json.dumps(record) if _JSON.value else report.table(record, {}), flush=True)


def _fill_tables(run_dirs, protocol, columns):
    if not columns:
        raise UserError("--densities is empty: expected n, gmm or others")
    for column in columns:
        if column != tables.N:
            densities.check(column)
    make_extractor = functools.cache(extractor_flags.choose)
    rows = [
        tables.row(
            RunEvaluation(run_dir, protocol, lambda dataset: make_extractor(dataset.shape)),
            run_dir,
            protocol,
            columns,
            _CHECKPOINTS.value,
        )
        for run_dir in run_dirs
    ]
    if _OUTPUT_DIR.value:
        tables.write(rows, columns, _OUTPUT_DIR.value)
    print(json.dumps(rows) if _JSON.value else tables.markdown(rows, columns), flush=True)


def _compare(real_source, generated_source, protocol):
    real, generated = (load_images(s, _DATA_DIR.value) for s in (real_source, generated_source))
    real, generated = (images[protocol.rows(len(images))] for images in (real, generated))
    extractor = extractor_flags.choose(real.shape[1:])
    metrics = compare_sets(
        real=STANDARD.prepare(to_unit(real)),  # uint8 images come back as they were
        generated=protocol.prepare(to_unit(generated)),
        extractor=extractor,
        seed=protocol.seed,
    )
    description = protocol.description(
        counts={"real": len(real), "generated": len(generated)},
        split=real_source,
        extractor=extractor,
        generated=generated_source,
    )
    _print(report.record(metrics, description))


def _print(record):
    if _JSON.value:
        print(json.dumps(record), flush=True)
    else:
        print(report.table(record, paper_values(record), rows_with_values(record)), flush=True)
        if _EXPLAIN.value:
            print("\n".join(explain(record)) or "No row of a paper is of this model.", flush=True)


if __name__ == "__main__":
    run_main(main)
