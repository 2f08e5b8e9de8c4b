"""Repeats the synthetic experiments of the FlexAE paper.

    python -m tools.synthetic --figure=2 --seeds=0,1,2,3,4 --output_dir=runs/figure2
    python -m tools.synthetic --figure=3 --seeds=0,1,2,3,4 --output_dir=runs/figure3
    python -m tools.synthetic --run_dir=runs/mine

Figure 2 trains a WAE with a normal prior and FlexAE on synthetic5d with m = 50; Figure 3 trains a
VAE, WAEs with a normal prior and a mixture of Gaussians, and FlexAE on synthetic2d with m = 2. Each
model and seed is an ordinary run directory under --output_dir, with its log beside it; started
again, the same command resumes. Writes figure2.png, .svg and .json, or figure3.* and
figure3_curves.*, and prints where the models end: mean and standard deviation over the seeds.

With --run_dir, measures the checkpoints of any run on synthetic data instead, into its
metrics/synthetic.json (flexae_tf/experiments/synthetic.py says what).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from flexae_tf.errors import UserError, run_main
from flexae_tf.experiments import processes, synthetic, synthetic_figures, synthetic_measures

_FIGURE = flags.DEFINE_enum("figure", None, ["2", "3"], "Figure of the paper.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2", "3", "4"], "Seeds of the runs.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder; runs/figure<number> by default.")
_TRAINING_STEPS = flags.DEFINE_integer(
    "training_steps", synthetic.TRAINING_STEPS, "Iterations of every run.", lower_bound=1
)
_MEASURE_EVERY_STEPS = flags.DEFINE_integer(
    "measure_every_steps", synthetic.MEASURE_EVERY_STEPS, "Measured checkpoints.", lower_bound=1
)
_ENCODER_LEARNING_RATE = flags.DEFINE_float(
    "encoder_learning_rate",
    None,
    "Rate of the encoder against its critic, where there is one; Algorithm 1's 1e-5 by default.",
    lower_bound=0.0,
)
_JOBS = flags.DEFINE_integer("jobs", 2, "Processes at a time, one thread each.", lower_bound=1)
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Measure this run only.")
# The networks are so small that a second thread costs more than it gives.
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def main(_: list[str]) -> int:
    if bool(_FIGURE.value) == bool(_RUN_DIR.value):
        raise UserError("expected either --figure=2, --figure=3 or --run_dir")
    if _RUN_DIR.value:
        synthetic_measures.measure(_RUN_DIR.value, report=lambda line: print(line, file=sys.stderr))
        return 0
    seeds = _parse_seeds(_SEEDS.value)
    experiment = synthetic.FIGURES[int(_FIGURE.value)]
    folder = Path(_OUTPUT_DIR.value or f"runs/figure{experiment.number}")
    tasks = [
        synthetic.SyntheticRun(
            experiment,
            model,
            seed,
            folder,
            _TRAINING_STEPS.value,
            _MEASURE_EVERY_STEPS.value,
            _ENCODER_LEARNING_RATE.value,
        )
        for seed in seeds
        for model in experiment.models
    ]
    outcomes, status = processes.run(tasks, _JOBS.value, _ONE_THREAD)
    if any(outcome.state != processes.FINISHED for outcome in outcomes.values()):
        print("not all runs are finished: start the same command again for the figure")
        return status
    report(experiment, tasks, folder)
    return 0


def report(
    experiment: synthetic.Experiment, tasks: Sequence[synthetic.SyntheticRun], folder: Path | str
) -> None:
    """Writes figures and JSON and prints what came out."""
    curves = {model: {} for model in experiment.models}
    for task in tasks:
        curves[task.model][task.seed] = task.curves()
    found = synthetic.summary(curves)
    verdicts = synthetic.verdicts(experiment, found)
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
