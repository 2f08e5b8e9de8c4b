"""The two-stage VAE: its second objective against NumPy, its stages and its samples."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from flexae_tf import networks
from flexae_tf.methods import two_stage_vae, vae
from flexae_tf.runs import RunDirectory
from tests import tiny

RANDOM = np.random.default_rng(0)


def test_the_second_objective_is_a_vae_of_codes():
    method = tiny.builder("two_stage_vae")()
    method.log_gamma.value.assign(-0.5)
    drawn = tiny.drawn(method)[0]
    mu, sigma = (
        t.numpy() for t in method.first.posterior(method.first.encoder(drawn.x, training=False))
    )
    z = mu + sigma * drawn.epsilon.numpy()
    mu_u, log_sigma_u = np.split(method.second_encoder(z).numpy(), 2, axis=1)
    z_hat = method.second_decoder(mu_u + np.exp(log_sigma_u) * drawn.epsilon_u.numpy()).numpy()
    distortion = -scipy.stats.norm(z_hat, np.exp(-0.5)).logpdf(z).sum(1).mean()
    rate = (mu_u**2 + np.exp(2 * log_sigma_u) - 2 * log_sigma_u - 1).sum(1).mean() / 2
    reported = method.second_negative_elbo(drawn)
    assert float(reported["second_elbo/distortion"]) == pytest.approx(distortion, rel=1e-4)
    assert float(reported["second_elbo/rate"]) == pytest.approx(rate, rel=1e-4)
    assert float(reported["second_stage"]) == pytest.approx(distortion + rate, rel=1e-4)


def test_initial_weights_follow_the_seed_of_the_run():
    def first_kernels(seed):
        networks = tiny.trainer("two_stage_vae", seed=seed).method.networks
        return [networks[f"second_{name}"].get_weights()[0] for name in ("encoder", "decoder")]

    encoder, decoder = first_kernels(0)
    kernels = zip((encoder, decoder), first_kernels(0), first_kernels(1), strict=True)
    for kernel, again, other in kernels:
        np.testing.assert_array_equal(kernel, again)
        assert np.abs(kernel - other).max() > 0.01
    assert np.abs(encoder - decoder).max() > 0.01


def test_the_first_stage_is_a_vae_with_learned_variance():
    method = tiny.builder("two_stage_vae")()
    assert isinstance(method.first, vae.Vae)
    assert method.first.likelihood == "learned_variance"
    assert method.networks["log_gamma"] is not method.networks["second_log_gamma"]


def test_the_second_stage_leaves_the_first_as_it_is():
    trainer = tiny.trainer("two_stage_vae", training_steps=2)
    trainer.train()
    first = ("encoder", "decoder", "log_gamma")
    before = {name: trainer.method.networks[name].get_weights() for name in first}
    longer = tiny.trainer("two_stage_vae", training_steps=5)
    longer.train()
    for name in first:
        network = longer.method.networks[name]
        for weight, value in zip(network.weights, before[name], strict=True):
            np.testing.assert_array_equal(weight, value, err_msg=name)


@pytest.mark.slow
def test_the_second_stage_does_not_depend_on_how_often_a_run_is_saved(tmp_path):
    """Its codes have the statistics of the first stage's last weights, whenever these are taken."""

    def second_stage(path, **chosen):
        run = RunDirectory(path)
        run.create()
        trainer = tiny.trainer("two_stage_vae", run, training_steps=5, **chosen)
        trainer.train()
        return trainer.method

    rarely = second_stage(tmp_path / "rarely", checkpoint_every_steps=5, picture_every_steps=5)
    often = second_stage(tmp_path / "often", checkpoint_every_steps=1, picture_every_steps=1)
    tiny.assert_equal_weights(often, rarely)


def test_each_stage_halves_its_rate_by_its_own_iterations():
    halvings = {"halve_rates_every_steps": 1, "second_stage_halve_every_steps": 2}
    method = tiny.builder("two_stage_vae", **halvings)()
    drawn = tiny.drawn(method)

    def rates():
        names = ("autoencoder", "second_stage")
        return [float(method.players[name].optimizer.learning_rate) for name in names]

    np.testing.assert_allclose(rates(), [1e-4, 1e-4])
    for _ in range(2):
        method.step(drawn)
    np.testing.assert_allclose(rates(), [0.25e-4, 1e-4])
    for _ in range(2):
        method.second_step(drawn)
    np.testing.assert_allclose(rates(), [0.25e-4, 0.5e-4])


@pytest.mark.parametrize("networks_of", ["infogan", "resnet"])
def test_an_update_of_the_second_stage_moves_nothing_else(networks_of):
    nets = networks.Networks((8, 8, 1), architecture=networks_of)
    method = two_stage_vae.build(nets, tiny.settings("two_stage_vae"))
    before = {name: n.get_weights() for name, n in method.networks.items() if "second" not in name}
    method.second_step(tiny.drawn(method))
    for name, values in before.items():
        for weight, value in zip(method.networks[name].weights, values, strict=True):
            np.testing.assert_array_equal(weight, value, err_msg=name)


def test_samples_are_those_of_both_stages():
    method = tiny.builder("two_stage_vae")()
    method.log_gamma.value.assign(np.log(0.25))
    n = RANDOM.standard_normal((5, 8)).astype(np.float32)
    expected = method.second_decoder(n[:, :4]).numpy() + 0.25 * n[:, 4:]
    np.testing.assert_allclose(method.model.density.prior(tf.constant(n)), expected, atol=1e-5)
