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

import sys

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from flexae_tf.algorithm.method import adam
from flexae_tf.algorithm.second_stage import HIDDEN_LAYERS, WIDTH, negative_elbo, network
from flexae_tf.data import draws
from flexae_tf.densities.codes import Codes
from flexae_tf.errors import UserError
from flexae_tf.model import Density

STEPS = 10_000
_BATCH = 64
_LEARNING_RATE = 1e-4
_LOG_GAMMA_LEARNING_RATE = 1e-3
# Standard deviations below this part of the largest belong to components that have collapsed.
_COLLAPSED = 1e-6


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
    mean, scale = _standardization(codes)
    mu = tf.constant((codes.mu - mean) / scale)  # [N, m]
    sigma = None if codes.sigma is None else tf.constant(codes.sigma / scale)
    dim = len(mean)
    encoder = network(dim, 2 * dim, width, seed=2 * (HIDDEN_LAYERS + 1) * seed)
    decoder = network(dim, dim, width, seed=(2 * seed + 1) * (HIDDEN_LAYERS + 1))
    log_gamma = tf.Variable(0.0)
    groups = [[*encoder.trainable_variables, *decoder.trainable_variables], [log_gamma]]
    optimizers = [adam(rate, 0.9, 0.999) for rate in (_LEARNING_RATE, _LOG_GAMMA_LEARNING_RATE)]
    for optimizer, variables in zip(optimizers, groups, strict=True):
        optimizer.build(variables)
    normal = draws.noise("normal", dim)
    spec = {"row": draws.IMAGES, "epsilon_z": normal, "epsilon_u": normal}

    @tf.function(autograph=False)
    def step(number):
        key = draws.key(seed, draws.DENSITIES, number)
        (drawn,) = draws.minibatches(spec, key, 1, _BATCH, len(codes.mu))
        z = tf.gather(mu, drawn.row)
        if sigma is not None:
            z += tf.gather(sigma, drawn.row) * drawn.epsilon_z
        with tf.GradientTape() as tape:
            loss = sum(negative_elbo(encoder, decoder, log_gamma, z, drawn.epsilon_u))
        gradients = tape.gradient(loss, groups)
        for optimizer, gradient, variables in zip(optimizers, gradients, groups, strict=True):
            optimizer.apply(gradient, variables)
        return loss

    for number in tqdm(range(steps), "second stage", unit="step", file=sys.stderr, disable=None):
        loss = step(tf.constant(number, tf.int64))
    if not np.isfinite(loss):
        raise UserError("the second-stage VAE diverged: use another density")
    weights = {f"weight_{i}": weight for i, weight in enumerate(decoder.get_weights())}
    return {"mean": mean, "scale": scale, "gamma": np.exp(log_gamma.numpy()), **weights}


def _standardization(codes):
    """Mean and standard deviation [m] of the codes as they are drawn; 1 for collapsed ones."""
    variance = codes.mu.var(0, dtype=np.float64)
    if codes.sigma is not None:
        variance += np.square(codes.sigma, dtype=np.float64).mean(0)
    scale = np.sqrt(variance)
    scale[scale <= _COLLAPSED * scale.max()] = 1
    return np.float32(codes.mu.mean(0, dtype=np.float64)), np.float32(scale)
