"""VampPrior: a VAE whose prior is a mixture of its own posteriors at pseudo-inputs.

Tomczak and Welling, "VAE with a VampPrior". With trainable examples u_1, ..., u_K (`PseudoInputs`)

    p(z) = 1/K sum_k q(z|u_k),

and encoder, decoder and pseudo-inputs minimize -log p(x|z) + beta (log q(z|x) - log p(z)) of one
sample z = mu + sigma epsilon of q(z|x). Sampling: k uniform, z ~ q(z|u_k), x_hat = D(z); the
program takes the first N pseudo-inputs in turn.

Number and initial values of the pseudo-inputs, Adam of normalized gradients, its rate, and beta's
growth over the first hundred epochs, here of 500 minibatches, are the program's; the configs have
its initial values for each data set. The likelihood is one of `vae`'s and the encoder's sigma that
of the networks. In training, batch normalization takes the
minibatch's statistics for the pseudo-inputs, too, so that prior and posterior are one function
(docs/decisions.md).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm import likelihoods
from flexae_tf.algorithm.method import Method, Setting, adam_settings
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.methods import vae
from flexae_tf.model import ExplicitDensity
from flexae_tf.networks import Networks

if TYPE_CHECKING:  # a class of Keras'
    from flexae_tf.networks.pseudo_inputs import PseudoInputs

_TRAIN_DEVIATION = 0.01  # of the noise on train images, the program's


def settings(variant: str) -> dict[str, Setting]:
    """The program's."""
    return {
        **vae.settings(variant),
        "pseudo_inputs": Setting(500, "Number K of pseudo-inputs."),
        "pseudo_input_init": Setting(
            "noise", "noise, or the first K train images and a little of it.", ("noise", "train")
        ),
        "pseudo_input_mean": Setting(0.5, "Of the pseudo-inputs that begin as noise."),
        "pseudo_input_deviation": Setting(0.02, "The same, standard deviation."),
        "warm_up_steps": Setting(50_000, "Iterations in which beta grows from 0; 1: none."),
        **adam_settings("autoencoder", 5e-4, 0.9, 0.999, optimizer="normalized_adam"),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """VampPrior with encoder (2m outputs) and decoder of `nets`."""
    from flexae_tf.networks.pseudo_inputs import PseudoInputs

    by_train = settings["pseudo_input_init"] == "train"
    mean, deviation = settings["pseudo_input_mean"], settings["pseudo_input_deviation"]
    initial = (0.0, _TRAIN_DEVIATION) if by_train else (mean, deviation)
    make = functools.partial(
        VampPrior,
        pseudo_inputs=PseudoInputs(nets.shape, settings["pseudo_inputs"], *initial),
        begin_at_train_images=by_train,
        warm_up_steps=settings["warm_up_steps"],
    )
    return vae.build(nets, settings, make)


class VampDensity(ExplicitDensity):
    """1/K sum_k q(z|u_k), in inference mode.

    The noise is a uniform number, which chooses k, followed by m normal ones.

    Args:
      encoder: Keras model. posterior: function of its outputs, to mean and deviation.
      pseudo_inputs: the u_k.
      latent_dim: m.
    """

    def __init__(
        self,
        encoder: keras.Model,
        posterior: functools.partial,
        pseudo_inputs: PseudoInputs,
        latent_dim: int,
    ) -> None:
        super().__init__(draws.uniform_and_normal(latent_dim))
        self._encoder, self._posterior = encoder, posterior
        self._pseudo_inputs = pseudo_inputs

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        mu, sigma = self._components()
        k = draws.chosen(n[:, 0], mu.shape[0])  # [B]
        return tf.gather(mu, k) + tf.gather(sigma, k) * n[:, 1:]

    def log_density(self, z: tf.Tensor) -> tf.Tensor:
        return likelihoods.mixture_log_density(z, *self._components())

    def _components(self):
        """mu and sigma of every q(z|u_k), [K, m]."""
        return self._posterior(self._encoder(self._pseudo_inputs.examples(), training=False))


class VampPrior(vae.Vae):
    """VAE with a VampPrior.

    Args:
      encoder, latent_dim, sigma: as `vae.Vae`.
      pseudo_inputs: the u_k.
      begin_at_train_images: whether the first K train images are added to them at the beginning.
      warm_up_steps: updates in which the weight of the KL divergence grows to beta.
      others: of `vae.Vae`.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        latent_dim: int,
        sigma: str,
        pseudo_inputs: PseudoInputs,
        begin_at_train_images: bool,
        warm_up_steps: int,
        **others: Any,
    ) -> None:
        self.pseudo_inputs, self.warm_up_steps = pseudo_inputs, warm_up_steps
        self.begin_at_train_images = begin_at_train_images
        posterior = functools.partial(likelihoods.posterior, sigma=sigma)
        super().__init__(
            encoder=encoder,
            latent_dim=latent_dim,
            sigma=sigma,
            density=VampDensity(encoder, posterior, pseudo_inputs, latent_dim),
            networks={"pseudo_inputs": pseudo_inputs},
            **others,
        )

    def initialize(self, images: np.ndarray) -> None:
        if not self.begin_at_train_images:
            return
        value = self.pseudo_inputs.value
        count = value.shape[0]
        if len(images) < count:
            raise UserError(
                f"--pseudo_input_init=train takes the first --pseudo_inputs={count} train images; "
                f"there are {len(images)}"
            )
        value.assign(value + data.to_unit(images[:count]))

    def negative_elbo(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """-log p(x|z) + beta (log q(z|x) - log p(z)) moves everything."""
        from flexae_tf.networks.layers import normalized_by

        u = self.pseudo_inputs.examples()  # [K, ...]
        with normalized_by(self.encoder, drawn.x.shape[0]):
            encoded = self.encoder(tf.concat([drawn.x, u], 0), training=training)
        components = u.shape[0]
        of_x, of_u = encoded[:-components], encoded[-components:]
        mu, sigma = self.posterior(of_x)
        z = mu + sigma * drawn.epsilon  # [B, m]
        distortion = self.distortion(drawn.x, self.decoder(z, training=training))
        log_prior = likelihoods.mixture_log_density(z, *self.posterior(of_u))
        log_posterior = likelihoods.drawn_log_density(drawn.epsilon, sigma)
        rate = tf.reduce_mean(log_posterior - log_prior)
        beta = self.warmed_up_beta() if training else self.beta
        return {
            "autoencoder": distortion + beta * rate,
            "elbo/distortion": distortion,
            "elbo/rate": rate,
            "elbo/beta": tf.convert_to_tensor(beta),
        }

    def warmed_up_beta(self) -> tf.Tensor:
        """The weight of the KL divergence in the next update, a scalar."""
        updates = tf.cast(self.players["autoencoder"].optimizer.iterations, tf.float32)
        return self.beta * tf.minimum((updates + 1) / self.warm_up_steps, 1.0)

    def statistics_spec(self) -> dict[str, Any]:
        # n is for codes of q(z|x), not for the prior.
        return super().statistics_spec() | {"n": self.draw_spec["epsilon"]}
