"""The variational U-Net: images given pose maps, with appearance in the code.

Esser, Sutter and Ommer, "A Variational U-Net for Conditional Appearance and Shape Generation", with
the settings of its program: q(z|x, y) = N(mu(x, y), I), p(z|y) = N(mu_p(y, z), I) (autoregressive,
`networks.vunet`), and

    loss = 5 sum over layers of mean |f(x) - f(x_hat)| + w |mu - mu_p|^2 / 2,

f of VGG19 and w growing from 1e-6 to 1 between two iterations. With --vunet_prior=flow it is that
of Morrow and Chiu, "Benefiting Deep Latent Variable Models via Learning the Prior and Removing
Latent Regularization", Section 7: the divergence is dropped, and p(z|y) is a flow, conditioned on y
in each of its transforms and in the mean of z_0, which maximizes the likelihood of the codes.

VGG19's weights come from a file of the user's; without one f is an image pyramid and its gradients
(`algorithm.perceptual`). Departures from the program, beside those of `networks.vunet`: dropout is
of whole channels, and the networks are initialized by the first 32 train images without it. Depth,
width and rate of the flow are not in the paper. The two variants agree.
"""

from __future__ import annotations

import abc
import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import data
from flexae_tf.algorithm import objectives, perceptual
from flexae_tf.algorithm.conditional import AutoregressiveDensity, ConditionalModel
from flexae_tf.algorithm.flow_prior import ConditionalFlowDensity
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.networks import Networks

PAIRED = True
PRIORS = ("gaussian", "flow")
_DISTORTION_WEIGHT = 5.0
_LEAST_KL_WEIGHT = 1e-6
_INITIAL_IMAGES = 32


