"""Training a density on codes by gradient descent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from flexae_tf.data import draws
from flexae_tf.densities.codes import Codes
from flexae_tf.errors import UserError


def minimize(
    loss: Callable,
    codes: Codes,
    groups: Sequence[tuple[keras.optimizers.Optimizer, list]],
    *,
    seed: int,
    steps: int,
    batch: int,
    title: str,
) -> None:
    """Minimizes a loss of codes, which are drawn with replacement.

    Those of a stochastic encoder are z = mu + sigma epsilon, anew every time they are seen.

    Args:
      loss: function (z, u) -> scalar of codes and of N(0, I), [B, m] each.
      codes: `Codes`, standardized.
      groups: (optimizer, the variables that it moves), several times.
      seed: of all draws.
      steps, batch: minibatches, and codes in each.
      title: what is trained, in the progress bar and in the error.

    Raises:
      UserError: the training diverged.
    """
    mu = tf.constant(codes.mu)  # [N, m]
    sigma = None if codes.sigma is None else tf.constant(codes.sigma)
    for optimizer, variables in groups:
        optimizer.build(variables)
    normal = draws.noise("normal", mu.shape[1])
    spec = {"row": draws.IMAGES, "epsilon_z": normal, "epsilon_u": normal}

    @tf.function(autograph=False)
    def step(number):
        key = draws.key(seed, draws.DENSITIES, number)
        (drawn,) = draws.minibatches(spec, key, 1, batch, len(codes.mu))
        z = tf.gather(mu, drawn.row)
        if sigma is not None:
            z += tf.gather(sigma, drawn.row) * drawn.epsilon_z
        with tf.GradientTape() as tape:
            value = loss(z, drawn.epsilon_u)
        gradients = tape.gradient(value, [variables for _, variables in groups])
        for (optimizer, variables), gradient in zip(groups, gradients, strict=True):
            optimizer.apply(gradient, variables)
        return value

    for number in tqdm(range(steps), title, unit="step", file=sys.stderr, disable=None):
        value = step(tf.constant(number, tf.int64))
    if not np.isfinite(value):
        raise UserError(f"the {title} diverged: use another density")
