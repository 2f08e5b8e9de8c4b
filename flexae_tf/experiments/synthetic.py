"""Figures 2 and 3 of the FlexAE paper: what they train, and how it is measured over training.

Every model has Table 6's networks, Algorithm 1's rates and batch size 128; they differ in the flags
of `MODELS` only. A run keeps checkpoints at regular iterations, and each is measured afterwards:

    critic_gap          mean C(z) - mean C(z_hat) of the run's own latent critic
    sliced_wasserstein  between z and z_hat, W1, in the units of the codes
    relative_sliced_wasserstein     the same over the spread of z, free of the encoder's scale
    reconstruction_error            Eq. 5 on the test data
    frechet_distance    of generated vectors and test data
    reconstruction_frechet_distance     of decoded z and test data: what the autoencoder leaves

z are codes of the 10,000 test vectors, z_hat as many samples of the prior, drawn anew for each
checkpoint; generated vectors are decoded z_hat. Critics of two models are not comparable, and nor
are distances in latent spaces of different scale; the relative ones are.
"""

import dataclasses
import functools
import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from flexae_tf import files, runs
from flexae_tf.algorithm import objectives
from flexae_tf.data import draws
from flexae_tf.data.synthetic import TRAIN_COUNT, generate
from flexae_tf.errors import UserError
from flexae_tf.evaluation.frechet import frechet_distance
from flexae_tf.evaluation.reconstruction import squared_error
from flexae_tf.evaluation.sliced_wasserstein import sliced_wasserstein, spread
from flexae_tf.experiments import processes
from flexae_tf.experiments.training_run import TrainingRun
from flexae_tf.training import checkpoints

# {model: flags}. The VAE's own default rate is half of Algorithm 1's.
MODELS = {
    "vae": ["--method=vae", "--autoencoder_learning_rate=2e-4"],
    "wae_normal": ["--method=wae_gan", "--prior=normal"],
    "wae_gmm": ["--method=wae_gan", "--prior=gmm"],
    "flexae": ["--method=flexae"],
}
MEASURES = (
    "critic_gap",
    "sliced_wasserstein",
    "relative_sliced_wasserstein",
    "reconstruction_error",
    "frechet_distance",
    "reconstruction_frechet_distance",
)
TRAINING_STEPS = 20_000
MEASURE_EVERY_STEPS = 500


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What a figure compares.

    Attributes:
      number: the figure's.
      true_dim: n, the dimension of the latents behind the data.
      latent_dim: m.
      models: names in `MODELS`.
      claims: (measure, model, model): the first is said to end below the second.
    """

    number: int
    true_dim: int
    latent_dim: int
    models: tuple
    claims: tuple

    @property
    def dataset(self):
        return f"synthetic{self.true_dim}d"


FIGURES = {
    2: Experiment(
        number=2,
        true_dim=5,
        latent_dim=50,
        models=("wae_normal", "flexae"),
        claims=tuple(
            (measure, "flexae", "wae_normal")
            for measure in ("critic_gap", "relative_sliced_wasserstein", "frechet_distance")
        ),
    ),
    3: Experiment(
        number=3,
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
      encoder_learning_rate: of the encoder against the critic, None for Algorithm 1's.
    """

    def __init__(
        self,
        experiment,
        model,
        seed,
        folder,
        training_steps,
        measure_every_steps,
        encoder_learning_rate=None,
    ):
        self.model, self.seed = model, seed
        self._iterations = sorted(
            {*range(measure_every_steps, training_steps, measure_every_steps), training_steps}
        )
        self.name = f"{model}-seed{seed}"
        # The VAE has no critic, and so no such player.
        adversarial = encoder_learning_rate is not None and model != "vae"
        rates = [f"--encoder_learning_rate={encoder_learning_rate}"] if adversarial else []
        self.log = Path(folder) / f"{self.name}.log"
        self.training = TrainingRun(
            Path(folder) / self.name,
            [
                f"--dataset={experiment.dataset}",
                f"--latent_dim={experiment.latent_dim}",
                *MODELS[model],
                *rates,
                f"--seed={seed}",
                f"--training_steps={training_steps}",
                "--batch_size=128",
                "--log_every_steps=100",
                f"--picture_every_steps={training_steps}",
                f"--checkpoint_every_steps={measure_every_steps}",
                f"--keep_every_steps={measure_every_steps}",
                "--keep_checkpoints=1",
            ],
        )

    def next_command(self):
        training = self.training.next_command()
        if training or self.curves():
            return training
        run_dir = self.training.directory.path
        return processes.Command([sys.executable, "-m", "tools.synthetic", f"--run_dir={run_dir}"])

    def curves(self):
        """What `measure` has found at this task's iterations, or None if it is yet to be called.

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


def curves_file(directory):
    """Where a run's curves are."""
    return directory.metrics / "synthetic.json"