def settings(variant: str) -> dict[str, Setting]:
    """Those of the program on DeepFashion; the flow is that of Morrow and Chiu on CIFAR-10."""
    del variant
    return {
        "vunet_prior": Setting("gaussian", "p(z|y): N(mu_p, I), or a flow without KL.", PRIORS),
        "unet_width": Setting(32, "Channels at the full resolution, doubled at each halving."),
        "unet_max_width": Setting(128, "But no more channels than this."),
        "latent_width": Setting(128, "Channels of the two latents."),
        "bottleneck_size": Setting(4, "Pixels of a side at the lowest resolution."),
        "unet_dropout": Setting(0.1, "Share of the channels that residual blocks drop."),
        "kl_start_steps": Setting(50_000, "Iterations before the weight of the KL grows."),
        "kl_stop_steps": Setting(75_000, "Iterations after which it is 1."),
        "vgg19_weights": Setting(None, "Keras' file of VGG19's weights without top.", kind=str),
        "gram_weight": Setting(0.0, "Weight of VGG19's Gram matrices; the program's 2nd: 0.1."),
        "flow_depth": Setting(16, "Transforms of the flow."),
        "flow_width": Setting(256, "Units of the hidden layers of a transform."),
        **adam_settings("autoencoder", 1e-3, 0.5, 0.9, schedule="linear:1000=100000"),
        **adam_settings("flow", 1e-4, 0.9, 0.999),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """The variational U-Net for examples [x, y] of shape `nets.shape`."""
    from flexae_tf.networks import vunet

    _check(nets, settings)
    sizes = vunet.Sizes(
        width=nets.scaled(settings["unet_width"]),
        max_width=nets.scaled(settings["unet_max_width"]),
        latent_width=settings["latent_width"],
        bottleneck=settings["bottleneck_size"],
        dropout=settings["unet_dropout"],
    )
    has_flow = settings["vunet_prior"] == "flow"
    unet, decoder, prior = vunet.unet(nets.shape, sizes, with_prior=not has_flow)
    shared = {
        "encoder": vunet.encoder(nets.shape, sizes),
        "decoder": decoder,
        "optimizer": functools.partial(optimizer_from, settings),
        "vgg19_weights": settings["vgg19_weights"],
        "gram_weight": settings["gram_weight"],
    }
    if prior is not None:
        ramp = settings["kl_start_steps"], settings["kl_stop_steps"]
        return GaussianVunet(
            unet=unet, prior=prior, prior_steps=sizes.prior_steps, kl_ramp=ramp, **shared
        )
    from flexae_tf.networks.flow import Flow

    features = vunet.pose_features(nets.shape, sizes)
    flow = Flow(
        sizes.latent_dim,
        settings["flow_depth"],
        nets.scaled(settings["flow_width"]),
        condition_dim=features.output_shape[0][-1],
    )
    density = ConditionalFlowDensity(flow, features)
    return FlowVunet(flow=flow, features=features, density=density, **shared)


class Vunet(Method, abc.ABC):
    """What both priors share: networks, distortion, dropout and initialization.

    Args:
      encoder: Keras model [x, y] -> mu.
      unet: Keras model (z, y) -> x_hat and whatever else is trained with it.
      model: the `ConditionalModel`.
      networks, players: as of `Method`.
      vgg19_weights: Keras' file, or None for the pyramid. gram_weight: of its Gram matrices.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        unet: keras.Model,
        model: ConditionalModel,
        networks: Mapping[str, keras.Model],
        players: Iterable[Player],
        vgg19_weights: str | None,
        gram_weight: float,
    ) -> None:
        from flexae_tf.networks.weight_norm import dropout_width

        self.encoder, self.unet = encoder, unet
        self.vgg19_weights, self.gram_weight = vgg19_weights, gram_weight
        self._features: Callable = perceptual.pyramid
        spec = {
            "x": draws.IMAGES,
            "epsilon": draws.noise("normal", model.latent_dim),
            "dropout": draws.uniform_like([dropout_width([encoder, unet])]),
        }
        super().__init__(model, networks, players, spec, 1)
        self.condition_of = model.condition_of

    def initialize(self, images: np.ndarray) -> None:
        from flexae_tf.networks import vgg19
        from flexae_tf.networks.weight_norm import data_dependent_initialization

        if self.vgg19_weights:
            self._features = vgg19.features(self.vgg19_weights)
        rows = np.arange(min(_INITIAL_IMAGES, len(images)))
        x = tf.constant(data.to_unit(data.gather(images, rows)))
        drawn = draws.around(self.draw_spec, x, draws.key(0, draws.TRAINING, 0))
        with data_dependent_initialization(self.networks.values()):
            self.pass_through(drawn, training=False)

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of everything."""
        return self.update(self.objective, drawn[0])

    @abc.abstractmethod
    def objective(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """The loss of each player, and its parts."""

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        return self._validated(self.objective, x)

    def pass_through(self, drawn: Any, training: bool) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """mu and z = mu + epsilon, [B, m] each, and the outputs of the U-Net."""
        from flexae_tf.networks.weight_norm import dropping

        networks = [self.encoder, self.unet]
        dropout = dropping(networks, drawn.dropout) if training else contextlib.nullcontext()
        with dropout:
            mu = self.encoder(drawn.x, training=training)
            z = mu + drawn.epsilon
            return mu, z, self.unet([z, self.condition_of(drawn.x)], training=training)

    def distortion(self, x: tf.Tensor, x_hat: tf.Tensor) -> tf.Tensor:
        """5 times the distance of features, a scalar. x: examples, x_hat: images."""
        return _DISTORTION_WEIGHT * perceptual.feature_distance(
            self.model.image_of(x), x_hat, self._features, self.gram_weight
        )


class GaussianVunet(Vunet):
    """With the prior of the paper.

    Args:
      encoder: Keras model [x, y] -> mu.
      unet: (z, y) -> [x_hat, mu_p]; decoder and prior are these parts of it.
      prior_steps: groups of components of z, each of which depends on those before it.
      kl_ramp: updates before the weight of the KL divergence grows, and after which it is 1.
      optimizer: function from a player's name to its optimizer. others: of `Vunet`.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        unet: keras.Model,
        decoder: keras.Model,
        prior: keras.Model,
        prior_steps: int,
        kl_ramp: tuple[int, int],
        optimizer: Callable,
        **others: Any,
    ) -> None:
        self.kl_ramp = kl_ramp
        super().__init__(
            encoder=encoder,
            unet=unet,
            model=ConditionalModel(encoder, decoder, AutoregressiveDensity(prior, prior_steps)),
            networks={"prior": prior},
            players=[Player("autoencoder", [encoder, unet], optimizer("autoencoder"))],
            **others,
        )

    def objective(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """Distortion and weighted KL divergence move everything; the weight is 1 in validation."""
        mu, _, (x_hat, mu_prior) = self.pass_through(drawn, training)
        distortion = self.distortion(drawn.x, x_hat)
        rate = objectives.squared_error(mu, mu_prior) / 2
        weight = self.kl_weight() if training else tf.constant(1.0)
        return {
            "autoencoder": distortion + weight * rate,
            "elbo/distortion": distortion,
            "elbo/rate": rate,
            "elbo/rate_weight": weight,
        }

    def kl_weight(self) -> tf.Tensor:
        """The weight of the KL divergence in the next update, a scalar."""
        start, stop = self.kl_ramp
        updates = tf.cast(self.players["autoencoder"].optimizer.iterations, tf.float32)
        grown = (1 - _LEAST_KL_WEIGHT) * (updates - start) / (stop - start)
        return tf.clip_by_value(_LEAST_KL_WEIGHT + grown, _LEAST_KL_WEIGHT, 1.0)


class FlowVunet(Vunet):
    """With a flow as prior, and codes that nothing regularizes.

    Args:
      encoder, decoder: Keras models [x, y] -> mu, (z, y) -> x_hat.
      flow, features, density: of p(z|y), a `ConditionalFlowDensity` and what it is made of.
      optimizer: function from a player's name to its optimizer. others: of `Vunet`.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        flow: keras.Model,
        features: keras.Model,
        density: ConditionalFlowDensity,
        optimizer: Callable,
        **others: Any,
    ) -> None:
        self.density = density
        super().__init__(
            encoder=encoder,
            unet=decoder,
            model=ConditionalModel(encoder, decoder, density),
            networks={"flow": flow, "pose_features": features},
            players=[
                Player("autoencoder", [encoder, decoder], optimizer("autoencoder")),
                Player("flow", [flow, features], optimizer("flow")),
            ],
            **others,
        )

    def objective(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """The distortion moves encoder and decoder, the codes' likelihood the flow."""
        _, z, x_hat = self.pass_through(drawn, training)
        y = self.condition_of(drawn.x)
        log_prior = self.density.log_density(tf.stop_gradient(z), y, training=training)
        distortion = self.distortion(drawn.x, x_hat)
        return {
            "autoencoder": distortion,
            "flow": -tf.reduce_mean(log_prior),
            "elbo/distortion": distortion,
        }


def _check(nets, settings):
    """Raises a UserError for what the networks cannot be built from."""
    height, width, _ = nets.shape
    if nets.architecture != "flexae":
        raise UserError(f"--networks={nets.architecture}: vunet has networks of its own")
    if height != width:
        raise UserError(f"vunet is for square images; received {height} x {width}")
    if not 0 <= settings["unet_dropout"] < 1:
        raise UserError(
            f"--unet_dropout must be at least 0 and below 1; received {settings['unet_dropout']}"
        )
    if settings["kl_stop_steps"] <= settings["kl_start_steps"]:
        raise UserError("--kl_stop_steps must be above --kl_start_steps")
    if settings["vgg19_weights"] and height < 16:
        raise UserError(f"--vgg19_weights needs images of at least 16 pixels; received {height}")
    if settings["gram_weight"] and not settings["vgg19_weights"]:
        raise UserError("--gram_weight is of VGG19's features and needs --vgg19_weights")
