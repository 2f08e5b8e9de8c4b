"""MaskAAE: every objective against NumPy, the order of updates, and what a user meets."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import methods, networks
from flexae_tf.errors import UserError
from flexae_tf.methods import mask_aae
from tests import tiny

ALPHA = np.array([0.02, 0.5, 0.9, 0.99])


@pytest.fixture
def method():
    built = tiny.builder("mask_aae")()
    built.mask.layers[-1].a.assign(-np.log1p(-ALPHA))
    return built


def cross_entropy(x, x_hat):
    return -(x * np.log(x_hat) + (1 - x) * np.log(1 - x_hat)).mean()


def test_the_error_and_the_penalty(method):
    drawn = tiny.drawn(method)[0]
    z = method.encoder(drawn.x, training=True).numpy()
    x_hat = method.decoder(np.float32(ALPHA * z), training=True).numpy()
    penalty = (((z - z.mean(0)) ** 2) * np.exp(-10 * ALPHA**2)).mean()
    expected = cross_entropy(drawn.x.numpy(), x_hat) + 100 * penalty
    reported = method.reconstruct_loss(drawn)
    assert float(reported["autoencoder"]) == pytest.approx(expected, rel=1e-4)
    assert float(reported["mask/variance_penalty"]) == pytest.approx(penalty, rel=1e-4)
    np.testing.assert_allclose(reported["mask/variances"], z.var(0), rtol=1e-4)


def test_critic_and_encoder_see_masked_codes(method):
    drawn = tiny.drawn(method)[0]
    codes = np.float32(ALPHA * method.encoder(drawn.x, training=True).numpy())
    samples = np.float32(ALPHA * drawn.n.numpy())
    critic = method.latent_critic
    gap = np.mean(critic(codes)) - np.mean(critic(samples))
    gamma = drawn.gamma.numpy()[:, None]
    points = tf.constant(gamma * codes + (1 - gamma) * samples)
    with tf.GradientTape() as tape:
        tape.watch(points)
        verdicts = critic(points)
    norms = np.linalg.norm(tape.gradient(verdicts, points), axis=1)
    reported = method.criticize(drawn)
    assert float(reported["gap/latent_critic"]) == pytest.approx(gap, abs=1e-5)
    expected = 10 * np.mean((norms - 1) ** 2) - gap
    assert float(reported["latent_critic"]) == pytest.approx(expected, rel=1e-4)
    assert float(method.match(drawn)["encoder"]) == pytest.approx(np.mean(critic(codes)), abs=1e-5)


def test_the_loss_of_the_mask(method):
    drawn = tiny.drawn(method)[-1]
    codes = np.float32(ALPHA * method.encoder(drawn.x, training=True).numpy())
    samples = np.float32(ALPHA * drawn.n.numpy())
    critic = method.latent_critic
    gap = np.mean(critic(codes)) - np.mean(critic(samples))
    error = cross_entropy(drawn.x.numpy(), method.decoder(codes, training=True).numpy())
    polarization = (ALPHA * (1 - ALPHA)).sum()
    expected = 1000 * error + (1 + gap) ** 2 + 2 / 4 * polarization
    reported = method.select(drawn)
    assert float(reported["mask"]) == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(reported["mask/alpha"], ALPHA, rtol=1e-5)
    assert float(reported["mask/active_dimensions"]) == 3
    # The program's critic is -C, and its term (1 - (mean -C(codes) - mean -C(samples)))^2.
    theirs = (1 - (np.mean(-critic(codes)) - np.mean(-critic(samples)))) ** 2
    assert theirs == pytest.approx((1 + gap) ** 2, rel=1e-5)


def test_losses_after_five_intervals():
    method = tiny.builder("mask_aae", "released", mask_interval_steps=1)()
    drawn = tiny.drawn(method)[0]
    before = method.reconstruct_loss(drawn), method.select(drawn)
    method.players["mask"].optimizer.iterations.assign(6)
    after = method.reconstruct_loss(drawn), method.select(drawn)
    error, selection = float(before[0]["autoencoder"]), float(before[1]["mask"])
    # By then c = 2 / m has doubled once.
    selection += 2 / 4 * float(before[1]["mask/polarization"])
    assert float(after[0]["autoencoder"]) == pytest.approx(error / 5, rel=1e-5)
    assert float(after[1]["mask"]) == pytest.approx(selection / 5, rel=1e-5)


def test_the_order_of_an_iteration(method, monkeypatch):
    taken = []
    monkeypatch.setattr(method, "update", lambda o, d: taken.append((o.__name__, d)) or {})
    drawn = tiny.drawn(method)
    method.step(drawn)
    order = ["reconstruct_loss", "criticize", "criticize", "match", "select"]
    assert [name for name, _ in taken] == order
    assert all(d is e for (_, d), e in zip(taken, drawn, strict=True))


def test_codes_and_samples_are_masked(method):
    model, x = method.model, tiny.dataset().test
    z = method.encoder(np.float32(x / 255), training=False).numpy()
    np.testing.assert_allclose(model.encode(x), ALPHA * z, rtol=1e-4, atol=1e-5)
    noise = model.density.noise([1, 2], 500)
    np.testing.assert_allclose(model.density.prior(noise), ALPHA * noise, rtol=1e-5)
    np.testing.assert_allclose(model.sample(3), model.decode(model.sample_codes(3)), atol=1e-6)
    assert model.active.tolist() == [False, True, True, True]
    assert model.sampled_from(None).active.tolist() == [False, True, True, True]
    assert tiny.builder("wae_gan")().model.active is None


def test_the_program_has_rmsprop_and_its_rates():
    rates = {"autoencoder": 5e-4, "latent_critic": 1e-4, "encoder": 1e-4, "mask": 5e-4}
    method = tiny.builder("mask_aae", "released")()
    for name, rate in rates.items():
        optimizer = method.players[name].optimizer
        assert type(optimizer).__name__ == "RMSprop"
        assert float(optimizer.learning_rate) == pytest.approx(rate)
    paper = methods.find("mask_aae").settings("paper")
    wae = methods.find("wae_gan").settings("paper")
    assert all(paper[name] == wae[name] for name in paper if name.startswith("autoencoder_"))


def test_cross_entropy_is_for_images():
    nets = networks.Networks((128,))
    with pytest.raises(UserError, match="bce is for images"):
        mask_aae.build(nets, tiny.settings("mask_aae", reconstruction_loss="bce"))