def measure(run_dir, report=lambda line: None):
    """Measures all checkpoints of a run on synthetic data; writes `curves_file`.

    Args:
      run_dir: path. report: function that is told about the progress.

    Returns:
      {"iterations": [int], measure: [float]}, the critic's gap only where there is one.

    Raises:
      UserError: no such run, no checkpoint, or a run on other data.
    """
    directory = runs.RunDirectory(run_dir)
    dataset = runs.load(run_dir).load_dataset()
    if not dataset.name.startswith("synthetic"):
        raise UserError(f"--run_dir={run_dir} is a run on {dataset.name}, not on synthetic data")
    iterations = checkpoints.iterations(directory.checkpoints)
    rows = []
    for iteration in iterations:
        rows.append(measures(runs.load(run_dir, iteration), dataset.test))
        report(
            f"{iteration}/{iterations[-1]}  "
            + "  ".join(f"{k} {v:.4g}" for k, v in rows[-1].items())
        )
    curves = {"iterations": iterations}
    curves |= {name: [row[name] for row in rows] for name in rows[0]}
    files.write_text(curves_file(directory), json.dumps(curves) + "\n")
    return curves


def measures(run, x):
    """{measure: float} of one checkpoint.

    Args:
      run: a runs.Run. x: test data, float32 [N, D].
    """
    model, critic = run.model, run.networks.get("latent_critic")
    z, z_hat = posterior_samples(run, x), prior_samples(run, len(x))
    distance = sliced_wasserstein(z, z_hat)
    found = {}
    if critic is not None:
        found["critic_gap"] = float(objectives.critic_gap(critic, z, z_hat))
    return found | {
        "sliced_wasserstein": distance,
        "relative_sliced_wasserstein": distance / spread(z),
        "reconstruction_error": squared_error(real=x, generated=model.reconstruct(x)),
        "frechet_distance": frechet_distance(real=x, generated=model.decode(z_hat)),
        "reconstruction_frechet_distance": frechet_distance(real=x, generated=model.decode(z)),
    }


def prior_samples(run, n):
    """n samples z_hat of the prior P_z, float32 [n, m], others at every checkpoint."""
    density = run.model.density
    return np.asarray(density.prior(density.noise(_key(run, 0), n)))


def posterior_samples(run, x):
    """One sample z of Q_phi for each x, float32 [N, m]: its code, or a draw from a VAE's q(z|x)."""
    mu, sigma = run.model.encode_distribution(tf.constant(x))
    if sigma is None:
        return run.model.encode(x)
    return np.asarray(mu + sigma * tf.random.stateless_normal(mu.shape, _key(run, 1)))


def _key(run, number):
    return draws.key(number, draws.PICTURES, run.iteration)


@functools.cache
def true_latents(experiment):
    """The latents behind the test data, [10000, n], and their components, in 0..5."""
    _, z, component = generate(experiment.true_dim)
    return z[TRAIN_COUNT:], component[TRAIN_COUNT:]


def summary(curves):
    """Where the models end, over the seeds.

    Args:
      curves: {model: {seed: what `measure` returns}}.

    Returns:
      {model: {measure: (mean, standard deviation)}} of the last checkpoints; the deviation is that
      of a sample, and None with a single seed.
    """
    found = {}
    for model, by_seed in curves.items():
        found[model] = {}
        for name in MEASURES:
            last = [
                found_there[name][-1] for found_there in by_seed.values() if name in found_there
            ]
            if last:
                deviation = float(np.std(last, ddof=1)) if len(last) > 1 else None
                found[model][name] = (float(np.mean(last)), deviation)
    return found


def verdicts(experiment, summarized):
    """What has become of the paper's claims.

    Returns:
      A list of {"measure", "lower", "higher", "difference", "spread", "holds"}: the difference of
      the means, `higher` minus `lower`, the sum of the two standard deviations, and whether the
      first exceeds the second; spread and holds are None with a single seed.
    """
    found = []
    for name, lower, higher in experiment.claims:
        (mean_low, deviation_low), (mean_high, deviation_high) = (
            summarized[model][name] for model in (lower, higher)
        )
        difference = mean_high - mean_low
        total = None if deviation_low is None else deviation_low + deviation_high
        holds = None if total is None else difference > total
        found.append(
            {
                "measure": name,
                "lower": lower,
                "higher": higher,
                "difference": difference,
                "spread": total,
                "holds": holds,
            }
        )
    return found
