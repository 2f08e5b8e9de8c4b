"""ALAE: a GAN whose discriminator is an encoder, with an autoencoder of its latent space.

"Adversarial Latent Autoencoders" (Pidhorskyi, Adjeroh, Doretto, 2020), Algorithm 1. Symbols: F
mapping of noise n to codes w, G generator (the decoder), E encoder, D discriminator of codes. An
iteration moves, one after the other, each on a minibatch of its own,

    E and D     E softplus(D(E(G(F(n))))) + E softplus(-D(E(x))) + gamma/2 E |grad_x D(E(x))|^2
    F and G     E softplus(-D(E(G(F(n)))))
    all         mean of (E(G(F(n))) - F(n))^2, its second F(n) without a gradient: reciprocity

the last with the optimizers of the first two. The model samples G(F(n)) and reconstructs G(E(x)).
Where the paper and its program differ this is the program: the last step moves all networks (the
paper's leaves F and D alone), and gamma is 10 with images in [-1, 1], as which the gradient is
taken here. In that step D has no part in the loss, but its optimizer counts it as a gradient of 0.

Networks with a style per layer (`--networks=alae_style`) are trained with noise, and in the first
two steps with styles of two codes: those from a random layer on are of the second. Here every
image has a layer of its own, there one is drawn for the minibatch. What is sampled has fixed noise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import divergences, objectives
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.data import draws
from flexae_tf.model import GeneratedDensity, Model
from flexae_tf.networks import Networks

EMA_HALF_LIFE_IMAGES = 10_000.0
_EQUALIZED = ("alae_fc", "alae_style")
# With plain networks all rates are a tenth; F and D, equalised with either, keep their steps.
_RATE, _MULTIPLIER = 0.002, 0.1
_UPDATES = 2  # of each player in an iteration


def settings(variant: str) -> dict[str, Setting]:
    """The program's, for `mnist_fc`; its rate is for equalised networks."""
    del variant
    rates = adam_settings("discriminator", _RATE, 0.0, 0.99)
    rates |= adam_settings("generator", _RATE, 0.0, 0.99)
    for name in ("discriminator_learning_rate", "generator_learning_rate"):
        rates[name] = Setting(None, rates[name].help, kind=float, derived=_rate)
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "mapping_layers": Setting(6, "Layers of the mapping F."),
        "r1_weight": Setting(10.0, "gamma, of the penalty on D(E(x)), x in [-1, 1]."),
        "style_mixing_share": Setting(0.9, "Of images with the styles of two codes."),
        **rates,
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """ALAE with encoder and decoder of `nets` and the program's MLPs F and D."""
    from flexae_tf.networks.equalized import Linear, PixelNorm
    from flexae_tf.networks.styles import synthesis_of

    m, linear = settings["latent_dim"], Linear()
    made = {"rate_multiplier": _MULTIPLIER * _RATE / _rate(nets)}
    mapping = [PixelNorm(), *linear.hidden(*[m] * settings["mapping_layers"], **made)]
    discriminator = [linear.dense(units, **made) for units in (m, m, 1)]
    decoder = nets.decoder(m)
    return Alae(
        encoder=nets.encoder(m),
        decoder=decoder,
        mapping=keras.Sequential([keras.Input((m,)), *mapping], name="mapping"),
        discriminator=keras.Sequential([keras.Input((m,)), *discriminator], name="discriminator"),
        synthesis=synthesis_of(decoder),
        optimizer=functools.partial(optimizer_from, settings, updates=_UPDATES),
        r1_weight=settings["r1_weight"],
        style_mixing_share=settings["style_mixing_share"],
    )


