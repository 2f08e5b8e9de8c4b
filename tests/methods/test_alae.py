"""ALAE's losses and its gradient penalty against NumPy, and what each step moves."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import methods, settings
from flexae_tf.algorithm import objectives
from flexae_tf.methods import alae
from flexae_tf.networks import Networks
from tests import tiny
from tests.test_settings import parsed


def softplus(t):
    return np.log1p(np.exp(t))


@pytest.fixture(scope="module")
def method():
    return tiny.builder("alae:networks=alae_fc", r1_weight=10.0)()


@pytest.fixture(scope="module")
def drawn(method):
    return tiny.drawn(method)


def verdicts(method, x):
    return np.asarray(method.discriminator(method.encoder(x, training=True)))


def test_r1_of_a_linear_critic_is_the_square_of_its_weights():
    points = tf.random.stateless_normal([5, 2, 2, 1], [1, 2])
    weights = tf.constant([[3.0], [0.0], [4.0], [12.0]])
    verdict, slopes = objectives.verdicts_and_slopes(
        lambda x: tf.reshape(x, [-1, 4]) @ weights, points
    )
    np.testing.assert_allclose(slopes, [169.0] * 5, rtol=1e-6)
    np.testing.assert_allclose(verdict, tf.reshape(points, [-1, 4]) @ weights, rtol=1e-6)


def test_losses_of_discriminator_and_generator(method, drawn):
    fake = verdicts(method, method.decoder(method.mapping(drawn[0].n), training=True))
    real = verdicts(method, drawn[0].x)
    reported = method.discriminate(drawn[0])
    penalty = float(reported["gradient_penalty/discriminator"])
    expected = softplus(fake).mean() + softplus(-real).mean() + 10 / 2 * penalty
    assert float(reported["discriminator"]) == pytest.approx(expected, rel=1e-5)
    received = float(method.deceive(drawn[0])["generator"])
    assert received == pytest.approx(softplus(-fake).mean(), rel=1e-5)


def test_the_penalty_is_by_images_in_minus_one_to_one(method, drawn):
    """Finite differences of D(E(x)), in all pixels of two images, of y with x = (y + 1) / 2."""
    x, step = drawn[0].x[:2].numpy().astype(np.float64), 1e-2
    squares = []
    for image in x:
        moved = np.repeat(image[None], 128, 0).reshape(2, 64, 64)
        moved[0] += step / 2 * np.eye(64)
        moved[1] -= step / 2 * np.eye(64)
        above, below = np.split(verdicts(method, moved.reshape(128, 8, 8, 1)), 2)
        squares.append(np.sum(((above - below) / (2 * step)) ** 2))
    two = drawn[0]._replace(x=drawn[0].x[:2])
    received = float(method.discriminate(two)["gradient_penalty/discriminator"])
    assert received == pytest.approx(np.mean(squares), rel=0.02)


def test_reciprocity(method, drawn):
    w = np.asarray(method.mapping(drawn[2].n))
    again = np.asarray(method.encoder(method.decoder(w, training=True)))
    reported = method.reciprocate(drawn[2])
    expected = np.mean((again - w) ** 2)
    for name in ("discriminator", "generator", "alae/reciprocity"):
        assert float(reported[name]) == pytest.approx(expected, rel=1e-5)


def test_reciprocity_does_not_draw_codes_to_those_that_come_back(method, drawn):
    """The gradient by F goes through G and E only, not through the F(n) that is compared with."""
    last = method.mapping.trainable_variables[-2]  # the kernel of F's last layer
    with tf.GradientTape() as tape:
        loss = method.reciprocate(drawn[2])["generator"]
    received = tape.gradient(loss, last)
    with tf.GradientTape() as tape:
        w = method.mapping(drawn[2].n)
        error = method.encoder(method.decoder(w, training=True)) - w.numpy()
        loss = tf.reduce_mean(tf.square(error))
    np.testing.assert_allclose(received, tape.gradient(loss, last), rtol=1e-4, atol=1e-9)


def test_an_iteration_moves_e_and_d_then_f_and_g_then_all_but_d(monkeypatch):
    method = tiny.builder("alae:networks=alae_fc")()
    update, moved = method.update, []

    def watched(objective, drawn):
        before = {k: [w.numpy() for w in n.weights] for k, n in method.networks.items()}
        reported = update(objective, drawn)
        moved.append(
            {
                name
                for name, network in method.networks.items()
                if any(
                    (w.numpy() != b).any()
                    for w, b in zip(network.weights, before[name], strict=True)
                )
            }
        )
        return reported

    monkeypatch.setattr(method, "update", watched)
    reported = method.step(tiny.drawn(method))
    assert moved == [
        {"encoder", "discriminator"},
        {"mapping", "decoder"},
        {"encoder", "mapping", "decoder"},
    ]
    assert {"discriminator", "generator", "alae/reciprocity"} < reported.keys()
    assert float(reported["generator"]) != float(reported["alae/reciprocity"])
    for player in method.players.values():
        assert int(player.optimizer.iterations) == 2


def test_rates_are_counted_by_iterations():
    """Both players move twice in one."""
    values = tiny.settings("alae") | {"generator_schedule": "halve:3"}
    built = methods.find("alae").build(Networks((8, 8, 1), architecture="alae_fc"), values)
    optimizer = built.players["generator"].optimizer
    rates = []
    for _ in range(4):
        rates.append(float(optimizer.learning_rate))
        optimizer.iterations.assign_add(2)
    initial = values["generator_learning_rate"]
    np.testing.assert_allclose(rates, [initial, initial, initial, initial / 2], rtol=1e-6)


@pytest.mark.parametrize(("share", "expected"), [(0.0, {8}), (1.0, {1, 2, 3, 4, 5, 6, 7, 8})])
def test_styles_of_two_codes(share, expected):
    """From a random layer on they are the second code's; the last number is that of none."""
    method = tiny.builder("alae:networks=alae_style", style_mixing_share=share)()
    seen = []
    method.synthesis = recorded(seen, layers=8)
    n = 64
    drawn = type(
        "Drawn",
        (),
        {
            "n": tf.zeros([n, 4]),
            "n_mixed": tf.ones([n, 4]),
            "mixed": tf.linspace(0.0, 0.99, n),
            "first_mixed": tf.linspace(0.0, 0.99, n),
            "noise": tf.zeros([n, 3]),
        },
    )
    method.mapping = lambda n, training: n
    method.generate(drawn)
    (styles,) = seen
    assert styles.shape == (n, 8, 4)
    lengths = (styles[:, :, 0] == 0).sum(1)
    assert set(lengths) == expected
    assert (np.diff(styles[:, :, 0], axis=1) >= 0).all()
    method.generate(drawn, mix=False)
    assert (seen[1] == 0).all()


