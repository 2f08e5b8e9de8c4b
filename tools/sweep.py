"""Trains and measures a run for every combination of some flags, and collects them in a table.

    python -m tools.sweep --sweep=latent_dim --output_dir=sweeps/mnist -- \\
      --flagfile=configs/mnist.cfg
    python -m tools.sweep --sweep=beta --output_dir=sweeps/beta -- \\
      --flagfile=configs/{method}/mnist.cfg
    python -m tools.sweep --vary=latent_dim=4,8 --vary=method=wae_gan,flexae_sr \\
      --evaluate=--features=pixels --output_dir=sweeps/digits -- --dataset=digits

What follows the two dashes goes to flexae_tf.train as it stands. Each combination is an ordinary
run directory under --output_dir. --sweep=latent_dim is Table 3 of the FlexAE paper (m_b, 2 m_b and
4 m_b, WAE against FlexAE-SR), --sweep=generator_capacity the slides' Table 5 on 5,000 train
examples, --sweep=mask their Figure 6 (MaskAAE on MNIST with m = 32, 64 and 110), --sweep=beta and
--sweep=beta_latent_dim Morrow and Chiu's Figures 3 and 5, five seeds each; --vary replaces an axis
of theirs or adds one. Flags joined by a slash vary together:
--vary=generator_layers/generator_width=1/64,2/256. {method} in a training flag stands for the
method of each run, so that each has its own flagfile, and {seed} or any flag that is varied alike.

Interrupted (SIGTERM, Ctrl-C), its runs save a checkpoint; the same command resumes. Several
machines that share the folder leave each other's runs alone; --shard=0/4 takes every fourth run. A
run that fails does not stop the others. Writes table.md and table.csv, with the papers' values
beside ours, from whatever is measured so far, and prints the former; with --plot, which the last
two presets bring along, figure.png, too. hparams/ has the same for TensorBoard:
tensorboard --logdir FOLDER/hparams shows measures by what is varied under HPARAMS.

Exit status: 0 when all runs of this shard are measured, 1 if one failed, 75 if another process is
still at one or --max_hours is over, 128 + number after a signal.
"""

import re
import shlex
import sys
from pathlib import Path

from absl import flags

from flexae_tf.errors import UserError, run_main
from flexae_tf.experiments import processes, sweep, sweep_figure, sweep_table
from flexae_tf.experiments.measured_run import print_commands
from flexae_tf.report import hparams

_SWEEP = flags.DEFINE_enum("sweep", None, sweep.PRESETS, "A sweep of the papers.")
_VARY = flags.DEFINE_multi_string("vary", [], "flag=value,value; may be given several times.")
_PLOT = flags.DEFINE_string("plot", None, "Flag along the horizontal axis of figure.png.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder of the sweep.", required=True)
_EVALUATE = flags.DEFINE_string("evaluate", "", "Flags of tools.evaluate, as one text.")
_JOBS = flags.DEFINE_integer("jobs", 1, "Runs at a time.", lower_bound=1)
_SHARD = flags.DEFINE_string("shard", "0/1", "index/count: take every count-th run only.")
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the command lines and do nothing.")


def main(train_flags: list[str]) -> int:
    axes, further = sweep.preset(_SWEEP.value, train_flags) if _SWEEP.value else ({}, [])
    given = dict(map(sweep.parse_axis, _VARY.value))
    if len(given) < len(_VARY.value):
        raise UserError("--vary names a flag twice: give all of its values at once")
    axes |= given
    if not axes:
        raise UserError("nothing to vary: give --sweep or --vary")
    plotted = _PLOT.value or sweep.PLOTTED_BY.get(_SWEEP.value)
    if plotted and plotted not in {name for names in axes for name in names}:
        raise UserError(f"--plot={plotted} is none of the flags that are varied")
    folder, evaluate_flags = Path(_OUTPUT_DIR.value), shlex.split(_EVALUATE.value)
    cells = sweep.cells(folder, axes, [*further, *train_flags], evaluate_flags)
    mine = _shard(cells, _SHARD.value)
    if _DRY_RUN.value:
        print_commands(mine)
        return 0
    sweep.adopt(folder, evaluate_flags)
    outcomes, status = processes.run(mine, _JOBS.value)
    rows = sweep_table.collect(cells)
    paths, text = sweep_table.write(rows, folder)
    figure = plotted and sweep_figure.write(rows, plotted, folder)
    hparams.write(folder / "hparams", sweep_table.trials(rows))
    print(text)
    print(*paths, *([figure] if figure else []))
    processes.report_unfinished(outcomes)
    return status


def _shard(cells, text):
    """The cells of one shard, "index/count"."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    index, count = map(int, match.groups()) if match else (0, 0)
    if index >= count:
        raise UserError(f"--shard must be index/count, 0/4 to 3/4; received {text!r}")
    return cells[index::count]


if __name__ == "__main__":
    sys.argv, given_to_train = sweep.split_arguments(sys.argv)
    run_main(lambda _: main(given_to_train))
