"""The injective flow: its objective against the whole Jacobian, and that it is a bound."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.methods.inj_flow import InjFlow
from tests import tiny

RANDOM = np.random.default_rng(0)


def test_the_objective():
    method = tiny.builder("inj_flow", reconstruction_weight=3.0)()
    drawn = tiny.drawn(method)[0]
    reported = method.negative_bound(drawn, training=False)
    z = method.encoder(drawn.x, training=False)
    with tf.GradientTape() as tape:
        tape.watch(z)
        x_hat = method.decoder(z, training=False)
    jacobian = tape.batch_jacobian(x_hat, z).numpy().reshape(8, 64, 4)
    u = drawn.u.numpy() / np.linalg.norm(drawn.u, axis=1, keepdims=True)
    moved = np.linalg.norm(np.einsum("bij,bj->bi", jacobian, u), axis=1)
    error = np.square(drawn.x - x_hat).sum((1, 2, 3)).mean()
    expected = 3 * error + np.square(z).sum(1).mean() / 2 + 4 * np.log(moved).mean()
    assert float(reported["autoencoder"]) == pytest.approx(expected, rel=1e-3)


def test_its_volume_is_not_below_the_determinants():
    """Of linear decoders, m E log |J u| >= log det(J^T J) / 2, with equality for an isometry."""
    volumes = []
    for kernel in (RANDOM.standard_normal((3, 6)), 2 * np.linalg.qr(np.eye(6)[:, :3])[0].T):
        decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(6)])
        decoder.set_weights([np.float32(kernel), np.zeros(6, np.float32)])
        method = InjFlow(
            encoder=keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)]),
            decoder=decoder,
            latent_dim=3,
            optimizer=lambda _: keras.optimizers.SGD(0.1),
            reconstruction_weight=1.0,
        )
        drawn = method.draw_spec["u"](tf.constant([0, 1], tf.int64), 5000)
        minibatch = type("Draw", (), {"x": tf.zeros((5000, 6)), "u": drawn})
        exact = np.linalg.slogdet(kernel @ kernel.T)[1] / 2
        volumes.append((float(method.negative_bound(minibatch)["bound/volume"]), exact))
    (loose, exact), (tight, isometry) = volumes
    assert loose > exact + 0.1
    assert tight == pytest.approx(isometry, rel=1e-3)
