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


JOINT = {"divergence": "js", "joint_update": True, "critic_steps": 1}


def test_the_joint_objective_is_that_of_the_original():
    method = tiny.builder("wae_gan", divergence_weight=3.0, **JOINT)()
    assert method.minibatches == 1
    assert set(method.players) == {"autoencoder", "latent_critic"}
    drawn = tiny.drawn(method)[0]
    z = method.encoder(drawn.x, training=True)
    error = ((method.decoder(z, training=True) - drawn.x).numpy() ** 2).sum((1, 2, 3)).mean()
    # The cross-entropy of codes with the label of the prior; the verdict is the logit of a code.
    divergence = np.log1p(np.exp(method.latent_critic(z).numpy())).mean()
    reported = method.joint_loss(drawn)
    assert float(reported["wae/divergence"]) == pytest.approx(divergence, rel=1e-4)
    assert float(reported["autoencoder"]) == pytest.approx(error + 3 * divergence, rel=1e-4)


def test_a_joint_step_moves_encoder_and_decoder_before_the_critic(monkeypatch):
    method = tiny.builder("wae_gan", **{**JOINT, "critic_steps": 2})()
    taken = []
    monkeypatch.setattr(method, "update", lambda o, d: taken.append((o, d)) or {})
    drawn = tiny.drawn(method)
    method.step(drawn)
    first, second = drawn
    assert [objective.__name__ for objective, _ in taken] == ["joint_loss", *["criticize"] * 2]
    assert [d is e for (_, d), e in zip(taken, (first, first, second), strict=True)] == [True] * 3


def test_the_weight_of_the_divergence_without_joint_updates():
    drawn = tiny.drawn(tiny.builder("wae_gan")())[0]
    once, thrice = (tiny.builder("wae_gan", divergence_weight=w)() for w in (1.0, 3.0))
    for name in ("encoder", "latent_critic"):
        thrice.networks[name].set_weights(once.networks[name].get_weights())
    expected = 3 * float(once.match(drawn)["encoder"])
    assert float(thrice.match(drawn)["encoder"]) == pytest.approx(expected, rel=1e-5)


def test_a_prior_that_the_critic_adds_must_be_known():
    with pytest.raises(UserError, match="--critic_adds_prior needs --divergence=js"):
        tiny.builder("wae_gan", critic_adds_prior=True)()
    with pytest.raises(UserError, match="--prior=normal"):
        tiny.builder("wae_gan", critic_adds_prior=True, prior="gmm", divergence="js")()
    method = tiny.builder("wae_gan", critic_adds_prior=True, prior_variance=2.0, **JOINT)()
    z = tf.constant([[1.0, 0.0, 2.0, 0.0]])
    added = 5 / 4 + np.log(2 * np.pi) / 2 + 2 * np.log(2)
    difference = method.verdict(z) - method.latent_critic(z)
    assert float(difference[0, 0]) == pytest.approx(added, rel=1e-4)
