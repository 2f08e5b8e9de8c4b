"""VAE, beta-VAE, and the likelihoods of Dai and Wipf's comparison.

Kingma and Welling, "Auto-Encoding Variational Bayes"; beta of Higgins et al. The encoder gives mean
and standard deviation of q(z|x), z = mu + sigma epsilon, and the prior is N(0, I). Sums are over
the pixels and latent dimensions of an example, as in Dai and Wipf's released program. A VAE of the
RAE paper's program weighs its KL divergence by w against the mean over channels, summed over
places: on C channels that is beta = w C / 2 here (0.156 on MNIST, 0.036 on CIFAR-10, 0.135 on
CelebA).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.likelihoods import (
    DEVIATIONS,
    gaussian_log_density,
    gaussian_negative_log_likelihood,
    kl_to_standard_normal,
    posterior,
)
from flexae_tf.algorithm.method import (
    Method,
    Player,
    Setting,
    adam_settings,
    halving_setting,
    optimizer_from,
)
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.model import Density, Model, StandardNormal
from flexae_tf.networks import SIGMAS, Networks

LIKELIHOODS = ("fixed_variance", "learned_variance", "cross_entropy")


def settings(variant: str) -> dict[str, Setting]:
    """The rate is that of Dai and Wipf's program."""
    del variant
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "likelihood": Setting("fixed_variance", "p(x|z): Gaussian or Bernoulli.", LIKELIHOODS),
        "beta": Setting(1.0, "Weight of the KL divergence."),
        **sigma_setting(),
        **adam_settings("autoencoder", 1e-4, 0.9, 0.999),
        **halving_setting(),
    }


def sigma_setting() -> dict[str, Setting]:
    """The setting of an encoder that gives a standard deviation."""
    text = "Standard deviation of q(z|x) from the encoder's output; by default the networks'."
    return {
        "sigma": Setting(
            None, text, tuple(DEVIATIONS), str, lambda nets: SIGMAS[nets.architecture], "softplus"
        )
    }


def build(nets: Networks, settings: Mapping[str, Any], make: Callable | None = None) -> Vae:
    """VAE with encoder (2m outputs) and decoder of `nets`; `make` is `Vae` or makes one as it."""
    if settings["likelihood"] == "cross_entropy" and len(nets.shape) == 1:
        raise UserError("--likelihood=cross_entropy is for images in [0, 1], not for vectors")
    latent_dim = settings["latent_dim"]
    return (make or Vae)(
        encoder=nets.encoder(2 * latent_dim),
        decoder=nets.decoder(latent_dim),
        latent_dim=latent_dim,
        optimizer=functools.partial(optimizer_from, settings),
        likelihood=settings["likelihood"],
        beta=settings["beta"],
        sigma=settings["sigma"],
    )


def log_gamma() -> keras.Model:
    """A network that is only log gamma of the likelihood N(x; x_hat, gamma^2 I), its `value`."""
    network = keras.Model(name="log_gamma")
    network.value = network.add_weight(shape=(), initializer="zeros", name="value")  # []
    network.built = True
    return network


def gaussian_log_likelihood(
    x: tf.Tensor, x_hat: tf.Tensor, log_gamma: keras.Model | None
) -> tf.Tensor:
    """log N(x; x_hat, gamma^2 I), [B]. x, x_hat: [B, ...]. log_gamma: of `log_gamma`, or 0."""
    x, x_hat = (tf.reshape(t, [-1, math.prod(x.shape[1:])]) for t in (x, x_hat))
    return gaussian_log_density(x, x_hat, tf.fill(tf.shape(x), tf.exp(_value(log_gamma))))


def _value(log_gamma):
    return tf.convert_to_tensor(log_gamma.value) if log_gamma else tf.constant(0.0)


class Vae(Method):
    """VAE.

    Args:
      encoder, decoder: Keras models x -> [B, 2m] (see `likelihoods.posterior`), z -> x_hat.
      latent_dim: m.
      optimizer: function from a player's name to its optimizer.
      likelihood: one of LIKELIHOODS. beta: weight of the KL divergence.
      sigma: of q(z|x), one of DEVIATIONS, or a constant, whose encoder has m outputs.
      density: the prior; N(0, I) by default. networks: of the prior, {name: keras.Model} that the
        same player moves.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        latent_dim: int,
        optimizer: Callable,
        likelihood: str = "fixed_variance",
        beta: float = 1.0,
        sigma: float | str = "softplus",
        density: Density | None = None,
        networks: Mapping[str, keras.Model] | None = None,
    ) -> None:
        self.encoder, self.decoder = encoder, decoder
        self.likelihood, self.beta = likelihood, beta
        learned = log_gamma() if likelihood == "learned_variance" else None
        models = ({"log_gamma": learned} if learned else {}) | dict(networks or {})
        moved = [encoder, decoder, *models.values()]
        players = [Player("autoencoder", moved, optimizer("autoencoder"))]
        density = density or StandardNormal(latent_dim)
        spec = {"x": draws.IMAGES, "epsilon": draws.noise("normal", latent_dim)}
        self.posterior = functools.partial(posterior, sigma=sigma)
        # Of grey values cross-entropy is no density.
        is_density = likelihood != "cross_entropy"
        log_likelihood = functools.partial(gaussian_log_likelihood, log_gamma=learned)
        model = Model(
            encoder, decoder, density, self.posterior, log_likelihood if is_density else None
        )
        super().__init__(model, models, players, spec, 1)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of everything."""
        return self.update(self.negative_elbo, drawn[0])

    def negative_elbo(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """-log p(x|z) + beta KL(q(z|x) || N(0, I)) moves everything."""
        mu, sigma, _, distortion = self.pass_through(drawn, training)
        rate = kl_to_standard_normal(mu, sigma)
        return {
            "autoencoder": distortion + self.beta * rate,
            "elbo/distortion": distortion,
            "elbo/rate": rate,
        }

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        return self._validated(self.negative_elbo, x)

    def pass_through(
        self, drawn: Any, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """mu, sigma and z = mu + sigma epsilon, [B, m] each, and the distortion of D(z)."""
        mu, sigma = self.posterior(self.encoder(drawn.x, training=training))
        z = mu + sigma * drawn.epsilon
        return mu, sigma, z, self.distortion(drawn.x, self.decoder(z, training=training))

    def distortion(self, x: tf.Tensor, x_hat: tf.Tensor) -> tf.Tensor:
        """-log p(x|z), summed over pixels, mean over the batch.

        Cross-entropy clips x_hat at 1e-7 from 0 and 1, Dai and Wipf's program logarithms at 1e-8.
        """
        if self.likelihood == "cross_entropy":
            return math.prod(x.shape[1:]) * objectives.binary_cross_entropy(x, x_hat)
        log_gamma = _value(self.networks.get("log_gamma"))
        return gaussian_negative_log_likelihood(x, x_hat, log_gamma)

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        mu, sigma = self.posterior(z)
        return [mu + sigma * drawn.n]
