"""How a run on synthetic data is measured over training: each of its checkpoints.

    critic_gap          mean C(z) - mean C(z_hat) of the run's own latent critic
    sliced_wasserstein  between z and z_hat, W1, in the units of the codes
    relative_sliced_wasserstein     the same over the spread of z, free of the encoder's scale
    reconstruction_error            Eq. 5 on the test data
    frechet_distance    of generated vectors and test data
    reconstruction_frechet_distance     of decoded z and test data: what the autoencoder leaves
    active_dimensions   those that a mask lets through; m without one
    nac                 `covariance.nac` of z, over these dimensions

z are codes of the 10,000 test vectors, z_hat as many samples of the prior, drawn anew for each
checkpoint; generated vectors are decoded z_hat. Critics of two models are not comparable, and nor
are distances in latent spaces of different scale; the relative ones are.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from flexae_tf import files, runs
from flexae_tf.algorithm import objectives
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.evaluation.covariance import nac
from flexae_tf.evaluation.frechet import frechet_distance
from flexae_tf.evaluation.reconstruction import squared_error
from flexae_tf.evaluation.sliced_wasserstein import sliced_wasserstein, spread
from flexae_tf.training import checkpoints

MEASURES = (
    "critic_gap",
    "sliced_wasserstein",
    "relative_sliced_wasserstein",
    "reconstruction_error",
    "frechet_distance",
    "reconstruction_frechet_distance",
    "active_dimensions",
    "nac",
)


def curves_file(directory: runs.RunDirectory) -> Path:
    """Where a run's curves are."""
    return directory.metrics / "synthetic.json"


def measure(
    run_dir: Path | str, report: Callable[[str], None] = lambda line: None
) -> dict[str, list[float]]:
    """Measures all checkpoints of a run on synthetic data; writes `curves_file`.

    Args:
      run_dir: path. report: function that is told about the progress.

    Returns:
      {"iterations": [int], measure: [float]}, the critic's gap only where there is one.

    Raises:
      UserError: no such run, no checkpoint, a run on other data, or a model without a prior.
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
    curves: dict[str, list[float]] = {"iterations": [*iterations]}
    curves |= {name: [row[name] for row in rows] for name in rows[0]}
    files.write_text(curves_file(directory), json.dumps(curves) + "\n")
    return curves


def measures(run: runs.Run, x: np.ndarray) -> dict[str, float]:
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
    active = np.ones(z.shape[1], bool) if model.active is None else model.active
    return found | {
        "sliced_wasserstein": distance,
        "relative_sliced_wasserstein": distance / spread(z),
        "reconstruction_error": squared_error(real=x, generated=model.reconstruct(x)),
        "frechet_distance": frechet_distance(real=x, generated=model.decode(z_hat)),
        "reconstruction_frechet_distance": frechet_distance(real=x, generated=model.decode(z)),
        "active_dimensions": float(active.sum()),
        "nac": nac(z * active),
    }


def prior_samples(run: runs.Run, n: int) -> np.ndarray:
    """n samples z_hat of the prior P_z, float32 [n, m], others at every checkpoint.

    Raises:
      UserError: the model has no prior.
    """
    density = run.model.density
    if density is None:
        raise UserError(
            f"{run.path} holds a model without a prior: nothing to compare its codes with"
        )
    return np.asarray(density.prior(density.noise(_key(run, 0), n)))


def posterior_samples(run: runs.Run, x: np.ndarray) -> np.ndarray:
    """One sample z of Q_phi for each x, float32 [N, m]: its code, or a draw from a VAE's q(z|x)."""
    mu, sigma = run.model.encode_distribution(tf.constant(x))
    if sigma is None:
        return run.model.encode(x)
    return np.asarray(mu + sigma * tf.random.stateless_normal(mu.shape, _key(run, 1)))


def _key(run, number):
    return draws.key(number, draws.PICTURES, run.iteration)
