"""A normalizing flow fitted to codes by maximum likelihood.

The transforms are those of Morrow and Chiu (`networks.flow`), with the depth and width of their
prior on CIFAR-10. They train theirs beside an autoencoder and then alone, at one rate; here it is
trained alone, on standardized codes, for 10,000 minibatches of 256 at a larger rate that falls to
zero. Codes of a stochastic encoder are drawn anew, z = mu + sigma epsilon, every time.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from flexae_tf.algorithm.flow_prior import FlowDensity
from flexae_tf.algorithm.optimizers import adam
from flexae_tf.densities.codes import Codes, standardized
from flexae_tf.densities.training import minimize

DEPTH, WIDTH = 16, 256
STEPS = 10_000
_BATCH = 256
_LEARNING_RATE = 2e-3


def load(
    mean: np.ndarray, scale: np.ndarray, depth: np.ndarray, **weights: np.ndarray
) -> FlowDensity:
    """The density of the arrays that `fit` returns.

    Args:
      mean, scale: float32 [m], of the standardization.
      depth: integer scalar, transforms.
      weights: the flow's, by name weight_0, weight_1 and so on.
    """
    from flexae_tf.networks.flow import Flow

    flow = Flow(len(mean), int(depth), width=weights["weight_0"].shape[1])
    flow.set_weights([weights[f"weight_{i}"] for i in range(len(weights))])
    return FlowDensity(flow, mean, scale)


def fit(
    codes: Codes, seed: int, steps: int = STEPS, depth: int = DEPTH, width: int = WIDTH
) -> dict[str, np.ndarray]:
    """The arrays of a flow that maximizes the mean log-likelihood of codes.

    Args:
      codes: `Codes`.
      seed: of the initial weights and of all draws.
      steps: minibatches of 256.
      depth, width: transforms, and units of the hidden layers of each.

    Raises:
      UserError: the training diverged, or codes of one dimension.
    """
    from flexae_tf.networks.flow import Flow

    mean, scale, codes = standardized(codes)
    flow = Flow(len(mean), depth, width, seed)
    density = FlowDensity(flow)
    rate = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    minimize(
        lambda z, _: -tf.reduce_mean(density.log_density(z, training=True)),
        codes,
        [(adam(rate, 0.9, 0.999), flow.trainable_variables)],
        seed=seed,
        steps=steps,
        batch=_BATCH,
        title="flow",
    )
    weights = {f"weight_{i}": weight for i, weight in enumerate(flow.get_weights())}
    return {"mean": mean, "scale": scale, "depth": np.array(depth), **weights}
