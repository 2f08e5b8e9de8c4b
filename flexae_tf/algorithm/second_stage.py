"""Networks and objective of a second stage, a VAE of the codes of another model.

Dai and Wipf, "Diagnosing and Enhancing VAE Models", Section 4 and their program. Encoder and
decoder have three hidden layers of 1,024 units and see their input once more beside the last of
them; the decoder's standard deviation gamma is one learned number.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from flexae_tf.algorithm.likelihoods import gaussian_negative_log_likelihood, kl_to_standard_normal

WIDTH = 1024
HIDDEN_LAYERS = 3


def network(inputs: int, outputs: int, width: int = WIDTH, seed: int | None = None) -> keras.Model:
    """The network of either direction, [B, inputs] -> [B, outputs].

    Its initial weights follow `seed`, or Keras's global seed where there is none.
    """

    from flexae_tf.networks.layers import Dense  # here, because TensorFlow and Keras come with it

    def dense(i, units, activation=None):
        initializer = keras.initializers.GlorotUniform(None if seed is None else seed + i)
        return Dense(units, activation, kernel_initializer=initializer)

    x = hidden = keras.Input((inputs,))
    for i in range(HIDDEN_LAYERS):
        hidden = dense(i, width, "relu")(hidden)
    hidden = keras.layers.Concatenate()([hidden, x])
    return keras.Model(x, dense(HIDDEN_LAYERS, outputs)(hidden))


def negative_elbo(
    encoder: keras.Model,
    decoder: keras.Model,
    log_gamma: tf.Tensor,
    z: tf.Tensor,
    epsilon: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Distortion and rate of codes, two scalars whose sum the second stage minimizes.

    Args:
      encoder: z -> [B, 2m], mean and logarithm of the deviation of q(u|z).
      decoder: u -> z_hat.
      log_gamma: scalar, of the decoder's standard deviation.
      z: codes [B, m]. epsilon: N(0, I) [B, m].
    """
    mu, log_sigma = tf.split(encoder(z), 2, axis=1)
    sigma = tf.exp(log_sigma)
    z_hat = decoder(mu + sigma * epsilon)
    distortion = gaussian_negative_log_likelihood(z, z_hat, log_gamma)
    return distortion, kl_to_standard_normal(mu, sigma)
