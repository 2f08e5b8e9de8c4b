"""VQ-VAE: codes are grids of indices into a codebook, sampled by a PixelCNN.

van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation Learning", with the codebook
by moving averages and the settings of Sonnet's example. The first `first_stage_steps` iterations
train encoder, decoder and codebook; the others leave these as they are and train a gated PixelCNN
(van den Oord et al., "Conditional Image Generation with PixelCNN Decoders") on the indices.

    k = argmin_k |E(x) - e_k|^2, z_q = e_k, x_hat = D(z_q), with dx_hat/dE(x) = dx_hat/dz_q
    loss = mean (x - x_hat)^2 / Var(train) + 0.25 mean (E(x) - z_q)^2

Sonnet's example divides by the variance of all pixels of the train set, which is a setting here
(0.1 by default, about that of MNIST). Sampling: k by the PixelCNN, x_hat = D(e_k). The two variants
agree.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.method import Method, Player, Setting, adam_settings, optimizer_from
from flexae_tf.algorithm.replicas import of_all_replicas, sum_over_replicas
from flexae_tf.data import draws
from flexae_tf.model import Density, Model
from flexae_tf.networks import Networks
from flexae_tf.networks.precision import keep_output_in_float32

if TYPE_CHECKING:  # classes of Keras', which are imported where one is made
    from flexae_tf.networks.codebook import Codebook
    from flexae_tf.networks.pixel_cnn import PixelCnn

ARCHITECTURE = "vq_vae"


def settings(variant: str) -> dict[str, Setting]:
    """Codebook and rate are those of Sonnet's example, the PixelCNN's our own."""
    del variant
    return {
        "codebook_size": Setting(512, "Vectors K of the codebook."),
        "code_dim": Setting(64, "Components of each of them."),
        "codebook_decay": Setting(0.99, "Of the moving averages that the codebook is made of."),
        "restart_share": Setting(
            0.05, "Part of the average use below which a vector starts anew; 0: never."
        ),
        "commitment_weight": Setting(0.25, "Weight of mean (E(x) - z_q)^2."),
        "pixel_variance": Setting(0.1, "Var(train), which the squared error is divided by."),
        "pixel_cnn_depth": Setting(8, "Gated layers of the PixelCNN."),
        "pixel_cnn_width": Setting(64, "Channels of each of its two stacks."),
        "first_stage_steps": Setting(43_000, "Iterations of the first stage."),
        **adam_settings("autoencoder", 3e-4, 0.9, 0.999),
        **adam_settings("pixel_cnn", 1e-3, 0.9, 0.999),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> VqVae:
    """VQ-VAE with the grid encoder and decoder of `nets`."""
    from flexae_tf.networks.codebook import Codebook
    from flexae_tf.networks.pixel_cnn import PixelCnn

    size, dim = settings["codebook_size"], settings["code_dim"]
    encoder = nets.grid_encoder(dim)
    grid = encoder.output_shape[1:3]
    width = nets.scaled(settings["pixel_cnn_width"])
    return VqVae(
        encoder=encoder,
        grid_decoder=nets.grid_decoder(dim),
        codebook=Codebook(size, dim, settings["codebook_decay"], settings["restart_share"]),
        pixel_cnn=PixelCnn(size, grid, settings["pixel_cnn_depth"], width),
        optimizer=functools.partial(optimizer_from, settings),
        commitment_weight=settings["commitment_weight"],
        pixel_variance=settings["pixel_variance"],
        first_stage_steps=settings["first_stage_steps"],
    )


class PixelCnnDensity(Density):
    """Grids of indices for noise n ~ N(0, I) [B, h w]: their quantiles are Phi(n).

    Args:
      pixel_cnn: a `PixelCnn`.
    """

    def __init__(self, pixel_cnn: PixelCnn) -> None:
        height, width = pixel_cnn.grid
        super().__init__(draws.noise("normal", height * width))

        def sample(n):
            u = (1 + tf.math.erf(n / math.sqrt(2))) / 2
            return pixel_cnn.sample(tf.reshape(u, [-1, height, width]))

        # A graph, because outside of one the loop over the places would be Python's.
        signature = [tf.TensorSpec([None, height * width])]
        self._sample = tf.function(sample, input_signature=signature, autograph=False)

    def prior(self, n: tf.Tensor) -> tf.Tensor:
        return self._sample(n)


class VqVae(Method):
    """VQ-VAE.

    Args:
      encoder, grid_decoder: Keras models x -> z_e [B, h, w, d], z_q [B, h, w, d] -> x_hat.
      codebook: a `Codebook` of K vectors of d components.
      pixel_cnn: a `PixelCnn` over h x w indices below K.
      optimizer: function from a player's name to its optimizer.
      commitment_weight: of mean (z_e - z_q)^2.
      pixel_variance: what the squared error is divided by.
      first_stage_steps: iterations of the first stage.
    """

    def __init__(
        self,
        *,
        encoder: keras.Model,
        grid_decoder: keras.Model,
        codebook: Codebook,
        pixel_cnn: PixelCnn,
        optimizer: Callable[[str], keras.optimizers.Optimizer],
        commitment_weight: float,
        pixel_variance: float,
        first_stage_steps: int,
    ) -> None:
        self.encoder, self.grid_decoder = encoder, grid_decoder
        self.codebook, self.pixel_cnn = codebook, pixel_cnn
        self.commitment_weight, self.pixel_variance = commitment_weight, pixel_variance
        self.first_stage_steps = self.frozen_after = first_stage_steps
        keep_output_in_float32(grid_decoder)  # the last layer of the next is this whole network
        indices = keras.Input(pixel_cnn.grid, dtype="int32")
        decoder = keras.Model(indices, grid_decoder(codebook(indices)), name="decoder")
        players = [
            Player("autoencoder", [encoder, decoder], optimizer("autoencoder")),
            Player("pixel_cnn", [pixel_cnn], optimizer("pixel_cnn")),
        ]
        model = Model(
            encoder,
            decoder,
            PixelCnnDensity(pixel_cnn),
            lambda z_e: (codebook.nearest(z_e), None),
            codebook_size=codebook.size,
        )
        spec = {"x": draws.IMAGES, "place": draws.uniform}
        super().__init__(model, {"pixel_cnn": pixel_cnn}, players, spec, minibatches=1)

    def step_at(self, iteration: int) -> Callable:
        return self.step if iteration <= self.first_stage_steps else self.second_step

    def step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of encoder and decoder, then of the codebook by what was encoded before it."""
        reported = self.update(self.reconstruction, drawn[0])
        counts, sums = (sum_over_replicas(reported.pop(name)) for name in ("counts", "sums"))
        # Not within what XLA compiles.
        candidates = of_all_replicas(reported.pop("candidates"), xla=False)  # [B, d]
        self.codebook.follow(counts, sums, candidates)
        return reported | self._use(counts)

    def second_step(self, drawn: Any) -> dict[str, tf.Tensor]:
        """One update of the PixelCNN."""
        reported = self.update(self.negative_log_likelihood, drawn[0])
        return reported | self._use(sum_over_replicas(reported.pop("counts")))

    def reconstruction(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """Squared error and commitment move encoder and decoder.

        Beside the loss there is what moves the codebook: how many outputs each index has [K], their
        sums [K, d], and of every image the output at a random place, `candidates` [B, d].
        """
        z_e = self.encoder(drawn.x, training=training)  # [B, h, w, d]
        indices = self.codebook.nearest(z_e)  # [B, h, w]
        z_q = self.codebook(indices)
        straight_through = z_e + tf.stop_gradient(z_q - z_e)
        x_hat = self.grid_decoder(straight_through, training=training)
        error = tf.reduce_mean(tf.square(drawn.x - x_hat)) / self.pixel_variance
        commitment = tf.reduce_mean(tf.square(z_e - tf.stop_gradient(z_q)))
        counts, sums = self.codebook.assigned(z_e, indices)
        places = math.prod(self.pixel_cnn.grid)
        flat = tf.reshape(z_e, [-1, places, self.codebook.dim])
        place = tf.cast(drawn.place * places, tf.int32)  # [B]
        return {
            "autoencoder": error + self.commitment_weight * commitment,
            "codebook/error": error,
            "codebook/commitment": commitment,
            "counts": counts,
            "sums": sums,
            "candidates": tf.gather(flat, place, batch_dims=1),
        }

    def negative_log_likelihood(self, drawn: Any, training: bool = True) -> dict[str, tf.Tensor]:
        """-log p(k) of an index of the first stage in inference mode moves the PixelCNN."""
        indices = self.model.encode_batch(drawn.x)  # [B, h, w]
        logits = self.pixel_cnn(indices, training=training)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(indices, logits)  # [B, h, w]
        loss = tf.reduce_mean(nats)
        counts = tf.reduce_sum(tf.one_hot(indices, self.codebook.size), [0, 1, 2])
        return {"pixel_cnn": loss, "pixel_cnn/bits_per_index": loss / math.log(2), "counts": counts}

    def validation_loss(self, x: tf.Tensor) -> tf.Tensor:
        """The sum of both objectives: else nothing would see the second stage.

        Until that begins the PixelCNN is the uniform one, and its part log K.
        """

        def objective(drawn, training):
            first = self.reconstruction(drawn, training)["autoencoder"]
            return {"autoencoder": first + self.negative_log_likelihood(drawn)["pixel_cnn"]}

        return self._validated(objective, x)

    def decoded_codes(self, drawn: Any, z: tf.Tensor, z_prime: tf.Tensor) -> list[tf.Tensor]:
        del drawn, z_prime
        return [self.codebook.nearest(z)]

    def _use(self, counts):
        """What counts [K] of the indices say of their marginal distribution."""
        perplexity = objectives.perplexity(counts)
        bits = tf.math.log(perplexity) / math.log(2)
        return {"codebook/perplexity": perplexity, "codebook/bits_per_index": bits}
