"""WAE-GAN: its priors, what each update moves, and the objectives against FlexAE's equations."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import networks
from flexae_tf.data import draws, synthetic
from flexae_tf.errors import UserError
from flexae_tf.methods import wae_gan
from tests import tiny

KEY = [3, 5]


def prior(latent_dim, **chosen):
    settings = tiny.settings("wae_gan", latent_dim=latent_dim, **chosen)
    return wae_gan.build(networks.Networks((128,)), settings).model.density.noise


def test_the_normal_prior():
    np.testing.assert_array_equal(prior(7)(KEY, 50), draws.noise("normal", 7)(KEY, 50))


@pytest.mark.parametrize("dim", [2, 5])
def test_the_mixture_is_that_of_the_synthetic_data(dim):
    z = prior(dim, prior="gmm")(KEY, 60_000).numpy()
    nearest = ((z[:, None] - synthetic.MEANS[:, :dim]) ** 2).sum(2).argmin(1)
    for k, (mean, variance) in enumerate(zip(synthetic.MEANS, synthetic.VARIANCES, strict=True)):
        part = z[nearest == k]
        assert len(part) == pytest.approx(10_000, rel=0.05)
        np.testing.assert_allclose(part.mean(0), mean[:dim], atol=0.06)
        if dim == 5:  # the two-dimensional components overlap
            np.testing.assert_allclose(part.var(0), variance, rtol=0.06)


@pytest.mark.parametrize(("dim", "centers"), [(2, "circle"), (4, "auto")])
def test_the_mixture_on_a_circle(dim, centers):
    z = prior(dim, prior="gmm", gmm_centers=centers)(KEY, 30_000).numpy()
    angle = np.arctan2(z[:, 1], z[:, 0])
    k = np.round(angle / (np.pi / 3)).astype(int) % 6
    np.testing.assert_allclose(np.bincount(k) / len(z), 1 / 6, atol=0.01)
    first = z[k == 0]
    np.testing.assert_allclose(first[:, 0].mean(), 5, atol=0.1)
    np.testing.assert_allclose(z[:, 2:].std(0), 1, atol=0.02)


def test_unavailable_centers_are_refused():
    with pytest.raises(UserError, match="--gmm_centers=circle"):
        prior(4, prior="gmm", gmm_centers="synthetic")
    with pytest.raises(UserError, match="at least 2"):
        prior(1, prior="gmm")


def test_objectives_are_those_of_flexae_with_samples_of_the_prior():
    method = tiny.builder("wae_gan")()
    drawn = tiny.drawn(method)[0]
    z = method.encoder(drawn.x, training=True)
    critic = method.latent_critic
    gap = float(tf.reduce_mean(critic(z)) - tf.reduce_mean(critic(drawn.z_hat)))
    reported = method.criticize(drawn)
    assert float(reported["gap/latent_critic"]) == pytest.approx(gap, abs=1e-5)
    assert float(method.match(drawn)["encoder"]) == pytest.approx(
        float(tf.reduce_mean(critic(z))), abs=1e-5
    )
    error = ((method.decoder(z, training=True) - drawn.x).numpy() ** 2).sum((1, 2, 3)).mean()
    assert float(method.reconstruct_loss(drawn)["autoencoder"]) == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize(
    ("objective", "moved"),
    [
        ("reconstruct_loss", {"encoder", "decoder"}),
        ("criticize", {"latent_critic"}),
        ("match", {"encoder"}),
    ],
)
def test_what_each_update_moves(objective, moved):
    method = tiny.builder("wae_gan")()
    before = {name: network.get_weights() for name, network in method.networks.items()}
    method.update(getattr(method, objective), tiny.drawn(method)[0])
    changed = {
        name
        for name, network in method.networks.items()
        for weight, value in zip(network.weights, before[name], strict=True)
        # The statistics of batch normalization are no part of a training step.
        if weight.trainable and not np.array_equal(weight, value)
    }
    assert changed == moved
