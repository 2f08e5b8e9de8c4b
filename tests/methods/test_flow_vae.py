"""The VAE with a flow prior: its objectives against NumPy, and whose gradient reaches whom."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tests import tiny

RANDOM = np.random.default_rng(0)


def method(**chosen):
    """One whose flow is far from the identity."""
    made = tiny.builder("flow_vae", **chosen)()
    shake(made.flow)
    return made


def shake(flow):
    for weight in flow.weights:
        weight.assign(weight + 0.2 * RANDOM.standard_normal(weight.shape).astype(np.float32))


def gradients(of, drawn):
    """{"<player> by <whose variables>": gradients} of the joint objective."""
    with tf.GradientTape(persistent=True) as tape:
        reported = of.both(drawn)
    return {
        f"{player} by {other}": tape.gradient(reported[player], of.players[other].variables)
        for player in of.players
        for other in of.players
    }


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_the_objectives(beta):
    made = method(beta=beta, likelihood="learned_variance")
    made.networks["log_gamma"].value.assign(-0.5)
    drawn = tiny.drawn(made)[0]
    reported = made.both(drawn, training=False)
    mu, sigma = (t.numpy() for t in made.model.encode_distribution(drawn.x))
    z = mu + sigma * drawn.epsilon.numpy()
    x_hat = made.model.decode(z)
    distortion = -scipy.stats.norm(x_hat, np.exp(-0.5)).logpdf(drawn.x).sum((1, 2, 3)).mean()
    z_0, log_det = (t.numpy() for t in made.flow(z))
    log_prior = (scipy.stats.norm.logpdf(z_0).sum(1) + log_det).mean()
    rate = scipy.stats.norm(mu, sigma).logpdf(z).sum(1).mean() - log_prior
    expected = {
        "autoencoder": distortion + beta * rate,
        "flow": -log_prior,
        "elbo/distortion": distortion,
        "elbo/rate": rate,
    }
    for name, value in expected.items():
        assert float(reported[name]) == pytest.approx(value, rel=1e-4), name
    assert float(made.fit_flow(drawn)["flow"]) == pytest.approx(-log_prior, rel=1e-4)


def test_without_beta_the_codes_do_not_depend_on_the_flow_at_all():
    made = method(beta=0.0)
    drawn = tiny.drawn(made)[0]
    found = gradients(made, drawn)
    assert set(found["flow by autoencoder"]) == set(found["autoencoder by flow"]) == {None}
    before = found["autoencoder by autoencoder"]
    shake(made.flow)
    made.flow.weights[0].assign(np.nan * made.flow.weights[0])
    after = gradients(made, drawn)["autoencoder by autoencoder"]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    # And it is that of the reconstruction.
    with tf.GradientTape() as tape:
        distortion = made.both(drawn)["elbo/distortion"]
    expected = tape.gradient(distortion, made.players["autoencoder"].variables)
    for a, b in zip(before, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_an_update_moves_each_player_by_its_own_objective_alone(beta):
    made = method(beta=beta)
    drawn = tiny.drawn(made)[0]
    found = gradients(made, drawn)
    before = {name: [v.numpy() for v in p.variables] for name, p in made.players.items()}
    for player in made.players.values():
        player.optimizer = keras.optimizers.SGD(1e-3)
        player.optimizer.build(player.variables)
    made.step((drawn,))
    for name, player in made.players.items():
        own = found[f"{name} by {name}"]
        for variable, value, gradient in zip(player.variables, before[name], own, strict=True):
            np.testing.assert_allclose(variable, value - 1e-3 * gradient, rtol=1e-4, atol=1e-6)


def test_the_second_stage_moves_the_flow_alone():
    made = method()
    before = {name: n.get_weights() for name, n in made.networks.items()}
    made.second_step(tiny.drawn(made))
    for name, values in before.items():
        same = [
            np.array_equal(a, b)
            for a, b in zip(made.networks[name].get_weights(), values, strict=True)
        ]
        assert all(same) == (name != "flow"), name


def test_samples_are_decoded_inverses():
    made = method()
    n = made.model.density.noise(tf.constant([0, 1], tf.int64), 5)
    z_0, _ = made.flow(made.model.density.prior(n))
    np.testing.assert_allclose(z_0, n, atol=1e-4)
