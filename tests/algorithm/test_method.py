"""The base of all methods: updates, on networks of few weights."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.algorithm import objectives
from flexae_tf.algorithm.method import (
    Method,
    Player,
    adam_settings,
    optimizer_from,
    rmsprop_settings,
)
from flexae_tf.data import draws
from flexae_tf.methods.flexae import FlexAE
from flexae_tf.model import Model

D, M, NOISE = 4, 3, 2  # dimensions of x, z and n
CRITICS = {"latent_critic", "image_critic"}
GAUGES = ("gap", "gradient_penalty")  # what a critic's objective reports beside its loss
RATES = {"autoencoder": 0.1, "critic": 0.2}


def dense(inputs, outputs, name, *extra):
    return keras.Sequential(
        [keras.Input((inputs,)), keras.layers.Dense(outputs), *extra], name=name
    )


def critic(inputs, name):
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            keras.layers.Dense(5, activation="tanh"),
            keras.layers.Dense(1, use_bias=False),
        ],
        name=name,
    )


def linear_norm(inputs, outputs, name):
    """A network whose output is one batch normalization of a linear map."""
    return dense(inputs, outputs, name, keras.layers.BatchNormalization())


class Toy(Method):
    """An autoencoder with a critic; both play in one objective, which also reports a norm."""

    def __init__(self):
        keras.utils.set_random_seed(0)
        networks = {
            "encoder": dense(D, M, "encoder"),
            "decoder": dense(M, D, "decoder"),
            "critic": dense(M, 1, "critic"),
        }
        moves = {"autoencoder": ["encoder", "decoder"], "critic": ["critic"]}
        players = [
            Player(name, [networks[n] for n in moved], keras.optimizers.SGD(RATES[name]))
            for name, moved in moves.items()
        ]
        model = Model(networks["encoder"], networks["decoder"])
        super().__init__(model, {"critic": networks["critic"]}, players, {"x": draws.IMAGES}, 1)

    def step(self, drawn):
        return self.update(self.play, drawn[0]) | self.update(self.reconstruct_only, drawn[0])

    def play(self, x):
        z = self.networks["encoder"](x, training=True)
        return {
            "autoencoder": objectives.squared_error(x, self.networks["decoder"](z)),
            "critic": tf.reduce_mean(tf.square(self.networks["critic"](tf.stop_gradient(z)) - 1)),
            "code_norm": tf.reduce_mean(tf.norm(z, axis=1)),
        }

    def reconstruct_only(self, x):
        return {"autoencoder": self.play(x)["autoencoder"]}


def toy_flexae(image_critic=True):
    """FlexAE-SR (or FlexAE) with batch normalization at the end of encoder and decoder."""
    keras.utils.set_random_seed(0)
    return FlexAE(
        encoder=linear_norm(D, M, "encoder"),
        decoder=linear_norm(M, D, "decoder"),
        generator=dense(NOISE, M, "generator"),
        latent_critic=critic(M, "latent_critic"),
        image_critic=critic(D, "image_critic") if image_critic else None,
        optimizer=lambda name: keras.optimizers.SGD(0.1),
        noise=draws.noise("normal", NOISE),
        critic_steps=2,
    )


def examples(count=8, seed=0):
    return np.random.default_rng(seed).random((count, D), np.float32)


def minibatch(spec, seed=0, count=8):
    """One minibatch of a draw specification, with images in place of row numbers."""
    (draw,) = draws.minibatches(spec, draws.key(seed, draws.TRAINING, 0), 1, count, 1)
    fields = [name for name, sampler in spec.items() if sampler is draws.IMAGES]
    images = {name: tf.constant(examples(count, [seed, i])) for i, name in enumerate(fields)}
    return draw._replace(**images)


def weights(method):
    return {
        name: [weight.numpy() for weight in network.trainable_variables]
        for name, network in method.networks.items()
    }


def moved(method, update):
    """Names of the networks of which an update changes any trainable weight."""
    before = weights(method)
    update()
    return {
        name
        for name, arrays in weights(method).items()
        if any((was != now).any() for was, now in zip(before[name], arrays, strict=True))
    }


def test_an_update_is_one_gradient_step_of_each_player():
    method, reference = Toy(), Toy()
    x = tf.constant(examples())
    with tf.GradientTape(persistent=True) as tape:
        reported = reference.play(x)
    expected = {}
    for name, player in reference.players.items():
        gradients = tape.gradient(reported[name], player.variables)
        expected[f"gradient_norm/{name}"] = np.sqrt(sum(np.sum(g.numpy() ** 2) for g in gradients))
        for variable, gradient in zip(player.variables, gradients, strict=True):
            variable.assign_sub(RATES[name] * gradient)
    expected |= {name: float(value) for name, value in reported.items()}

    result = method.update(method.play, x)
    assert {name: float(value) for name, value in result.items()} == pytest.approx(
        expected, rel=1e-5
    )
    for name, arrays in weights(method).items():
        for ours, theirs in zip(arrays, weights(reference)[name], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_losses_are_those_before_the_update():
    method = Toy()
    x = tf.constant(examples())
    first = float(method.update(method.reconstruct_only, x)["autoencoder"])
    second = float(method.update(method.reconstruct_only, x)["autoencoder"])
    assert first == pytest.approx(float(Toy().play(x)["autoencoder"]), rel=1e-6)
    assert second < first


def test_an_update_moves_only_the_players_of_its_objective():
    method = Toy()
    x = tf.constant(examples())
    assert moved(method, lambda: method.update(method.reconstruct_only, x)) == {
        "encoder",
        "decoder",
    }
    assert moved(method, lambda: method.update(method.play, x)) == {"encoder", "decoder", "critic"}


@pytest.mark.parametrize(
    ("objective", "networks", "reported"),
    [
        ("reconstruct_loss", {"encoder", "decoder"}, {"autoencoder"}),
        ("criticize", CRITICS, CRITICS | {f"{what}/{c}" for what in GAUGES for c in CRITICS}),
        ("smooth", {"encoder", "decoder"}, {"smoothing"}),
        ("match", {"generator", "encoder"}, {"generator", "encoder"}),
    ],
)
def test_what_each_objective_of_flexae_moves_and_reports(objective, networks, reported):
    method = toy_flexae()
    drawn = minibatch(method.draw_spec)
    result = {}
    update = functools.partial(method.update, getattr(method, objective), drawn)
    assert moved(method, lambda: result.update(update())) == networks
    assert {name for name in result if not name.startswith("gradient_norm/")} == reported


def test_the_objectives_of_flexae_are_the_equations():
    method = toy_flexae()
    drawn = minibatch(method.draw_spec)
    critic, image_critic = method.latent_critic, method.image_critic

    def mix(first, second, coefficient):
        return coefficient[:, None] * first + (1 - coefficient[:, None]) * second

    def mean(network, batch):
        return float(tf.reduce_mean(network(batch)))

    def decoded(z):
        return method.decoder(z, training=True)

    z, z_prime = (method.encoder(x, training=True) for x in (drawn.x, drawn.x_prime))
    z_hat = method.generator(drawn.n)
    x_hat = decoded(z)
    x_inp = decoded(mix(z, z_prime, drawn.gamma))
    x_smooth = decoded(mix(z, z_prime, drawn.gamma_smoothing))
    z_avg, x_avg = mix(z, z_hat, drawn.alpha_z), mix(drawn.x, x_inp, drawn.alpha_x)
    penalty, image_penalty = (
        float(objectives.gradient_penalty(network, points))
        for network, points in ((critic, z_avg), (image_critic, x_avg))
    )
    expected = {
        "autoencoder": float(tf.reduce_mean(tf.reduce_sum((drawn.x - x_hat) ** 2, 1))),  # Eq. 5
        "latent_critic": mean(critic, z_hat) - mean(critic, z) + 10 * penalty,  # Eq. 6
        "generator": -mean(critic, z_hat),  # Eq. 7
        "encoder": mean(critic, z),  # Eq. 8
        "image_critic": mean(image_critic, x_inp)  # Eq. 9
        - mean(image_critic, drawn.x)
        + 10 * image_penalty,
        "smoothing": -mean(image_critic, x_smooth),  # Eq. 10
    }
    reported = {}
    for objective in (method.reconstruct_loss, method.criticize, method.smooth, method.match):
        reported |= objective(drawn)
    assert {name: float(reported[name]) for name in expected} == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("image_critic", [True, False])
def test_a_step_of_flexae_reports_every_player(image_critic):
    method = toy_flexae(image_critic)
    drawn = tuple(minibatch(method.draw_spec, seed) for seed in range(method.minibatches))
    reported = tf.function(method.step)(drawn)
    assert method.minibatches == 1 + 2
    assert set(method.players) <= set(reported)
    assert ("smoothing" in reported) == image_critic
    assert {f"gradient_norm/{name}" for name in method.players} <= set(reported)
    assert all(np.isfinite(value) for value in reported.values())


def test_generator_and_encoder_may_share_an_update():
    together, apart = toy_flexae(), toy_flexae()
    drawn = minibatch(together.draw_spec)
    together.update(together.match, drawn)

    def generator_only(drawn):
        return {"generator": apart.match(drawn)["generator"]}

    def encoder_only(drawn):
        return {"encoder": apart.match(drawn)["encoder"]}

    apart.update(generator_only, drawn)
    apart.update(encoder_only, drawn)
    tf.nest.map_structure(np.testing.assert_array_equal, weights(together), weights(apart))


def test_two_objectives_of_one_name_are_two():
    method = Toy()
    x = tf.constant(examples())
    first = method.update(lambda x: {"autoencoder": method.play(x)["autoencoder"]}, x)
    second = method.update(lambda x: {"critic": method.play(x)["critic"]}, x)
    assert "autoencoder" in first
    assert "critic" in second


def test_players_have_optimizers_of_their_own_for_the_same_variables():
    method = toy_flexae()
    first, second = method.players["autoencoder"], method.players["smoothing"]
    assert [id(v) for v in first.variables] == [id(v) for v in second.variables]
    assert first.optimizer is not second.optimizer
    assert len(first.variables) == 2 * (2 + 2)  # a kernel, bias, scale and offset in each network


def test_adam_of_a_player_is_what_its_settings_say():
    settings = adam_settings("generator", 2e-4, 0.5, 0.9)
    names = ("learning_rate", "beta_1", "beta_2", "epsilon", "schedule", "optimizer")
    assert list(settings) == [f"generator_{name}" for name in names]
    optimizer = optimizer_from({name: s.default for name, s in settings.items()}, "generator")
    assert float(optimizer.learning_rate) == pytest.approx(2e-4)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.5, 0.9, 1e-8)


def test_rmsprop_of_a_player_is_what_its_settings_say():
    settings = rmsprop_settings("mask", 5e-4, 0.9)
    optimizer = optimizer_from({name: s.default for name, s in settings.items()}, "mask")
    assert type(optimizer).__name__ == "RMSprop"
    assert float(optimizer.learning_rate) == pytest.approx(5e-4)
    assert (optimizer.momentum, optimizer.rho, optimizer.epsilon) == (0, 0.9, 1e-10)
