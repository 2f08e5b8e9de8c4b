"""Trains digits through random faults: python -m tests.faults --faults=20 --seed=0

After each fault the same command starts again. Each start must go on, or end with one clear line;
the last one must leave the very weights of a run that nothing disturbed. Exit status 0 if so.

A full disk is a limit on the size of files; a read-only directory is one without write permission,
for which a superuser's processes give up the right to write regardless.
"""

import argparse
import contextlib
import ctypes
import os
import queue
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from flexae_tf.training import checkpoints

FLAGS = (
    "--dataset=digits",
    "--method=flexae",
    "--latent_dim=4",
    "--critic_steps=1",
    "--batch_size=4",
    "--log_every_steps=1",
    "--checkpoint_every_steps=2",
    "--picture_every_steps=10",
    "--test_images=10",
)
STEPS_PER_FAULT = 3
_TIMEOUT_SECONDS = 600
_TRAIN = ["-m", "flexae_tf.train"]
# The same with a clock that is a year behind.
_TRAIN_WITH_CLOCK_SET_BACK = [
    "-c",
    "import runpy, time; now = time.time; time.time = lambda: now() - 31536000; "
    "runpy.run_module('flexae_tf.train', run_name='__main__', alter_sys=True)",
]
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1


class Training:
    """A process that trains `run_dir`, and what it has said."""

    def __init__(self, run_dir, steps, program=_TRAIN):
        self.run_dir, self.lines = Path(run_dir), []
        flags = [*FLAGS, f"--run_dir={run_dir}", f"--training_steps={steps}"]
        self.process = subprocess.Popen(
            [sys.executable, *program, *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_obey_permissions,
        )
        self._new = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if "s/it" in line:
                self._new.put(True)
        self._new.put(False)

    def after(self, iterations, seconds):
        """Waits for so many iterations of this process, or its end, and then some seconds more."""
        for _ in range(iterations):
            if not self._new.get(timeout=_TIMEOUT_SECONDS):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def end(self, signum=None):
        """Sends a signal, if given, and waits. Returns the exit status."""
        if signum and self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.wait(_TIMEOUT_SECONDS)


def _obey_permissions():
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)


def sigkill(start, chance):
    training = start()
    training.after(chance.randint(0, 4), chance.uniform(0, 0.5))
    return training, training.end(signal.SIGKILL), {-signal.SIGKILL}


def sigterm(start, chance):
    training = start()
    training.after(chance.randint(1, 4), chance.uniform(0, 0.2))
    return training, training.end(signal.SIGTERM), {128 + signal.SIGTERM}


def full_disk(start, chance):
    training = start()
    training.after(chance.randint(0, 3), chance.uniform(0, 0.2))
    size = chance.choice([0, 1000, 1_000_000])
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(
            training.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY)
        )
    return training, training.end(), {2}


def read_only_run_directory(start, chance):
    if chance.random() < 0.5:
        training = start()
        training.after(chance.randint(1, 3), chance.uniform(0, 0.2))
        with _read_only(start.run_dir):
            return training, training.end(), {2}
    with _read_only(start.run_dir):
        training = start()
        return training, training.end(), {2}


def truncated_checkpoint(start, chance):
    training = start()
    training.after(chance.randint(3, 5), 0)  # past a new checkpoint, so that an older one is good
    status = training.end(signal.SIGKILL)
    (*_, newest) = checkpoints.iterations(start.run_dir / "checkpoints")
    damaged = chance.choice(sorted(start.run_dir.glob(f"checkpoints/ckpt-{newest}.*")))
    os.truncate(damaged, chance.randrange(damaged.stat().st_size))
    return training, status, {-signal.SIGKILL}


def deleted_event_file(start, chance):
    training = start()
    training.after(chance.randint(1, 2), 0)
    for path in start.run_dir.glob("train/events*"):
        path.unlink()
    training.after(2, 0)
    return training, training.end(signal.SIGTERM), {128 + signal.SIGTERM}


def clock_set_back(start, chance):
    ahead = time.time() + 86400
    for path in start.run_dir.rglob("*"):
        os.utime(path, (ahead, ahead))
    training = start(_TRAIN_WITH_CLOCK_SET_BACK)
    training.after(chance.randint(2, 3), 0)
    return training, training.end(signal.SIGTERM), {128 + signal.SIGTERM}


FAULTS = (
    sigkill,
    sigterm,
    full_disk,
    truncated_checkpoint,
    deleted_event_file,
    read_only_run_directory,
    clock_set_back,
)


@contextlib.contextmanager
def _read_only(folder):
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    modes = [path.stat().st_mode for path in folders]
    for path in folders:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path, mode in zip(folders, modes, strict=True):
            path.chmod(mode)


def check(training, status, expected):
    """Raises AssertionError unless a start ended as the fault wants it, and cleanly."""
    text = "\n".join(training.lines)
    # 0: the run was finished before the fault came.
    assert status in expected | {0}, f"exit status {status}, expected {expected}\n{text}"
    assert "Traceback" not in text, text
    if status == 2:
        errors = [line for line in training.lines if line.startswith("error: ")]
        assert errors == training.lines[-1:], text


def same_weights(folder, other):
    """Whether the newest checkpoints of two folders hold the same values to the last bit."""
    import tensorflow as tf

    readers = [
        tf.train.load_checkpoint(str(path / f"ckpt-{checkpoints.iterations(path)[-1]}"))
        for path in (folder, other)
    ]
    names = [sorted(reader.get_variable_to_shape_map()) for reader in readers]
    return names[0] == names[1] and all(
        np.array_equal(*(reader.get_tensor(name) for reader in readers)) for name in names[0]
    )


def run(folder, faults, seed):
    """Trains through so many faults in a folder. Raises AssertionError if anything is lost."""
    chance, steps = random.Random(seed), faults * STEPS_PER_FAULT

    def start(program=_TRAIN):
        return Training(start.run_dir, steps, program)

    start.run_dir = folder / "disturbed"
    # Each kind in turn, shuffled anew every time, so that each has its share; damage needs a run.
    order = [sigkill]
    while len(order) < faults:
        order += chance.sample(FAULTS, len(FAULTS))
    for number, fault in enumerate(order[:faults], 1):
        training, status, expected = fault(start, chance)
        check(training, status, expected)
        last = training.lines[-1] if training.lines else ""
        print(f"{number}/{faults} {fault.__name__}: exit status {status}: {last[:200]}", flush=True)
    for name in ("disturbed", "undisturbed"):
        training = Training(folder / name, steps)
        check(training, training.end(), {0})
    assert same_weights(folder / "disturbed/checkpoints", folder / "undisturbed/checkpoints")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run_dir", type=Path, help="where to train; a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run(arguments.run_dir or Path(temporary), arguments.faults, arguments.seed)
    print("the weights are those of an undisturbed run")


if __name__ == "__main__":
    main()
