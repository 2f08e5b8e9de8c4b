"""RAE: a deterministic autoencoder with small codes and a smooth decoder, sampled ex post.

Ghosh et al., "From Variational to Deterministic Autoencoders", Eq. 10 and 15 to 18:

    L = |x - D(E(x))|^2 + beta/2 |z|^2 + lambda L_REG

It has no prior of its own: --density=gaussian or gmm samples it. Where the paper and its released
program differ, --variant=paper, the default, is the paper:

    regularizer        paper                          released
    l2                 all kernels of the decoder     small images: its transposed convolutions'
    gradient_penalty   |Jacobian of D|^2, estimated   mean square of the derivatives of the sum of
                       with one random projection     squared outputs
    spectral_norm      the decoder                    the encoder, too
    learning rate      0.001                          0.0005 (for CelebA it has 0.001, a flag here)

--decayed_kernels and --penalized_gradient choose one of these by itself. Eq. 16 decays all
parameters of the decoder; biases and batch normalization are left out, as in the program. That
takes means where Eq. 10 and 15 have sums. The default weights are its MNIST weights times the
pixels (and for beta 2/m), which is the same objective times a constant. The paper gives no weights:
that of the Jacobian is the same number as the program's for its own quantity and has no source.
"""

from __future__ import annotations

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
    adam_settings,
    halving_setting,
    optimizer_from,
)
from flexae_tf.data import draws
from flexae_tf.model import Model
from flexae_tf.networks import Networks

REGULARIZERS = ("none", "l2", "gradient_penalty", "spectral_norm")
KERNELS = ("all", "transposed_convolutions")
GRADIENTS = ("jacobian", "squared_outputs")
# {L_REG: (beta, lambda)} of the program for MNIST: 32 x 32 pixels, m = 16.
_WEIGHTS = {
    "none": (0.064, 0.0),
    "l2": (0.0128, 1.024e-4),
    "squared_outputs": (0.0128, 5.12e-5),
    "jacobian": (0.0128, 5.12e-5),
    "spectral_norm": (1.152, 0.0),
}


def settings(variant: str) -> dict[str, Setting]:
    """The settings of RAE."""
    gradient = {"paper": "jacobian", "released": "squared_outputs"}[variant]
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "regularizer": Setting("l2", "L_REG, what makes the decoder smooth.", REGULARIZERS),
        "latent_norm_weight": Setting(
            None, "beta of RAE; by default the regularizer's for MNIST.", kind=float
        ),
        "regularizer_weight": Setting(
            None, "lambda of RAE; by default the regularizer's for MNIST.", kind=float
        ),
        "penalized_gradient": Setting(
            gradient, "Of the gradient penalty: which derivatives it is of.", GRADIENTS
        ),
        **decay_setting(variant),
        **rate_settings(variant),
    }


def decay_setting(variant: str) -> dict[str, Setting]:
    """The setting of weight decay. The program's network for CelebA decays the dense layer, too."""
    former = {"paper": "all", "released": "transposed_convolutions"}[variant]

    def derived(nets):
        from flexae_tf.networks import dcgan  # here, because TensorFlow and Keras come with it

        return "all" if dcgan.is_large(nets.shape) else former

    text = "Of l2: kernels of the decoder; by default the variant's for such images."
    return {"decayed_kernels": Setting(None, text, KERNELS, str, derived, former)}


