"""The second-stage VAE: a VAE of the codes of a trained autoencoder.

Dai and Wipf, "Diagnosing and Enhancing VAE Models", Section 4 and their program; networks and
objective are those of `algorithm.second_stage`. Codes of a stochastic encoder are drawn anew,
z = mu + sigma epsilon, every time they are seen.

Departures: codes are standardized first, each component by its mean and standard deviation, since
those of a deterministic encoder have any scale and gamma starts at 1; minibatches are drawn with
replacement; and there are 10,000 of them at one rate, where the program trains for 800 epochs and
halves the rate twice. The logarithm of gamma has a rate of its own, because Adam moves it by about
the rate in a step: at 1e-4 it could not come below -1, and the codes of most models need less.

The RAE paper's program has another second stage ("2sVAE" in its tables): two hidden layers and no
gamma, trained on the means of its VAE's codes.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.optimizers import adam
from flexae_tf.algorithm.second_stage import HIDDEN_LAYERS, WIDTH, negative_elbo, network
from flexae_tf.data import draws
from flexae_tf.densities.codes import Codes, standardized
from flexae_tf.densities.training import minimize
from flexae_tf.model import Density

STEPS = 10_000
_BATCH = 64
_LEARNING_RATE = 1e-4
_LOG_GAMMA_LEARNING_RATE = 1e-3


class SecondStage(Density):
    """z_hat = mean + scale (decoder(u) + gamma epsilon) for noise (u, epsilon) of 2m components.

    Args:
      mean, scale: float32 [m], of the standardization.
      gamma: float32 scalar.
      weights: the decoder's, by name weight_0, weight_1 and so on.
    """

    def __init__(
        self, mean: np.ndarray, scale: np.ndarray, gamma: np.ndarray, **weights: np.ndarray
    ) -> None:
        super().__init__(draws.noise("normal", 2 * len(mean)))
        self._mean, self._scale = tf.constant(mean), tf.constant(scale)
        self._gamma = tf.constant(gamma)
        self._decoder = network(len(mean), len(mean), width=weights["weight_0"].shape[1])
        self._decoder.set_weights([weights[f"weight_{i}"] for i in range(len(weights))])

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        u, epsilon = tf.split(n, 2, axis=1)
        return self._mean + self._scale * (self._decoder(u, training=False) + self._gamma * epsilon)


def fit(codes: Codes, seed: int, steps: int = STEPS, width: int = WIDTH) -> dict[str, np.ndarray]:
    """The arrays of a `SecondStage` trained on codes.

    Args:
      codes: `density.Codes`.
      seed: of the initial weights and of all draws.
      steps: minibatches of 64.
      width: units of the hidden layers.

    Raises:
      UserError: the training diverged.
    """
    mean, scale, codes = standardized(codes)
    dim = len(mean)
    encoder = network(dim, 2 * dim, width, seed=2 * (HIDDEN_LAYERS + 1) * seed)
    decoder = network(dim, dim, width, seed=(2 * seed + 1) * (HIDDEN_LAYERS + 1))
    log_gamma = tf.Variable(0.0)
    minimize(
        lambda z, u: sum(negative_elbo(encoder, decoder, log_gamma, z, u)),
        codes,
        [
            (
                adam(_LEARNING_RATE, 0.9, 0.999),
                [*encoder.trainable_variables, *decoder.trainable_variables],
            ),
            (adam(_LOG_GAMMA_LEARNING_RATE, 0.9, 0.999), [log_gamma]),
        ],
        seed=seed,
        steps=steps,
        batch=_BATCH,
        title="second-stage VAE",
    )
    weights = {f"weight_{i}": weight for i, weight in enumerate(decoder.get_weights())}
    return {"mean": mean, "scale": scale, "gamma": np.exp(log_gamma.numpy()), **weights}