def recorded(seen, layers):
    """Stands for a synthesis network that writes down the styles it is given."""

    class Synthesis:
        input_shape = ((None, layers, 4), (None, 3))

        def __call__(self, inputs, training):
            seen.append(inputs[0].numpy())
            return inputs[0]

    return Synthesis()


def test_style_networks_are_trained_with_noise_and_sampled_without_chance():
    method = tiny.builder("alae:networks=alae_style")()
    assert set(method.draw_spec) == {"x", "n", "n_mixed", "mixed", "first_mixed", "noise"}
    drawn = tiny.drawn(method)[0]
    for layer in method.synthesis.layers:
        if type(layer).__name__ == "NoiseAndBias":
            layer.weight.assign(tf.ones_like(layer.weight))
    _, x = method.generate(drawn)
    _, again = method.generate(drawn)
    _, other = method.generate(drawn._replace(noise=-drawn.noise))
    np.testing.assert_array_equal(x, again)
    assert np.abs(x - other).max() > 1e-4
    np.testing.assert_array_equal(method.model.sample(3), method.model.sample(3))


def test_the_programs_fully_connected_configuration():
    values = parsed("--flagfile=configs/alae/mnist.cfg")
    chosen = settings.resolved((28, 28, 1), values)
    expected = {"networks": "alae_fc", "latent_dim": 50, "mapping_layers": 6, "batch_size": 128}
    expected |= {"discriminator_learning_rate": 0.002, "generator_learning_rate": 0.002}
    expected |= {"discriminator_beta_1": 0.0, "discriminator_beta_2": 0.99, "r1_weight": 10.0}
    expected |= {"ema_half_life_images": 10_000.0, "training_steps": 600 * (60_000 // 128)}
    assert {name: chosen[name] for name in expected} == expected
    method = settings.build_method((28, 28, 1), values)
    units = [layer.units for layer in method.discriminator.layers]
    assert units == [50, 50, 1]
    assert sum(isinstance(n, keras.layers.Dense) for n in method.mapping.layers) == 6
    assert {n.rate_multiplier for n in method.discriminator.layers} == {0.1}


def test_plain_networks_have_a_tenth_of_the_rates():
    """And F and D, equalised with either, the same steps: rate times multiplier."""
    for name, rate, multiplier in (("alae_fc", 0.002, 0.1), ("infogan", 0.0002, 1.0)):
        nets = Networks((8, 8, 1), architecture=name)
        defaults = alae.settings("paper")
        assert defaults["generator_learning_rate"].derived(nets) == pytest.approx(rate)
        values = tiny.settings("alae") | {"generator_learning_rate": rate}
        built = alae.build(nets, values)
        assert built.discriminator.layers[0].rate_multiplier == pytest.approx(multiplier)