def rate_settings(variant: str) -> dict[str, Setting]:
    """The settings of the one player of AE and RAE."""
    learning_rate = {"paper": 1e-3, "released": 5e-4}[variant]
    return adam_settings("autoencoder", learning_rate, 0.9, 0.999) | halving_setting()


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """RAE with encoder and decoder of `nets`."""
    kind, gradient = settings["regularizer"], settings["penalized_gradient"]
    released = nets.variant == "released"
    latent_dim = settings["latent_dim"]
    chosen = settings["latent_norm_weight"], settings["regularizer_weight"]
    default = _WEIGHTS[gradient if kind == "gradient_penalty" else kind]
    weights = [d if w is None else w for w, d in zip(chosen, default, strict=True)]
    return Rae(
        encoder=nets.encoder(latent_dim, spectral_norm=kind == "spectral_norm" and released),
        decoder=nets.decoder(latent_dim, spectral_norm=kind == "spectral_norm"),
        optimizer=functools.partial(optimizer_from, settings),
        latent_norm_weight=weights[0],
        regularizer=kind,
        regularizer_weight=weights[1],
        penalized_gradient=gradient,
        decayed_kernels=settings["decayed_kernels"],
    )


class Rae(Method):
    """RAE.

    Args:
      encoder, decoder: Keras models x -> z, z -> x_hat; spectral normalization is in the decoder's
        layers.
      optimizer: function from a player's name to its optimizer.
      latent_norm_weight: beta.
      regularizer: one of REGULARIZERS.
      regularizer_weight: lambda.
      penalized_gradient: of gradient_penalty, one of GRADIENTS.
      decayed_kernels: of l2, one of KERNELS.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        optimizer: Callable,
        latent_norm_weight: float = 0.0,
        regularizer: str = "none",
        regularizer_weight: float = 0.0,
        penalized_gradient: str = "jacobian",
        decayed_kernels: str = "all",
    ) -> None:
        self.encoder, self.decoder = encoder, decoder
        self.latent_norm_weight, self.regularizer_weight = latent_norm_weight, regularizer_weight
        self.regularizer, self.decayed_kernels = regularizer, decayed_kernels
        self.estimates_jacobian = penalized_gradient == "jacobian"
        players = [Player("autoencoder", [encoder, decoder], optimizer("autoencoder"))]
        spec: dict[str, Any] = {"x": draws.IMAGES}
        if regularizer == "gradient_penalty" and self.estimates_jacobian:
            spec["projection"] = draws.normal_like(decoder.output_shape[1:])
        super().__init__(Model(encoder, decoder), {}, players, spec, 1)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of everything."""
        return self.update(self.regularized_error, drawn[0])

    def regularized_error(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """L moves encoder and decoder."""
        z = self.encoder(drawn.x, training=training)  # [B, m]
        x_hat, penalty = self.decode_and_penalize(z, drawn, training)
        error = objectives.squared_error(drawn.x, x_hat)
        norm = tf.reduce_mean(objectives.squared_norms(z)) / 2
        loss = error + self.latent_norm_weight * norm + self.regularizer_weight * penalty
        return {
            "autoencoder": loss,
            "rae/error": error,
            "rae/latent_norm": norm,
            "rae/penalty": penalty,
        }

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        return self._validated(self.regularized_error, x)

    def decode_and_penalize(
        self, z: tf.Tensor, drawn: Any, training: bool = True
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """x_hat of codes [B, m], and L_REG; one pass through the decoder."""
        if self.regularizer != "gradient_penalty":
            penalty = tf.constant(0.0)
            if self.regularizer == "l2":
                decayed = {"all": keras.layers.Layer}
                decayed["transposed_convolutions"] = keras.layers.Conv2DTranspose
                penalty = objectives.squared_kernels(self.decoder, decayed[self.decayed_kernels])
            return self.decoder(z, training=training), penalty
        with tf.GradientTape() as tape:
            tape.watch(z)
            x_hat = self.decoder(z, training=training)
            weight = drawn.projection if self.estimates_jacobian else x_hat
            projected = tf.reduce_sum(weight * x_hat)
        gradient = tape.gradient(projected, z)  # [B, m]
        if self.estimates_jacobian:  # E |J^T v|^2 = |J|^2 for v ~ N(0, I)
            return x_hat, tf.reduce_mean(objectives.squared_norms(gradient))
        return x_hat, tf.reduce_mean(tf.square(gradient))
