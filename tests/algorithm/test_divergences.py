"""What critics, encoders and learned priors minimize, worked with NumPy."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from flexae_tf.algorithm import divergences, objectives
from flexae_tf.algorithm.divergences import DIVERGENCES, JensenShannon, Wasserstein, divergence

REAL = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]])
FAKE = np.array([[1.0, 1.0], [-2.0, 3.0], [0.0, 0.0]])
BATCHES = REAL_BATCH, FAKE_BATCH = tf.constant(REAL), tf.constant(FAKE)
ALPHA = tf.constant([0.25, 0.5, 1.0], tf.float64)
SLOPE = np.array([[3.0], [4.0]])  # of norm 5


def critic(x):
    return tf.matmul(x, tf.constant(SLOPE))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_wasserstein_is_equation_6():
    reported = Wasserstein(10.0).criticize("c", {"c": critic}, *BATCHES, ALPHA)
    gap = (REAL @ SLOPE).mean() - (FAKE @ SLOPE).mean()
    assert float(reported["gap/c"]) == pytest.approx(gap)
    assert float(reported["gradient_penalty/c"]) == pytest.approx((5 - 1) ** 2)
    assert float(reported["c"]) == pytest.approx(-gap + 10 * 16)


def test_wasserstein_takes_its_penalty_between_the_two():
    points = []

    def recording(x):
        points.append(x.numpy())
        return critic(x)

    Wasserstein().criticize("c", {"c": recording}, *BATCHES, ALPHA)
    alpha = ALPHA.numpy()[:, None]
    np.testing.assert_allclose(points[1], alpha * REAL + (1 - alpha) * FAKE)


def test_jensen_shannon_is_the_cross_entropy_of_a_classifier():
    reported = JensenShannon().criticize("c", {"c": critic}, *BATCHES, ALPHA)
    is_code, is_sample = sigmoid(REAL @ SLOPE), sigmoid(FAKE @ SLOPE)
    expected = -np.log(is_code).mean() - np.log(1 - is_sample).mean()
    assert float(reported["c"]) == pytest.approx(expected)
    assert set(reported) == {"c", "gap/c"}


def test_jensen_shannon_does_not_saturate():
    verdict = tf.Variable([[20.0]])
    for term, fooled in (
        (JensenShannon().lower, lambda x: x),
        (JensenShannon().raise_, lambda x: -x),
    ):
        with tf.GradientTape() as tape:
            loss = term(fooled, verdict)
        assert float(loss) == pytest.approx(20)
        assert float(tape.gradient(loss, verdict)[0, 0]) == pytest.approx(1)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_critic_and_the_others_pull_opposite_ways(name):
    """Raising the verdict of codes lowers the critic's loss and raises the encoder's."""
    chosen = divergence(name, 0.0)
    shifted = {}
    for shift in (0.0, 0.1):

        def biased(x, shift=shift):
            return x[:, :1] + shift

        criticize = chosen.criticize("c", {"c": biased}, REAL_BATCH, FAKE_BATCH - 1, ALPHA)
        shifted[shift] = (
            float(chosen.lower(biased, tf.constant(REAL))),
            float(chosen.raise_(biased, tf.constant(FAKE))),
        )
        assert float(criticize["gap/c"]) == pytest.approx((REAL - FAKE + 1)[:, 0].mean())
    assert shifted[0.1][0] > shifted[0.0][0]
    assert shifted[0.1][1] < shifted[0.0][1]


def test_wasserstein_terms_are_equations_7_and_8():
    mean = (REAL @ SLOPE).mean()
    assert float(Wasserstein().lower(critic, tf.constant(REAL))) == pytest.approx(mean)
    assert float(Wasserstein().raise_(critic, tf.constant(REAL))) == pytest.approx(-mean)
    assert float(objectives.raise_verdict(critic, tf.constant(REAL))) == pytest.approx(-mean)


def test_saturating_terms_are_those_of_the_minimax_game():
    """The critic of JensenShannon maximizes E log s(C(z)) + E log(1 - s(C(z_hat)))."""
    game = JensenShannon(saturating=True)
    is_code = sigmoid(REAL @ SLOPE)
    assert float(game.lower(critic, tf.constant(REAL))) == pytest.approx(np.log(is_code).mean())
    is_sample = 1 - sigmoid(FAKE @ SLOPE)
    assert float(game.raise_(critic, tf.constant(FAKE))) == pytest.approx(np.log(is_sample).mean())


def test_a_critic_that_the_prior_is_added_to():
    """The logit of being a code is what it learns minus log N(z; 0, s I)."""
    z = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    verdict = divergences.adding_prior(lambda z: z[:, :1], 2.0)(tf.constant(z))
    log_density = scipy.stats.norm(0, np.sqrt(2)).logpdf(z).sum(1)
    log_density += np.log(2 * np.pi)  # the program has 1 for the 3 of the power of 2 pi
    np.testing.assert_allclose(verdict[:, 0], z[:, 0] - log_density, rtol=1e-5)
