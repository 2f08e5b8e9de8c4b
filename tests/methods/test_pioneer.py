"""PIONEER: its objectives against NumPy, its settings, and growth through a checkpoint."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import methods, networks
from flexae_tf.errors import UserError
from flexae_tf.networks.layers import held_power_iterations
from flexae_tf.runs import RunDirectory
from tests import tiny

GROWING = "pioneer:networks=pioneer,phase_steps=4"
X = tiny.dataset().test[:5] / np.float32(255)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def divergence(z):
    mean, variance = z.mean(0), z.var(0)
    return np.mean((variance + mean**2) / 2 - np.log(variance) / 2 - 1 / 2)


@pytest.mark.parametrize("grow", [False, True])
def test_the_encoders_objective(grow):
    """On networks without batch normalization, whose outputs are those of any other pass."""
    method = tiny.builder("pioneer:networks=pioneer", grow=grow, phase_steps=4)()
    phase, w, alpha = 0, 1.5, 1.0
    if grow:
        method.growth.iterations.assign(5)
        phase, w, alpha = 1, 1.0, 0.5
    (drawn,) = tiny.drawn(method)
    with held_power_iterations(method.networks.values()):
        reported = method.encode_loss(phase, drawn)
    encoder, decoder = method.encoders[phase], method.decoders[phase]
    x = drawn.x.numpy()
    coarse = x.reshape(-1, 4, 2, 4, 2, 1).mean((2, 4)).repeat(2, 1).repeat(2, 2)
    x = alpha * x + (1 - alpha) * coarse
    z, z_fake = encoder(x).numpy(), encoder(decoder(unit(drawn.n), training=True)).numpy()
    error = np.abs(x - decoder(z, training=True)).mean()
    assert float(reported["pioneer/error"]) == pytest.approx(error, rel=1e-4)
    expected = 2 * w * error + 0.1 * divergence(z) - 0.1 * divergence(z_fake)
    assert float(reported["encoder"]) == pytest.approx(expected, rel=1e-3)


def test_the_decoders_objective():
    method = tiny.builder("pioneer:networks=pioneer", grow=False)()
    n = tiny.drawn(method)[0].n_decoder[:, 1]
    with held_power_iterations(method.networks.values()):
        reported = method.decode_loss(0, n)
    z = unit(n.numpy())
    z_fake = method.encoders[0](method.decoders[0](z, training=True)).numpy()
    cosine = (z * z_fake).sum(1).mean()
    expected = 0.1 * divergence(z_fake) + 100 / 4 * (1 - cosine)
    assert float(reported["decoder"]) == pytest.approx(expected, rel=1e-3)


def test_codes_are_on_the_sphere_wherever_they_leave_or_enter():
    model = tiny.builder("pioneer")().model
    z = model.encode(X)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.decode(z), model.decode(3 * z), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(model.sample_codes(9), axis=1), 1, rtol=1e-5)


def test_the_encoder_moves_once_and_then_the_decoder_each_time_by_other_codes(monkeypatch):
    method = tiny.builder("pioneer", decoder_steps=3)()
    calls = []
    monkeypatch.setattr(method, "update", lambda objective, drawn: calls.append(drawn) or {})
    drawn = tiny.drawn(method)
    method.step_at(1)(drawn)
    assert calls[0] is drawn[0]
    np.testing.assert_array_equal(np.stack(calls[1:], 1), drawn[0].n_decoder)
    assert len({call.numpy().tobytes() for call in calls[1:]}) == 3


def test_a_schedule_counts_iterations_and_not_the_decoders_updates():
    method = tiny.builder("pioneer", decoder_schedule="halve:1")()
    rate = method.players["decoder"].optimizer._learning_rate
    rates = [float(rate(step)) for step in range(5)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4])


def test_which_networks_grow():
    settings = methods.find("pioneer").settings("paper")["grow"]
    nets = networks.Networks((8, 8, 1)), networks.Networks((8, 8, 1), architecture="pioneer")
    assert [settings.derived(of) for of in nets] == [False, True]
    with pytest.raises(UserError, match=r"--networks=flexae cannot grow: .*--nogrow"):
        tiny.builder("pioneer", grow=True)()


@pytest.mark.slow
def test_a_run_that_ends_in_a_fade_in_resumes_bit_identically(tmp_path):
    """Of seven iterations the fifth and sixth fade a block in."""
    whole = tiny.trainer(GROWING, training_steps=7)
    whole.train()
    run = RunDirectory(tmp_path)
    run.create()
    tiny.trainer(GROWING, run, training_steps=5).train()
    resumed = tiny.trainer(GROWING, run, training_steps=7)
    resumed.resume()
    assert int(resumed.method.growth.iterations) == 5
    assert float(resumed.method.growth.alpha(1)) == 0.5
    resumed.train()
    tiny.assert_equal_weights(resumed.method, whole.method)
    assert int(resumed.method.growth.iterations) == 7


def test_what_a_phase_does_not_have_gets_no_gradient():
    method = tiny.builder(GROWING)()
    (drawn,) = tiny.drawn(method)
    with tf.GradientTape() as tape:
        loss = method.encode_loss(0, drawn)["encoder"]
    variables = method.players["encoder"].variables
    used = {id(v) for v in method.encoders[0].trainable_variables}
    gradients = tape.gradient(loss, variables)
    assert [g is not None for g in gradients] == [id(v) in used for v in variables]
    assert 0 < len(used) < len(variables)
