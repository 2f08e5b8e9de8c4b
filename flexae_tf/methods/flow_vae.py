"""VAE with a normalizing flow as prior, whose codes need not be regularized.

Morrow and Chiu, "Benefiting Deep Latent Variable Models via Learning the Prior and Removing Latent
Regularization": with z = mu + sigma epsilon of q(z|x) and p(z) that of a flow (`networks.flow`),

    encoder and decoder maximize   E log p(x|z) + beta (log p(z) - log q(z|x))     (Eq. 12)
    the flow maximizes             E log p(z),                                     (Eq. 13)

at the same time and with Adam for each. beta = 1 is the VAE with a learned prior; with beta = 0 the
reconstruction alone shapes the codes and the flow follows. After `first_stage_steps` iterations
encoder and decoder rest, and the flow goes on by codes of the encoder in inference mode. Sampling:
n ~ N(0, I), z = f^-1(n), x_hat = D(z).

Depth and width of the flow are the paper's on MNIST; those on other data are in the configs.
"learned_variance" learns the deviation gamma as `vae` does (the paper's gamma is its square).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from flexae_tf.algorithm.flow_prior import FlowDensity
from flexae_tf.algorithm.likelihoods import drawn_log_density
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.methods import vae
from flexae_tf.networks import Networks

if TYPE_CHECKING:  # a class of Keras'
    from flexae_tf.networks.flow import Flow


def settings(variant: str) -> dict[str, Setting]:
    """The paper's one rate for both; two thirds of the iterations are joint, as on MNIST."""
    return {
        **vae.settings(variant),
        "first_stage_steps": Setting(86_000, "Iterations of the first stage."),
        "flow_depth": Setting(24, "Transforms of the flow."),
        "flow_width": Setting(1024, "Units of the hidden layers of a transform."),
        **adam_settings("flow", 1e-4, 0.9, 0.999),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """VAE with a flow prior, encoder (2m outputs) and decoder of `nets`."""
    from flexae_tf.networks.flow import Flow

    return FlowVae(
        autoencoder=vae.build(nets, settings),
        flow=Flow(
            settings["latent_dim"], settings["flow_depth"], nets.scaled(settings["flow_width"])
        ),
        optimizer=functools.partial(optimizer_from, settings),
        first_stage_steps=settings["first_stage_steps"],
    )


class FlowVae(Method):
    """VAE with a flow prior.

    Args:
      autoencoder: a `vae.Vae`: its networks, player, likelihood, posterior and beta.
      flow: from z to n.
      optimizer: function from a player's name to its optimizer.
      first_stage_steps: iterations in which everything is trained.
    """

    def __init__(
        self,
        *,
        autoencoder: vae.Vae,
        flow: Flow,
        optimizer: Callable,
        first_stage_steps: int,
    ) -> None:
        self.autoencoder, self.flow = autoencoder, flow
        self.first_stage_steps = self.frozen_after = first_stage_steps
        self.prior = FlowDensity(flow)
        players = [*autoencoder.players.values(), Player("flow", [flow], optimizer("flow"))]
        networks = autoencoder.networks | {"flow": flow}
        model = autoencoder.model.sampled_from(self.prior)
        super().__init__(model, networks, players, autoencoder.draw_spec, 1)

    def step_at(self, iteration: int) -> Callable:
        return self.step if iteration <= self.first_stage_steps else self.second_step

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of everything, all at the same weights."""
        return self.update(self.both, drawn[0])

    def second_step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of the flow."""
        return self.update(self.fit_flow, drawn[0])

    def both(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """Eq. 12 moves encoder and decoder, Eq. 13 the flow."""
        first = self.autoencoder
        _, sigma, z, distortion = first.pass_through(drawn, training)
        # Without beta nothing of the flow may reach the codes, not even a zero times a NaN.
        seen = z if first.beta else tf.stop_gradient(z)
        log_prior = tf.reduce_mean(self.prior.log_density(seen, training=training))
        rate = tf.reduce_mean(drawn_log_density(drawn.epsilon, sigma)) - log_prior
        return {
            "autoencoder": distortion + first.beta * rate if first.beta else distortion,
            "flow": -log_prior,
            "elbo/distortion": distortion,
            "elbo/rate": rate,
        }

    def fit_flow(self, drawn: Any) -> dict[str, tf.Tensor]:
        """Eq. 13, of codes in inference mode, moves the flow."""
        mu, sigma = self.model.encode_distribution(drawn.x)
        z = tf.stop_gradient(mu + sigma * drawn.epsilon)  # [B, m]
        return {"flow": -tf.reduce_mean(self.prior.log_density(z, training=True))}

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        """The objective of encoder and decoder, and without beta, which alone has the flow's part
        in that, the flow's: else nothing would see the second stage.
        """

        def objective(drawn, training):
            losses = self.both(drawn, training)
            loss = losses["autoencoder"]
            return {"autoencoder": loss if self.autoencoder.beta else loss + losses["flow"]}

        return self._validated(objective, x)

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        return self.autoencoder.decoded_codes(drawn, z, z_prime)
