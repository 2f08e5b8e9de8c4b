"""PIONEER: an autoencoder with codes on the unit sphere, whose two networks play a game.

Heljakka, Solin and Kannala, "Pioneer Networks: Progressively Growing Generative Autoencoder", as
its program has it; there is no critic. With KL the mean over components of KL(N(mean, variance) ||
N(0, 1)) of a batch of codes (`algorithm.sphere`), z uniform on the sphere, and codes normalized to
it wherever they leave E or enter D, an iteration moves

    encoder once     2 w mean |x - D(E(x))| + 0.1 KL(E(x)) - 0.1 KL(E(D(z)))
    decoder twice    0.1 KL(E(D(z))) + 100 / m (1 - cos(z, E(D(z))))

The program's images are in [-1, 1], where the error is twice ours, and its last term is the mean of
2 - z_j E(D(z))_j: the same but for a constant. Its paper's weights are ten times these.

With `--grow`, the default for `--networks=pioneer`, training goes through phases (`networks.
progressive`) of `phase_steps` iterations: a block fades in during the first half, where w is 1, and
rests in the second, where w is 1.5; the last phase has no end. Else w is 1.5 throughout. On other
networks the encoder has spectral normalization as well. The program takes some of the encoder's
fakes from a pool of 200 earlier ones once a block has faded in, mirrors CelebA's images and has
smaller batches in later phases; here there is nothing of that. Averages of the weights, which the
program has of the decoder alone, are of both networks. The two variants agree.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives, sphere
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.algorithm.replicas import of_all_replicas
from flexae_tf.data import draws
from flexae_tf.model import Model
from flexae_tf.networks import Networks
from flexae_tf.networks.precision import keep_output_in_float32

if TYPE_CHECKING:  # a class of Keras', which is imported where one is made
    from flexae_tf.networks.progressive import Growth

# 0.999 in an iteration of 64 images, as the program has it of the decoder alone.
EMA_HALF_LIFE_IMAGES = 44_339.0
_AT_REST = 1.5  # w of the error where no block fades in


def settings(variant: str) -> dict[str, Setting]:
    """The program's; a phase is 2.4 million images, here of batches of 64."""
    del variant
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "absolute_error_weight": Setting(2.0, "Weight of mean |x - x_hat|, x in [0, 1]."),
        "batch_divergence_weight": Setting(0.1, "Weight of the divergence of a batch of codes."),
        "cosine_weight": Setting(100.0, "Weight of (1 - cos) / m between codes."),
        "decoder_steps": Setting(2, "Updates of the decoder in an iteration."),
        "grow": Setting(
            None,
            "Whether the networks grow; by default if they can.",
            kind=bool,
            derived=lambda nets: nets.grow,
        ),
        "phase_steps": Setting(37_500, "Iterations of a phase of networks that grow."),
        **adam_settings("encoder", 1e-3, 0.0, 0.99),
        **adam_settings("decoder", 1e-3, 0.0, 0.99),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """PIONEER with encoder and decoder of `nets`, or with those of every phase."""
    m, growth = settings["latent_dim"], None
    if settings["grow"]:
        growth, encoders, decoders = nets.growing(m, settings["phase_steps"])
    else:
        # PIONEER's encoder has its own, but for the layer from images.
        encoders = [nets.encoder(m, spectral_norm=not nets.grow)]
        decoders = [nets.decoder(m)]
    return Pioneer(
        encoders=list(map(_to_the_sphere, encoders)),
        decoders=list(map(_from_the_sphere, decoders)),
        growth=growth,
        optimizer=functools.partial(optimizer_from, settings),
        decoder_steps=settings["decoder_steps"],
        **{name: value for name, value in settings.items() if name.endswith("_weight")},
    )


