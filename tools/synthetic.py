"""Repeats the synthetic experiments of the FlexAE paper and of the slides on MaskAAE.

    python -m tools.synthetic --figure=2 --seeds=0,1,2,3,4 --output_dir=runs/figure2
    python -m tools.synthetic --figure=3 --seeds=0,1,2,3,4 --output_dir=runs/figure3
    python -m tools.synthetic --figure=5a --seeds=0,1,2 --output_dir=runs/figure5a
    python -m tools.synthetic --run_dir=runs/mine

Figure 2 trains a WAE with a normal prior and FlexAE on synthetic5d with m = 50; Figure 3 trains a
VAE, WAEs with a normal prior and a mixture of Gaussians, and FlexAE on synthetic2d with m = 2. The
slides' Figure 5 is a WAE, MaskAAE and FlexAE with m from below the true dimension, 8 (5a) or 16
(5b), to far above; --latent_dims and --models take some only. Each model and seed is an ordinary
run directory under --output_dir, with its log beside it; started again, the same command resumes.
Writes figure2.png, .svg and .json, or figure3.* and figure3_curves.*, or figure5a.*, and prints
where the models end: mean and standard deviation over the seeds.

With --run_dir, measures the checkpoints of any run on synthetic data instead, into its
metrics/synthetic.json (flexae_tf/experiments/synthetic.py says what).
"""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from flexae_tf.errors import UserError, run_main
from flexae_tf.experiments import (
    claims,
    latent_dimension,
    processes,
    synthetic,
    synthetic_figures,
    synthetic_measures,
)

_FIGURES = [*synthetic.FIGURES, *latent_dimension.STUDIES]
_FIGURE = flags.DEFINE_enum("figure", None, _FIGURES, "Figure of the paper, or of the slides.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2", "3", "4"], "Seeds of the runs.")
_LATENT_DIMS = flags.DEFINE_list("latent_dims", [], "Of figure 5: these m only.")
_MODELS = flags.DEFINE_list("models", [], "Of figure 5: these models only.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder; runs/figure<number> by default.")
_TRAINING_STEPS = flags.DEFINE_integer(
    "training_steps",
    None,
    f"Iterations of every run; {synthetic.TRAINING_STEPS:,}, and for figure 5 "
    f"{latent_dimension.TRAINING_STEPS:,} by default.",
    lower_bound=1,
)
_MEASURE_EVERY_STEPS = flags.DEFINE_integer(
    "measure_every_steps",
    None,
    f"Measured checkpoints; every {synthetic.MEASURE_EVERY_STEPS} by default, the last of figure "
    "5 only.",
    lower_bound=1,
)
_ENCODER_LEARNING_RATE = flags.DEFINE_float(
    "encoder_learning_rate",
    None,
    "Rate of the encoder against its critic, where there is one; Algorithm 1's 1e-5 by default. "
    "Not for figure 5.",
    lower_bound=0.0,
)
_JOBS = flags.DEFINE_integer("jobs", 2, "Processes at a time, one thread each.", lower_bound=1)
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Measure this run only.")


def main(_: list[str]) -> int:
    if bool(_FIGURE.value) == bool(_RUN_DIR.value):
        raise UserError("expected either --figure or --run_dir")
    if _RUN_DIR.value:
        synthetic_measures.measure(_RUN_DIR.value, report=lambda line: print(line, file=sys.stderr))
        return 0
    seeds = _parse_seeds(_SEEDS.value)
    folder = Path(_OUTPUT_DIR.value or f"runs/figure{_FIGURE.value}")
    study = latent_dimension.STUDIES.get(_FIGURE.value)
    if study is not None:
        return compare_dimensions(study, seeds, folder)
    if _LATENT_DIMS.value or _MODELS.value:
        raise UserError("--latent_dims and --models are for --figure=5a and 5b")
    experiment = synthetic.FIGURES[_FIGURE.value]
    tasks = [
        synthetic.SyntheticRun(
            experiment,
            model,
            seed,
            folder,
            _TRAINING_STEPS.value or synthetic.TRAINING_STEPS,
            _MEASURE_EVERY_STEPS.value or synthetic.MEASURE_EVERY_STEPS,
            _ENCODER_LEARNING_RATE.value,
        )
        for seed in seeds
        for model in experiment.models
    ]
    status = train(tasks)
    if status is None:
        report(experiment, tasks, folder)
    return status or 0


def train(tasks: Sequence[synthetic.SyntheticRun]) -> int | None:
    """Trains and measures; the exit status if not all is finished then, after a line."""
    outcomes, status = processes.run(tasks, _JOBS.value, processes.ONE_THREAD)
    if all(outcome.state == processes.FINISHED for outcome in outcomes.values()):
        return None
    print("not all runs are finished: start the same command again for the figure")
    return status


def compare_dimensions(
    study: latent_dimension.Study, seeds: Sequence[int], folder: Path | str
) -> int:
    """Trains the models of a study of the slides and writes its figure. Returns the status."""
    if _ENCODER_LEARNING_RATE.value is not None:
        raise UserError("--encoder_learning_rate is not for figure 5, whose rates are all the same")
    study = latent_dimension.narrowed(study, _LATENT_DIMS.value, _MODELS.value)
    steps = _TRAINING_STEPS.value or latent_dimension.TRAINING_STEPS
    runs = latent_dimension.tasks(study, seeds, folder, steps, _MEASURE_EVERY_STEPS.value or steps)
    status = train(list(itertools.chain(*runs.values())))
    if status is not None:
        return status
    found = latent_dimension.found(study, runs)
    print(latent_dimension.table(found))
    for m, of_m in found.items():
        for verdict in claims.verdicts(study.experiment(m, steps).claims, of_m):
            print(f"m = {m}: {synthetic_figures.sentence(verdict)}")
    print(*latent_dimension.write(study, runs, found, folder), sep="\n")
    return 0


def report(
    experiment: synthetic.Experiment, tasks: Sequence[synthetic.SyntheticRun], folder: Path | str
) -> None:
    """Writes figures and JSON and prints what came out."""
    curves = {model: {} for model in experiment.models}
    for task in tasks:
        curves[task.model][task.seed] = task.curves()
    found = claims.summary(curves, synthetic_measures.MEASURES)
    verdicts = claims.verdicts(experiment.claims, found)
    paths = synthetic_figures.write(experiment, tasks, curves, found, folder)
    paths.append(synthetic_figures.write_json(experiment, tasks, curves, found, verdicts, folder))
    print(synthetic_figures.table(found))
    for verdict in verdicts:
        print(synthetic_figures.sentence(verdict))
    for path in paths:
        print(path)


def _parse_seeds(texts):
    if not texts or not all(text.isdecimal() for text in texts) or len(set(texts)) < len(texts):
        raise UserError(f"--seeds must be different numbers, 0,1,2; received {','.join(texts)!r}")
    return [int(text) for text in texts]


if __name__ == "__main__":
    run_main(main)
