"""The variational U-Net's networks: sizes, and the order in which its prior makes a code."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm.conditional import AutoregressiveDensity
from flexae_tf.errors import UserError
from flexae_tf.networks import vunet

SIZES = vunet.Sizes(width=3, max_width=4, latent_width=2, bottleneck=2)
SHAPE = (4, 4, 2)


@pytest.fixture(scope="module")
def prior():
    return vunet.unet(SHAPE, SIZES, with_prior=True)[2]


def test_shapes():
    assert vunet.encoder(SHAPE, SIZES).output_shape == (None, 40)
    _, decoder, prior = vunet.unet(SHAPE, SIZES, with_prior=False)
    assert prior is None
    assert decoder.output_shape == (None, 4, 4, 1)
    c, mean = vunet.pose_features(SHAPE, SIZES)(tf.zeros((1, 4, 4, 1)))
    assert (c.shape, mean.shape) == ((1, 128), (1, 40))
    assert vunet.Sizes().latent_dim == 4 * 4 * 128 + 8 * 8 * 128  # the program's


@pytest.mark.parametrize("side", [4, 6, 12, 2])
def test_images_that_cannot_be_halved(side):
    with pytest.raises(UserError, match="cannot be halved to --bottleneck_size=4"):
        vunet.Sizes(bottleneck=4).scales(side)


def test_the_prior_of_a_code_depends_only_on_the_groups_before_each(prior):
    """Its Jacobian is nilpotent, of the index that `prior_steps` says."""
    z = tf.random.stateless_normal((1, SIZES.latent_dim), [0, 0])
    y = tf.random.stateless_uniform((1, 4, 4, 1), [0, 1])
    with tf.GradientTape() as tape:
        tape.watch(z)
        mean = prior([z, y])
    depends = (tape.jacobian(mean, z)[0, :, 0].numpy() != 0).astype(int)
    assert SIZES.prior_steps == 8
    power = np.linalg.matrix_power
    assert power(depends, SIZES.prior_steps - 1).any()
    assert not power(depends, SIZES.prior_steps).any()


def test_a_sample_is_its_own_prior_mean_plus_the_noise(prior):
    density = AutoregressiveDensity(prior, SIZES.prior_steps)
    n = tf.random.stateless_normal((3, SIZES.latent_dim), [0, 2])
    y = tf.random.stateless_uniform((3, 4, 4, 1), [0, 3])
    z = density.prior(n, y)
    np.testing.assert_allclose(z, prior([z, y]) + n, atol=1e-5)