class Pioneer(Method):
    """PIONEER.

    Args:
      encoders, decoders: Keras models x -> z, z -> x_hat of every phase, which share their weights;
        one of each where nothing grows. Codes are on the unit sphere.
      growth: the networks' `Growth`, or None.
      optimizer: function from a player's name to its optimizer.
      decoder_steps: updates of the decoder in an iteration.
      absolute_error_weight, batch_divergence_weight: 2 and 0.1 above.
      cosine_weight: 100 above.
    """

    def __init__(
        self,
        *,
        encoders: list[keras.Model],
        decoders: list[keras.Model],
        growth: Growth | None,
        optimizer: Callable[[str], keras.optimizers.Optimizer],
        decoder_steps: int,
        absolute_error_weight: float,
        batch_divergence_weight: float,
        cosine_weight: float,
    ) -> None:
        self.encoders, self.decoders, self.growth = encoders, decoders, growth
        self.absolute_error_weight = absolute_error_weight
        self.batch_divergence_weight = batch_divergence_weight
        self.cosine_weight = cosine_weight
        # Kept, because graphs are by the object that they were traced from.
        self._steps, self._encode, self._decode = (
            [functools.partial(function, phase) for phase in range(len(encoders))]
            for function in (self.phase_step, self.encode_loss, self.decode_loss)
        )
        encoder, decoder = encoders[-1], decoders[-1]
        m = decoder.input_shape[-1]
        self.density = sphere.UniformOnSphere(m)
        players = [
            Player("encoder", [encoder], optimizer("encoder")),
            Player("decoder", [decoder], optimizer("decoder")),
        ]
        for_decoder = draws.normal_like([decoder_steps, m])
        spec = {"x": draws.IMAGES, "n": self.density.noise, "n_decoder": for_decoder}
        super().__init__(Model(encoder, decoder, self.density), {}, players, spec, minibatches=1)

    def step_at(self, iteration: int) -> Callable:
        return self._steps[self.growth.phase_after(iteration - 1) if self.growth else 0]

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """An iteration of the last phase."""
        return self.phase_step(len(self.encoders) - 1, drawn)

    def phase_step(self, phase: int, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of the encoder, then those of the decoder, each with codes of its own."""
        reported = self.update(self._encode[phase], drawn[0])
        for n in tf.unstack(drawn[0].n_decoder, axis=1):
            reported |= self.update(self._decode[phase], n)
        if not self.growth:
            return reported
        alpha = self.growth.alpha(phase)
        self.growth.advance()
        return reported | {"growth/phase": tf.constant(float(phase)), "growth/alpha": alpha}

    def encode_loss(self, phase: int, drawn: Any) -> dict[str, tf.Tensor]:
        """The error, the divergence of images' codes and that of fakes' codes move the encoder."""
        encoder, decoder = self.encoders[phase], self.decoders[phase]
        x = self.growth.images(drawn.x, phase) if self.growth else drawn.x
        z = encoder(x, training=True)  # [B, m]
        error = objectives.absolute_error(x, decoder(z, training=True))
        fakes = decoder(self.density.prior(drawn.n), training=True)
        z_fake = encoder(tf.stop_gradient(fakes), training=True)  # [B, m]
        real, fake = map(sphere.batch_divergence, self._of_all(z, z_fake))
        loss = self._error_weight(phase) * error + self.batch_divergence_weight * (real - fake)
        return {
            "encoder": loss,
            "pioneer/error": error,
            "pioneer/divergence": real,
            "pioneer/divergence_of_fakes": fake,
        }

    def decode_loss(self, phase: int, n: tf.Tensor) -> dict[str, tf.Tensor]:
        """The divergence of fakes' codes, and their distance from what was decoded: the decoder."""
        z = self.density.prior(n)  # [B, m]
        fakes = self.decoders[phase](z, training=True)
        z_fake = self.encoders[phase](fakes, training=True)  # [B, m]
        (of_all,) = self._of_all(z_fake)
        divergence = sphere.batch_divergence(of_all)
        distance = sphere.cosine_distance(z, z_fake)
        weight = self.cosine_weight / z.shape[1]
        return {
            "decoder": self.batch_divergence_weight * divergence + weight * distance,
            "pioneer/cosine_distance": distance,
        }

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        return [z, self.density.prior(drawn.n)]

    def _of_all(self, *codes):
        """Codes [B, m] of all replicas, in one exchange."""
        together = of_all_replicas(tf.concat(codes, 1), self.xla)
        return tf.split(together, len(codes), axis=1)

    def _error_weight(self, phase):
        if not self.growth:
            return _AT_REST * self.absolute_error_weight
        factor = tf.where(self.growth.progress(phase) < 0.5, 1.0, _AT_REST)
        return factor * self.absolute_error_weight


def _to_the_sphere(encoder):
    """x -> z of an encoder, normalized."""
    normalization = keras.layers.UnitNormalization(dtype="float32")
    return keras.Model(encoder.inputs[0], normalization(encoder.outputs[0]), name="encoder")


def _from_the_sphere(decoder):
    """z -> x_hat of a decoder, z normalized: a line between codes is an arc to it."""
    keep_output_in_float32(decoder)  # the last layer of the next is this whole network
    z = keras.Input(decoder.input_shape[1:])
    normalized = keras.layers.UnitNormalization(dtype="float32")(z)
    return keras.Model(z, decoder(normalized), name="decoder")
