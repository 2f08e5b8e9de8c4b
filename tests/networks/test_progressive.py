"""Growth by hand-worked numbers, and networks that grow in every phase."""

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf.networks import pioneer
from flexae_tf.networks.progressive import FadeIn, Growth

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def grown():
    """Narrow networks of three phases of four iterations."""
    return pioneer.growing((16, 16, 1), 3, phase_steps=4, width_multiplier=1 / 128)


def images(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def test_the_phase_is_a_function_of_the_iterations():
    growth = Growth(phases=3, phase_steps=4)
    phases = [growth.phase_after(n) for n in range(14)]
    assert phases == [0] * 4 + [1] * 4 + [2] * 6


def test_a_block_fades_in_during_the_first_half_of_its_phase():
    growth = Growth(phases=3, phase_steps=4)
    alphas = []
    for _ in range(14):
        alphas.append(tuple(float(growth.alpha(phase)) for phase in (1, 2)))
        growth.advance()
    first, second = zip(*alphas, strict=True)
    assert first == (*[0] * 5, 0.5, *[1] * 8)
    assert second == (*[0] * 9, 0.5, *[1] * 4)
    assert float(growth.progress(2)) == 1.5


def test_images_are_means_that_fade_from_larger_squares():
    growth = Growth(phases=3, phase_steps=8)
    growth.iterations.assign(9)  # an eighth of phase 1, whose block has faded in by a quarter
    x = images(2, 8, 8, 1)
    pooled = x.reshape(2, 4, 2, 4, 2, 1).mean((2, 4))
    coarse = x.reshape(2, 2, 4, 2, 4, 1).mean((2, 4))
    expected = 0.25 * pooled + 0.75 * coarse.repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(growth.images(x, 1), expected, atol=1e-6)
    np.testing.assert_allclose(growth.images(x, 0), coarse, atol=1e-6)
    growth.iterations.assign(24)
    np.testing.assert_array_equal(growth.images(x, 2), x)


def test_fading_in():
    growth = Growth(phases=2, phase_steps=10)
    growth.iterations.assign(12)
    a, b = images(1, 2, 2, 1), images(1, 2, 2, 1)
    np.testing.assert_allclose(FadeIn(growth, 1)([a, b]), 0.6 * a + 0.4 * b, rtol=1e-5)


def test_in_every_phase_the_last_networks_do_what_that_phases_do(grown):
    """The decoder's images are enlarged, the encoder's are means of squares."""
    growth, encoders, decoders = grown
    z, x = images(2, 3), images(2, 16, 16, 1)
    for iterations, phase in ((0, 0), (3, 0), (5, 1), (8, 2), (9, 2), (12, 2)):
        growth.iterations.assign(iterations)
        side = 2 ** (2 - phase)
        small = decoders[phase](z, training=True).numpy()
        assert small.shape == (2, 4 << phase, 4 << phase, 1)
        large = decoders[-1](z, training=True)
        np.testing.assert_allclose(large, small.repeat(side, 1).repeat(side, 2), atol=1e-5)
        pooled = x.reshape(2, 4 << phase, side, 4 << phase, side, 1).mean((2, 4))
        np.testing.assert_allclose(encoders[-1](x), encoders[phase](pooled), atol=1e-5)


def test_a_phase_begins_as_the_one_before_ended(grown):
    growth, _, decoders = grown
    z = images(2, 3)

    def decoded(phase, iterations):
        growth.iterations.assign(iterations)
        return decoders[phase](z, training=True).numpy()

    before, after = decoded(0, 4).repeat(2, 1).repeat(2, 2), decoded(1, 4)
    np.testing.assert_allclose(after, before, atol=1e-6)
    np.testing.assert_allclose(decoded(1, 5), (after + decoded(1, 6)) / 2, atol=1e-6)


def test_a_checkpoint_has_how_far_networks_have_grown(grown, tmp_path):
    growth, _, decoders = grown
    growth.iterations.assign(5)
    checkpoint = tf.train.Checkpoint(decoder=decoders[-1])
    path = checkpoint.write(str(tmp_path / "ckpt"))
    growth.iterations.assign(0)
    checkpoint.read(path).assert_existing_objects_matched()
    assert int(growth.iterations) == 5
