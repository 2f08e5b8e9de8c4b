"""Measures training beside pythae's: python -m tools.benchmark_peers --peers_python=PATH

The same layers (--networks=flexae), batch, latent dimension and optimizer on both sides, on images
of 28 x 28 pixels of noise. First the parameters of every network are compared; then the two sides
take turns, each time in a process of its own. PATH is the Python of an environment with
requirements-peers.txt; left out, this one.

This project's seconds are of whole iterations of its trainer, drawing of minibatches and norms of
gradients included; pythae's are of its models and updates without its data loader. VAE, RAE-L2 and
WAE-MMD do the same work on both sides. AAE does not: pythae moves encoder and decoder once by the
sum of the losses, this project as the paper has it in two updates.
"""

import json
import subprocess
import sys

from absl import flags

from flexae_tf import backend
from flexae_tf.errors import UserError, run_main

from .peers import table

_METHODS = ("vae", "rae", "wae_mmd", "aae")  # rae: RAE-L2

flags.DEFINE_string("peers_python", sys.executable, "Python that has torch and pythae.")
flags.DEFINE_multi_enum("peer_method", ["vae", "rae", "wae_mmd"], _METHODS, "Which; repeatable.")
flags.DEFINE_integer("rounds", 3, "Turns of each side.", lower_bound=1)
flags.DEFINE_integer("iterations", 30, "Iterations timed in a turn.", lower_bound=1)
flags.DEFINE_integer("warmup", 5, "Iterations before them.", lower_bound=1)
flags.DEFINE_integer("batch_size", 128, "Images in a minibatch.", lower_bound=2, upper_bound=1280)
flags.DEFINE_integer("latent_dim", 16, "Dimension m of the codes.", lower_bound=1)
flags.DEFINE_integer("threads", 2, "Threads of each side.", lower_bound=1)
FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    del argv
    sides = {"flexae_tf": [sys.executable, "-m", backend.tool("peers.ours")]}
    sides["pythae"] = [FLAGS.peers_python, "-m", backend.tool("peers.pythae_side")]
    for method in FLAGS.peer_method:
        table.compare_parameters(method, {side: _run(sides[side], method, 0) for side in sides})
    rows = []
    for method in FLAGS.peer_method:
        turns: dict[str, list[dict]] = {side: [] for side in sides}
        for _ in range(FLAGS.rounds):
            for side, command in sides.items():
                turns[side].append(_run(command, method, FLAGS.iterations))
                print(f"{method} {side} {turns[side][-1]['seconds']:.3f} s", file=sys.stderr)
        rows.append(table.row(method, turns))
    print("\n".join([*table.HEADER, *rows]))


def _run(command, method, iterations):
    names = ("batch_size", "latent_dim", "threads", "warmup")
    task = {"method": method, "iterations": iterations} | {
        name: FLAGS[name].value for name in names
    }
    try:
        finished = subprocess.run([*command, json.dumps(task)], capture_output=True, text=True)
    except OSError as error:
        raise UserError(f"cannot run {command[0]}: {error.strerror}") from error
    if finished.returncode:
        reason = (finished.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"{' '.join(command)} failed: {reason} (it needs the packages of "
            "requirements-peers.txt: see --peers_python)"
        )
    return json.loads(finished.stdout.splitlines()[-1])


if __name__ == "__main__":
    run_main(main)
