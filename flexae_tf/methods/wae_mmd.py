"""WAE-MMD: an autoencoder whose codes are matched to N(0, I) by the maximum mean discrepancy.

Tolstikhin et al., "Wasserstein Auto-Encoders", Algorithm 2 and its program:

    L = |x - D(E(x))|^2 + lambda MMD(Q_phi, N(0, I))

MMD compares all codes of a minibatch with all others, so it is not a mean over examples. Above one
replica the codes of all replicas are gathered and every replica computes the MMD of the global
minibatch; losses and gradients are those of one device.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.method import (
    Method,
    Player,
    Setting,
    adam_from,
    adam_settings,
    halving_setting,
)
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.model import Model, StandardNormal
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
        optimizer=functools.partial(adam_from, settings),
        kernel=settings["kernel"],
        mmd_weight=settings["mmd_weight"],
    )


class WaeMmd(Method):
    """WAE-MMD.

    Args:
      encoder, decoder: Keras models x -> z, z -> x_hat.
      latent_dim: m.
      optimizer: function from a player's name to its optimizer.
      kernel: one of KERNELS.
      mmd_weight: lambda.
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
    ) -> None:
        self.encoder, self.decoder, self.mmd_weight = encoder, decoder, mmd_weight
        self.mmd = {"imq": mmd_imq, "rbf": mmd_rbf}[kernel]
        density = StandardNormal(latent_dim)
        players = [Player("autoencoder", [encoder, decoder], optimizer("autoencoder"))]
        spec = {"x": draws.IMAGES, "z_hat": density.noise}
        super().__init__(Model(encoder, decoder, density), {}, players, spec, 1)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of everything."""
        return self.update(self.matched_error, drawn[0])

    def matched_error(self, drawn: Any) -> dict[str, tf.Tensor]:
        """L moves encoder and decoder."""
        z = self.encoder(drawn.x, training=True)  # [B, m]
        error = objectives.squared_error(drawn.x, self.decoder(z, training=True))
        mmd = self.mmd(*tf.split(self._all(tf.concat([z, drawn.z_hat], 1)), 2, axis=1))
        return {"autoencoder": error + self.mmd_weight * mmd, "wae/error": error, "wae/mmd": mmd}

    def _all(self, rows):
        """The rows [B, n] of all replicas, one after another."""
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync == 1:
            return rows
        if self.xla:
            raise UserError(
                "--method=wae_mmd compares codes across replicas, which XLA cannot compile: "
                "leave --xla out or use one device"
            )
        # A sum of rows in their places, because gradients of all_gather collide on the CPU.
        place = tf.one_hot(context.replica_id_in_sync_group, context.num_replicas_in_sync)
        placed = place[:, None, None] * rows[None]  # [replicas, B, n]
        every = context.all_reduce(tf.distribute.ReduceOp.SUM, placed)
        return tf.reshape(every, [-1, rows.shape[1]])


def mmd_imq(z: tf.Tensor, z_hat: tf.Tensor) -> tf.Tensor:
    """Unbiased MMD with the sum of seven inverse multiquadratic kernels C / (C + |a - b|^2).

    Args:
      z, z_hat: [B, m]; C is 2m times each scale, as for samples of N(0, I).
    """
    bases = [2 * z.shape[1] * scale for scale in _SCALES]
    return _mmd(lambda d: tf.add_n([base / (base + d) for base in bases]), z, z_hat)


def mmd_rbf(z: tf.Tensor, z_hat: tf.Tensor) -> tf.Tensor:
    """Unbiased MMD with exp(-|a - b|^2 / (2 s)), s the sum of two medians of |a - b|^2.

    One median is over pairs of prior and code, the other over pairs of codes. z, z_hat: [B, m].
    """
    half = tf.size(z[:, 0]) ** 2 // 2
    medians = [
        tf.sort(tf.reshape(_squared_distances(a, z), [-1]), direction="DESCENDING")[half - 1]
        for a in (z_hat, z)
    ]
    bandwidth = tf.stop_gradient(tf.add_n(medians))
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
