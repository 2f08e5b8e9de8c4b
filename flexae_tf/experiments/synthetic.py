"""Figures 2 and 3 of the FlexAE paper: what they train, and what comes of their claims.

Every model has Table 6's networks, Algorithm 1's rates and batch size 128; they differ in the flags
of `MODELS` only, unless an experiment says otherwise. A run keeps checkpoints at regular
iterations, and each is measured afterwards (`synthetic_measures`).
"""

import dataclasses
import functools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from flexae_tf import backend
from flexae_tf.data.synthetic import TRAIN_COUNT, generate
from flexae_tf.errors import UserError
from flexae_tf.experiments import processes
from flexae_tf.experiments.synthetic_measures import curves_file
from flexae_tf.experiments.training_run import TrainingRun
from flexae_tf.training import checkpoints

# {model: flags}. The VAE's own default rate is half of Algorithm 1's.
MODELS = {
    "vae": ["--method=vae", "--autoencoder_learning_rate=2e-4"],
    "wae_normal": ["--method=wae_gan", "--prior=normal"],
    "wae_gmm": ["--method=wae_gan", "--prior=gmm"],
    "flexae": ["--method=flexae"],
    "mask_aae": ["--method=mask_aae"],
}
TRAINING_STEPS = 20_000
MEASURE_EVERY_STEPS = 500


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What a figure compares.

    Attributes:
      number: the figure's, as text.
      true_dim: n, the dimension of the latents behind the data.
      latent_dim: m.
      models: names in `MODELS`.
      claims: (measure, model, model): the first is said to end below the second.
      flags: {model: its flags in this experiment}, beside those of `MODELS`.
    """

    number: str
    true_dim: int
    latent_dim: int
    models: tuple
    claims: tuple
    flags: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def dataset(self) -> str:
        return f"synthetic{self.true_dim}d"


FIGURES = {
    "2": Experiment(
        number="2",
        true_dim=5,
        latent_dim=50,
        models=("wae_normal", "flexae"),
        claims=tuple(
            (measure, "flexae", "wae_normal")
            for measure in ("critic_gap", "relative_sliced_wasserstein", "frechet_distance")
        ),
    ),
    "3": Experiment(
        number="3",
        true_dim=2,
        latent_dim=2,
        models=("vae", "wae_normal", "wae_gmm", "flexae"),
        claims=tuple(
            ("frechet_distance", better, worse)
            for better in ("wae_gmm", "flexae")
            for worse in ("vae", "wae_normal")
        ),
    ),
}


class SyntheticRun(processes.Task):
    """Trains one model with one seed and measures its checkpoints.

    Args:
      experiment: an Experiment. model: name in `MODELS`. seed: of the run.
      folder: of all runs of the experiment.
      training_steps, measure_every_steps: iterations.
      encoder_learning_rate: of the encoder against the critic, None for the experiment's.
      prefix: of its name, which is <model>-seed<seed>.
    """

    def __init__(
        self,
        experiment: Experiment,
        model: str,
        seed: int,
        folder: Path | str,
        training_steps: int,
        measure_every_steps: int,
        encoder_learning_rate: float | None = None,
        prefix: str = "",
    ) -> None:
        self.model, self.seed = model, seed
        self._iterations = sorted(
            {*range(measure_every_steps, training_steps, measure_every_steps), training_steps}
        )
        self.name = f"{prefix}{model}-seed{seed}"
        # The VAE has no critic, and so no such player.
        adversarial = encoder_learning_rate is not None and model != "vae"
        rates = [f"--encoder_learning_rate={encoder_learning_rate}"] if adversarial else []
        self.log = Path(folder) / f"{self.name}.log"
        self.training = TrainingRun(
            Path(folder) / self.name,
            [
                f"--dataset={experiment.dataset}",
                f"--latent_dim={experiment.latent_dim}",
                "--batch_size=128",
                *MODELS[model],
                *experiment.flags.get(model, ()),
                *rates,
                f"--seed={seed}",
                f"--training_steps={training_steps}",
                "--log_every_steps=100",
                f"--picture_every_steps={training_steps}",
                f"--checkpoint_every_steps={measure_every_steps}",
                f"--keep_every_steps={measure_every_steps}",
                "--keep_checkpoints=1",
            ],
        )

    def next_command(self) -> processes.Command | None:
        training = self.training.next_command()
        if training or self.curves():
            return training
        run_dir = self.training.directory.path
        return processes.Command(
            [sys.executable, "-m", backend.tool("synthetic"), f"--run_dir={run_dir}"]
        )

    def curves(self) -> dict[str, list[float]] | None:
        """What was measured at this task's iterations, or None if that is yet to be done.

        Raises:
          UserError: the run has not kept the checkpoints of these iterations.
        """
        directory = self.training.directory
        kept = checkpoints.iterations(directory.checkpoints)
        missing = set(self._iterations) - set(kept)
        if missing:
            raise UserError(
                f"{directory.path} has no checkpoint of iteration {min(missing)}: use the "
                "--measure_every_steps it was trained with, or another --output_dir"
            )
        path = curves_file(directory)
        found = json.loads(path.read_text()) if path.exists() else {}
        if found.get("iterations") != kept:
            return None
        rows = [kept.index(iteration) for iteration in self._iterations]
        return {name: [values[row] for row in rows] for name, values in found.items()}


@functools.cache
def true_latents(experiment: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """The latents behind the test data, [10000, n], and their components, in 0..5."""
    _, z, component = generate(experiment.true_dim)
    return z[TRAIN_COUNT:], component[TRAIN_COUNT:]
