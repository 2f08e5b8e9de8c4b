"""A trained model: NumPy in and out, and what it is sampled from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.data import draws
from flexae_tf.errors import UserError
from flexae_tf.model import Density, GeneratedDensity, Model, StandardNormal
from tests import tiny

D, M, NOISE = 4, 3, 2  # dimensions of x, z and n


class Padded(Density):
    """Codes whose last components are 0."""

    def prior(self, n):
        return tf.pad(n, [[0, 0], [0, M - NOISE]])


def dense(inputs, outputs):
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])


def toy():
    keras.utils.set_random_seed(0)
    return Model(dense(D, M), dense(M, D), Padded(draws.noise("normal", NOISE)))


def examples(n, seed=0):
    return np.random.default_rng(seed).standard_normal((n, D)).astype(np.float32)


def test_encode_and_decode_and_reconstruct():
    model = toy()
    x = examples(5)
    z = model.encode(x)
    assert (z.shape, z.dtype) == ((5, M), np.float32)
    np.testing.assert_array_equal(z, model.encoder(x))
    x_hat = model.decode(z)
    assert (x_hat.shape, x_hat.dtype) == ((5, D), np.float32)
    np.testing.assert_array_equal(model.reconstruct(x), x_hat)
    np.testing.assert_array_equal(model.encode(x.astype(np.float64)), z)


def test_reconstruction_by_a_sample_of_the_posterior():
    def posterior(encoded):  # N(z, 0.5^2)
        return encoded, tf.fill(tf.shape(encoded), 0.5)

    encoder, decoder = dense(D, M), dense(M, D)
    model, x = Model(encoder, decoder, None, posterior), examples(700)
    x_hat = model.reconstruct(x, by="sample", seed=1)
    assert x_hat.shape == x.shape
    np.testing.assert_array_equal(x_hat, model.reconstruct(x, by="sample", seed=1))
    assert not np.array_equal(x_hat, model.reconstruct(x, by="sample", seed=2))
    epsilon = draws.noise("normal", M)(draws.key(1, draws.PICTURES, 1), 700)
    expected = model.decode(model.encode(x) + 0.5 * epsilon.numpy())
    np.testing.assert_allclose(x_hat, expected, atol=1e-6)
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(model.encode(x)))
    point = Model(encoder, decoder)
    np.testing.assert_array_equal(point.reconstruct(x, by="sample"), point.reconstruct(x))


def test_bytes_are_scaled():
    model = toy()
    x = np.array([[0, 51, 102, 255]], np.uint8)
    np.testing.assert_array_equal(model.encode(x), model.encode(x / np.float32(255)))


def test_samples_are_decoded_prior_codes():
    model = toy()
    x_hat = model.sample(6, seed=3)
    assert (x_hat.shape, x_hat.dtype) == ((6, D), np.float32)
    n = model.density.noise(draws.key(3, draws.PICTURES, 0), 6)
    np.testing.assert_array_equal(x_hat, model.decode(model.density.prior(n).numpy()))
    np.testing.assert_array_equal(x_hat, model.sample(6, seed=3))
    assert (x_hat != model.sample(6, seed=4)).any(1).all()
    np.testing.assert_array_equal(model.sample(6), model.sample(6, seed=0))


def test_interpolations_run_from_the_first_to_the_second():
    model = toy()
    x_a, x_b = examples(2, seed=1), examples(2, seed=2)
    paths = model.interpolate(x_a, x_b, steps=3)
    assert (paths.shape, paths.dtype) == ((2, 3, D), np.float32)
    z_a, z_b = model.encode(x_a), model.encode(x_b)
    for i, z in enumerate((z_a, (z_a + z_b) / 2, z_b)):
        np.testing.assert_allclose(paths[:, i], model.decode(z), rtol=1e-4, atol=1e-5)


def test_many_examples_go_through_in_parts():
    model = toy()
    x = examples(1203)
    z = model.encode(x)
    assert z.shape == (1203, M)
    np.testing.assert_allclose(z, model.encoder(x), rtol=1e-5, atol=1e-6)
    assert model.sample(501).shape == (501, D)


def test_nothing_to_encode_is_an_error():
    with pytest.raises(ValueError, match="received none"):
        toy().encode(examples(0))
    with pytest.raises(ValueError, match="received none"):
        toy().sample(0)


def test_another_density_leaves_the_model_as_it_is():
    model = toy()
    before = model.sample(4)
    normal = model.sampled_from(StandardNormal(M))
    np.testing.assert_array_equal(model.sample(4), before)
    np.testing.assert_array_equal(normal.decode(normal.sample_codes(4)), normal.sample(4))
    assert normal.encoder is model.encoder
    with pytest.raises(UserError, match="no prior of its own"):
        model.sampled_from(None).sample_codes(4)


def test_a_learned_prior_runs_in_inference_mode():
    generator = keras.Sequential([keras.Input((NOISE,)), keras.layers.BatchNormalization()])
    n = np.float32([[1, 2], [3, 4]])
    z_hat = GeneratedDensity(generator, draws.noise("normal", NOISE)).prior(n)
    np.testing.assert_allclose(z_hat, n / np.sqrt(1 + 1e-3), rtol=1e-6)


@pytest.mark.parametrize("name", tiny.METHODS)
def test_no_optimizer_can_be_reached_from_a_model(name):
    found, seen = [tiny.builder(name)().model], set()
    while found:
        thing = found.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        assert not isinstance(thing, keras.optimizers.Optimizer)
        if isinstance(thing, dict):
            found += thing.values()
        elif isinstance(thing, (list, tuple)):
            found += thing
        elif type(thing).__module__.startswith(("flexae_tf", "keras.src.models")):
            found += vars(thing).values()
        for part in ("func", "args", "keywords", "__self__"):
            found.append(getattr(thing, part, None))
