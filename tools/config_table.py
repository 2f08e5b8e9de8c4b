"""Trains and measures every config of a folder and fills Tables 1 and 2 of the RAE paper.

    python -m tools.config_table --configs=configs/rae_table/mnist --output_dir=tables/mnist
    python -m tools.config_table --configs=configs/rae_table/mnist --output_dir=tables/small \\
      --seeds=3 --several=vae,wae,rae_l2,ae --jobs=2 \\
      --evaluate="--features=pixels --count=2000" -- --training_steps=2000 --batch_size=32

What follows the two dashes goes to flexae_tf.train after each config, so that it overrides it.
--evaluate goes to tools.evaluate --run_dirs. Each row is an ordinary run directory under
--output_dir; with --seeds=3, each config is trained with the seeds 0, 1 and 2 (--several: only
these configs, the others with 0), and the table shows mean and standard deviation.

Interrupted (SIGTERM, Ctrl-C), its runs save a checkpoint; the same command resumes. A run that
fails does not stop the others. Writes tables.md, tables.csv and tables.json, with the paper's
values beside ours, from whatever is measured so far, and prints the first.

Exit status: as tools.sweep.
"""

import shlex
import sys
from pathlib import Path

from absl import flags

from flexae_tf import densities
from flexae_tf.errors import UserError, run_main
from flexae_tf.evaluation import tables
from flexae_tf.experiments import config_table, processes, sweep
from flexae_tf.experiments.measured_run import print_commands

_CONFIGS = flags.DEFINE_string("configs", None, "Folder of flagfiles, a row each.", required=True)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder of the table.", required=True)
_SEEDS = flags.DEFINE_integer("seeds", 1, "How many seeds, from 0.", lower_bound=1)
_SEVERAL = flags.DEFINE_list("several", None, "Configs with all seeds; all by default.")
_DENSITIES = flags.DEFINE_list("densities", [tables.N, "gmm"], "As of tools.evaluate.")
_EVALUATE = flags.DEFINE_string("evaluate", "", "Further flags of tools.evaluate, as one text.")
_JOBS = flags.DEFINE_integer("jobs", 1, "Runs at a time.", lower_bound=1)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the command lines and do nothing.")


def main(train_flags: list[str]) -> int:
    columns = _DENSITIES.value
    for column in columns:
        if column != tables.N:
            densities.check(column)
    evaluate_flags = [f"--densities={','.join(columns)}", *shlex.split(_EVALUATE.value)]
    folder = Path(_OUTPUT_DIR.value)
    rows = config_table.rows(folder, _CONFIGS.value, _seeds(), train_flags, evaluate_flags)
    if _DRY_RUN.value:
        print_commands(rows)
        return 0
    sweep.adopt(folder, evaluate_flags)
    outcomes, status = processes.run(rows, _JOBS.value)
    measured = [result for row in rows if (result := row.result())]
    if measured:
        tables.write(measured, columns, folder)
        print(tables.markdown(measured, columns))
    processes.report_unfinished(outcomes)
    return status


def _seeds():
    """{config: seeds}, under "" those of the others."""
    several = range(_SEEDS.value)
    if _SEVERAL.value is None:
        return {"": several}
    if _SEEDS.value == 1:
        raise UserError("--several needs --seeds=2 or more")
    return dict.fromkeys(_SEVERAL.value, several) | {"": range(1)}


if __name__ == "__main__":
    sys.argv, given_to_train = sweep.split_arguments(sys.argv)
    run_main(lambda _: main(given_to_train))
