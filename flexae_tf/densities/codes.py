"""The codes of a data set, which densities are fitted to."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from flexae_tf import data
from flexae_tf.errors import UserError
from flexae_tf.model import Model

_BATCH = 500  # images at a time
# Standard deviations below this part of the largest belong to components that have collapsed.
_COLLAPSED = 1e-6


class Codes(NamedTuple):
    """What the encoder says of N examples."""

    mu: np.ndarray  # [N, m] float32
    sigma: np.ndarray | None  # [N, m] float32 of a stochastic encoder


def encode(model: Model, examples: np.ndarray) -> Codes:
    """`Codes` of examples, uint8 [N, H, W, C] or float32 [N, D], in inference mode.

    Raises:
      UserError: a code is not finite.
    """
    parts = []
    for start in tqdm(
        range(0, len(examples), _BATCH), "encoding", unit="batch", leave=False, disable=None
    ):
        rows = np.arange(start, min(start + _BATCH, len(examples)))
        x = tf.constant(data.to_unit(data.gather(examples, rows)))
        parts.append([None if t is None else t.numpy() for t in model.encode_distribution(x)])
    mu, sigma = (
        None if part[0] is None else np.concatenate(part) for part in zip(*parts, strict=True)
    )
    if not np.isfinite(mu).all():
        raise UserError("the encoder puts out codes that are not finite: train it anew")
    return Codes(mu, sigma)


def standardized(codes: Codes) -> tuple[np.ndarray, np.ndarray, Codes]:
    """Codes of mean 0 and variance 1 in every component, as they are drawn from q(z|x).

    Returns:
      (mean, scale, codes): float32 [m] both and (mu - mean) / scale, sigma / scale. The scale of a
      collapsed component is 1.
    """
    variance = codes.mu.var(0, dtype=np.float64)
    if codes.sigma is not None:
        variance += np.square(codes.sigma, dtype=np.float64).mean(0)
    scale = np.sqrt(variance)
    scale[scale <= _COLLAPSED * scale.max()] = 1
    mean, scale = np.float32(codes.mu.mean(0, dtype=np.float64)), np.float32(scale)
    sigma = None if codes.sigma is None else codes.sigma / scale
    return mean, scale, Codes((codes.mu - mean) / scale, sigma)


def fingerprint(run: Any) -> str:
    """SHA-256 of all that a fit depends on: the encoder's weights, the data and the seed."""
    digest = hashlib.sha256(f"{run.fingerprint} {run.settings['seed']}".encode())
    for weight in run.model.encoder.weights:
        digest.update(np.ascontiguousarray(weight.numpy()))
    return digest.hexdigest()