class Alae(Method):
    """ALAE.

    Args:
      encoder, decoder, mapping, discriminator: Keras models x -> w, w -> x_hat, n -> w and
        w -> [B, 1].
      synthesis: the decoder's part as of `styles.synthesis_of`, or None.
      optimizer: function from a player's name to its optimizer.
      r1_weight: gamma. style_mixing_share: of images with the styles of two codes.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        decoder: keras.Model,
        mapping: keras.Model,
        discriminator: keras.Model,
        synthesis: keras.Model | None,
        optimizer: Callable,
        r1_weight: float,
        style_mixing_share: float,
    ) -> None:
        self.encoder, self.decoder, self.synthesis = encoder, decoder, synthesis
        self.mapping, self.discriminator = mapping, discriminator
        self.r1_weight, self.style_mixing_share = r1_weight, style_mixing_share
        self.divergence = divergences.JensenShannon()
        players = [
            Player("discriminator", [encoder, discriminator], optimizer("discriminator")),
            Player("generator", [mapping, decoder], optimizer("generator")),
        ]
        noise = draws.noise("normal", mapping.input_shape[-1])
        spec = {"x": draws.IMAGES, "n": noise}
        if synthesis is not None:
            spec |= {"n_mixed": noise, "mixed": draws.uniform, "first_mixed": draws.uniform}
            spec |= {"noise": draws.normal_like(synthesis.input_shape[1][1:])}
        model = Model(encoder, decoder, GeneratedDensity(mapping, noise))
        models = {"mapping": mapping, "discriminator": discriminator}
        super().__init__(model, models, players, spec, minibatches=3)

    def step(self, drawn: tuple) -> dict[str, tf.Tensor]:
        """Algorithm 1. The players' losses that are reported are those of the first two steps."""
        adversarial = self.update(self.discriminate, drawn[0])
        adversarial |= self.update(self.deceive, drawn[1])
        return self.update(self.reciprocate, drawn[2]) | adversarial

    def discriminate(self, drawn: Any) -> dict[str, tf.Tensor]:
        """Moves E and D."""
        _, x_hat = self.generate(drawn)
        fake = self.divergence.lower(self.discriminator, self._encoded(tf.stop_gradient(x_hat)))
        verdict, slopes = objectives.verdicts_and_slopes(
            lambda x: self.discriminator(self._encoded(x), training=True), drawn.x
        )
        # By an image in [-1, 1], of which that in [0, 1] moves half as far.
        penalty = tf.reduce_mean(slopes) / (4 if drawn.x.shape.rank == 4 else 1)
        loss = fake + tf.reduce_mean(tf.math.softplus(-verdict)) + self.r1_weight / 2 * penalty
        return {"discriminator": loss, "gradient_penalty/discriminator": penalty}

    def deceive(self, drawn: Any) -> dict[str, tf.Tensor]:
        """Moves F and G."""
        _, x_hat = self.generate(drawn)
        return {"generator": self.divergence.raise_(self.discriminator, self._encoded(x_hat))}

    def reciprocate(self, drawn: Any) -> dict[str, tf.Tensor]:
        """Moves all, by one loss."""
        w, x_hat = self.generate(drawn, mix=False)
        error = tf.square(self._encoded(x_hat) - tf.stop_gradient(w))  # [B, m]
        loss = tf.reduce_mean(error)
        return {"discriminator": loss, "generator": loss, "alae/reciprocity": loss}

    def generate(self, drawn: Any, mix: bool = True) -> tuple[tf.Tensor, tf.Tensor]:
        """F(n) [B, m] and an image of it in training mode, with styles of two codes if `mix`."""
        w = self.mapping(drawn.n, training=True)
        if self.synthesis is None:
            return w, self.decoder(w, training=True)
        layers = self.synthesis.input_shape[0][1]
        styles = tf.tile(w[:, None], [1, layers, 1])  # [B, L, m]
        if mix:
            first = 1 + draws.chosen(drawn.first_mixed, layers)  # in 1..L, L for none
            first = tf.where(drawn.mixed < self.style_mixing_share, first, layers)
            of_second = (tf.range(layers) >= first[:, None])[..., None]  # [B, L, 1]
            styles = tf.where(
                of_second, self.mapping(drawn.n_mixed, training=True)[:, None], styles
            )
        return w, self.synthesis([styles, drawn.noise], training=True)

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        return [self.mapping(drawn.n, training=False)]

    def _encoded(self, x):
        return self.encoder(x, training=True)


def _rate(nets):
    return _RATE if nets.architecture in _EQUALIZED else _RATE * _MULTIPLIER
