"""WAE-MMD: an autoencoder whose codes are matched to N(0, s I) by the maximum mean discrepancy.

Tolstikhin et al., "Wasserstein Auto-Encoders", Algorithm 2 and its program:

    L = |x - D(E(x))|^2 + lambda MMD(Q_phi, N(0, s I))

The program weighs the squared error by 0.05, and that of CelebA is of x in [-1, 1], four times
ours: its lambda of 10 on MNIST is 10 / 0.05 = 200 here, its 100 on CelebA 100 / (4 0.05) = 500. The
RAE paper's program takes the mean over pixels (0.03 on MNIST and 0.006 on CIFAR-10 times the pixels
here) and on CelebA 0.05 with x in [0, 1] (100 / 0.05 = 2,000).

MMD compares all codes of a minibatch with all others, so it is not a mean over examples. Above one
replica the codes of all replicas are gathered and every replica computes the MMD of the global
minibatch; losses and gradients are those of one device.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives, priors, wae
from flexae_tf.algorithm.method import (
    Method,
    Player,
    Setting,
    adam_settings,
    halving_setting,
    optimizer_from,
)
from flexae_tf.algorithm.replicas import of_all_replicas
from flexae_tf.data import draws
from flexae_tf.model import FixedDensity, Model
from flexae_tf.networks import Networks

KERNELS = ("imq", "rbf")
_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def settings(variant: str) -> dict[str, Setting]:
    """The weight is the program's for MNIST, 10, over its weight of the squared error, 0.05."""
    del variant
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "kernel": Setting("imq", "Inverse multiquadratic or RBF.", KERNELS),
        "mmd_weight": Setting(200.0, "lambda, weight of the MMD."),
        **wae.settings(),
        **adam_settings("autoencoder", 1e-3, 0.5, 0.999),
        **halving_setting(),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """WAE-MMD with encoder and decoder of `nets`."""
    latent_dim = settings["latent_dim"]
    return WaeMmd(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        latent_dim=latent_dim,
        optimizer=functools.partial(optimizer_from, settings),
        kernel=settings["kernel"],
        mmd_weight=settings["mmd_weight"],
        **{name: settings[name] for name in wae.settings()},
    )


class WaeMmd(wae.Wae):
    """WAE-MMD.

    Args:
      encoder, decoder: Keras models x -> z, z -> x_hat.
      latent_dim: m.
      optimizer: function from a player's name to its optimizer.
      kernel: one of KERNELS.
      mmd_weight: lambda. prior_variance: s.
      input_noise, pretraining_steps: as `wae.Wae`.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        latent_dim: int,
        optimizer: Callable,
        kernel: str = "imq",
        mmd_weight: float = 200.0,
        prior_variance: float = 1.0,
        input_noise: float = 0.0,
        pretraining_steps: int = 0,
    ) -> None:
        self.encoder, self.decoder, self.mmd_weight = encoder, decoder, mmd_weight
        imq = functools.partial(mmd_imq, prior_variance=prior_variance)
        kernels: dict[str, Callable] = {"imq": imq, "rbf": mmd_rbf}
        self.mmd = kernels[kernel]
        prior = priors.normal(latent_dim, prior_variance)
        players = [Player("autoencoder", [encoder, decoder], optimizer("autoencoder"))]
        super().__init__(
            Model(encoder, decoder, FixedDensity(prior)),
            {},
            players,
            {"x": draws.IMAGES, "z_hat": prior},
            1,
            optimizer=optimizer,
            input_noise=input_noise,
            pretraining_steps=pretraining_steps,
        )

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of everything."""
        return self.update(self.matched_error, drawn[0])

    def matched_error(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """L moves encoder and decoder."""
        z = self.encode(drawn, training)  # [B, m]
        error = objectives.squared_error(drawn.x, self.decoder(z, training=training))
        both = of_all_replicas(tf.concat([z, drawn.z_hat], 1), self.xla)
        mmd = self.mmd(*tf.split(both, 2, axis=1))
        return {"autoencoder": error + self.mmd_weight * mmd, "wae/error": error, "wae/mmd": mmd}

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        return self._validated(self.matched_error, x)


def mmd_imq(z: tf.Tensor, z_hat: tf.Tensor, prior_variance: float = 1.0) -> tf.Tensor:
    """Unbiased MMD with the sum of seven inverse multiquadratic kernels C / (C + |a - b|^2).

    Args:
      z, z_hat: [B, m].
      prior_variance: s; C is 2ms, the expected |a - b|^2 of samples of N(0, s I), times each scale.
    """
    bases = [2 * z.shape[1] * prior_variance * scale for scale in _SCALES]
    return _mmd(lambda d: tf.add_n([base / (base + d) for base in bases]), z, z_hat)


def mmd_rbf(z: tf.Tensor, z_hat: tf.Tensor) -> tf.Tensor:
    """Unbiased MMD with exp(-|a - b|^2 / (2 w)), w the sum of two (B^2 - B)/2-th largest |a - b|^2.

    One is among pairs of prior and code, the other among pairs of codes, where it is the median of
    the pairs that are not of a code with itself. Gradients flow through both. z, z_hat: [B, m].
    """
    count = tf.size(z[:, 0])
    half = (count**2 - count) // 2
    widths = [
        tf.sort(tf.reshape(_squared_distances(a, z), [-1]), direction="DESCENDING")[half - 1]
        for a in (z_hat, z)
    ]
    bandwidth = tf.add_n(widths)
    return _mmd(lambda d: tf.exp(-d / (2 * bandwidth)), z, z_hat)


def _mmd(kernel, z, z_hat):
    count = tf.cast(tf.shape(z)[0], tf.float32)
    mean = {}
    for name, a, b in (("q", z, z), ("p", z_hat, z_hat), ("pq", z_hat, z)):
        values = kernel(_squared_distances(a, b))  # [B, B]
        total = tf.reduce_sum(values) - (0 if name == "pq" else tf.linalg.trace(values))
        mean[name] = total / (count**2 if name == "pq" else count * (count - 1))
    return mean["q"] + mean["p"] - 2 * mean["pq"]


def _squared_distances(a, b):
    """[B, B] of rows of a and b; differences, because expanding the square would cancel."""
    return tf.reduce_sum(tf.math.squared_difference(a[:, None], b[None]), axis=2)
