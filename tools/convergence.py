"""Trains eleven methods to where their measures hardly move, and says which claims came out.

    python -m tools.convergence --output_dir=runs/convergence
    python -m tools.convergence --output_dir=runs/long --configs=configs/convergence_long --seeds=1
    python -m tools.convergence --output_dir=runs/mnist --evaluate="--count=2000" -- \\
      --dataset=mnist --data_dir=~/tensorflow_datasets --width_multiplier=0.25

Rows are the configs of configs/convergence: networks an eighth as wide as published, on the digits
that come with scikit-learn, so that two CPU cores train each to its end; configs/convergence_long
has ten of them for four times as long. What follows the two dashes goes to flexae_tf.train after
each config. The extractor is a classifier of the same data, trained first (tools.train_classifier),
unless --evaluate names another.

Interrupted (SIGTERM, Ctrl-C), its runs save a checkpoint; the same command resumes. Writes
table.md, curves.json, generation.png and reconstruction.png from whatever is measured so far, and
prints the first: mean and standard deviation over the seeds, and a sentence for every claim.

Exit status: as tools.sweep.
"""

import shlex
import sys
from pathlib import Path

from absl import flags

from flexae_tf import settings
from flexae_tf.errors import run_main
from flexae_tf.evaluation import classifier
from flexae_tf.experiments import convergence, processes, sweep
from flexae_tf.experiments.measured_run import print_commands

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder of everything.", required=True)
_CONFIGS = flags.DEFINE_string("configs", "configs/convergence", "Folder of flagfiles.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "How many seeds, from 0.", lower_bound=1)
_EVALUATE = flags.DEFINE_string("evaluate", "", "Further flags of tools.evaluate, as one text.")
_EPOCHS = flags.DEFINE_integer("classifier_epochs", 20, "Of the extractor.", lower_bound=1)
_JOBS = flags.DEFINE_integer("jobs", 2, "Runs at a time, a thread each.", lower_bound=1)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the command lines and do nothing.")


def main(train_flags: list[str]) -> int:
    folder = Path(_OUTPUT_DIR.value)
    evaluate_flags = shlex.split(_EVALUATE.value)
    own = not any(flag.startswith(("--features", "--inception")) for flag in evaluate_flags)
    if own:
        evaluate_flags.append(f"--features={folder / 'classifier'}")
    runs = convergence.all_runs(folder, _CONFIGS.value, _SEEDS.value, train_flags, evaluate_flags)
    if _DRY_RUN.value:
        print_commands(runs)
        return 0
    sweep.adopt(folder, evaluate_flags)
    if own:
        dataset = settings.load_dataset(runs[0].training.values)
        classifier.train(dataset, classifier.Training(_EPOCHS.value), folder / "classifier")
    outcomes, status = processes.run(runs, _JOBS.value, processes.ONE_THREAD)
    measured = convergence.curves(runs)
    if measured:
        paths = convergence.write(measured, runs, folder)
        print(paths[0].read_text())
        print(*paths, sep="\n")
    processes.report_unfinished(outcomes)
    return status


if __name__ == "__main__":
    sys.argv, given_to_train = sweep.split_arguments(sys.argv)
    run_main(lambda _: main(given_to_train))
