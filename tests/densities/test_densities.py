"""Latent densities against NumPy, their files, and what they do to a run."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import densities
from flexae_tf.data import draws
from flexae_tf.densities import gaussians, second_stage
from flexae_tf.densities.aggregated import Aggregated
from flexae_tf.densities.codes import Codes
from flexae_tf.errors import UserError
from tests import tiny

MEANS = np.float32([[0, 0], [6, 0], [0, 9]])
COVARIANCES = np.float32([[[1, 0.5], [0.5, 1]], [[0.2, 0], [0, 2]], [[1, -0.9], [-0.9, 1]]])
WEIGHTS = np.float32([0.5, 0.2, 0.3])
DRAWN = 60_000


def sample(density, n, seed=0):
    return density.prior(density.noise(draws.key(seed, draws.PICTURES, 0), n)).numpy()


def bent(n, seed=0):
    """Codes on a noisy parabola."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-2, 2, n)
    return np.float32(np.stack([x, x**2], 1) + 0.05 * generator.standard_normal((n, 2)))


def tiny_run(path, name="flexae", seed=0, iteration=5):
    return tiny.run(path, name, iteration, seed)


def test_gaussian_has_mean_and_covariance_of_the_codes():
    z = np.random.default_rng(0).standard_normal((500, 3)) @ [[2, 1, 0], [0, 1, 3], [0, 0, 1]] + 5
    density = gaussians.Gaussian(**gaussians.fit_gaussian(Codes(np.float32(z), None), seed=0))
    drawn = sample(density, DRAWN)
    np.testing.assert_allclose(drawn.mean(0), z.mean(0), atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(z.T), atol=0.25)


def test_gaussian_of_codes_on_a_line_and_of_one_component():
    line = np.float32(np.linspace(-1, 1, 50)[:, None] * [1, 2])
    drawn = sample(gaussians.Gaussian(**gaussians.fit_gaussian(Codes(line, None), 0)), 1000)
    np.testing.assert_allclose(drawn[:, 1], 2 * drawn[:, 0], atol=1e-5)
    assert drawn[:, 0].std() == pytest.approx(line[:, 0].std(ddof=1), rel=0.1)
    one = gaussians.fit_gaussian(Codes(line[:, 1:], None), 0)
    assert one["factor"].shape == (1, 1)
    assert abs(one["factor"].item()) == pytest.approx(line[:, 1].std(ddof=1), rel=1e-6)


def test_truncation_draws_codes_to_their_mean(tmp_path):
    run = tiny_run(tmp_path)
    whole, half, none = (
        densities.attach(run, name).model.sample_codes(10_000)
        for name in ("own", "own@.5", "own@0")
    )
    mean = whole.mean(0)
    np.testing.assert_allclose(half, mean + 0.5 * (whole - mean), atol=1e-5)
    np.testing.assert_allclose(none, np.tile(mean, [10_000, 1]), atol=1e-5)
    unknown = densities.attach(run, "standard_normal@0.5").model
    assert unknown.sample_codes(DRAWN).std() == pytest.approx(0.5, rel=0.02)


def test_the_aggregated_posterior_draws_from_that_of_a_train_example():
    mu, sigma = np.float32([[0, 1], [2, 3], [4, 5]]), np.float32([[1, 1], [2, 2], [0.5, 3]])
    n = np.float32([[0.0, 1, -1], [0.34, 1, 2], [0.9999999, 2, 1]])  # which, and m normal ones
    stochastic = Aggregated(Codes(mu, sigma)).prior(tf.constant(n))
    np.testing.assert_allclose(stochastic, [[1, 0], [4, 7], [5, 8]], rtol=1e-6)
    np.testing.assert_array_equal(Aggregated(Codes(mu, None)).prior(tf.constant(n)), mu)
    counts = np.bincount(sample(Aggregated(Codes(mu, None)), 3000)[:, 0].astype(int) // 2)
    np.testing.assert_allclose(counts / 3000, 1 / 3, atol=0.03)


def test_mixture_samples_its_components():
    density = gaussians.Mixture(WEIGHTS, MEANS, np.linalg.cholesky(COVARIANCES))
    drawn = sample(density, DRAWN)
    nearest = np.argmin(np.square(drawn[:, None] - MEANS).sum(-1), 1)
    np.testing.assert_allclose(np.bincount(nearest) / DRAWN, WEIGHTS, atol=0.01)
    mean = WEIGHTS @ MEANS
    deviation = MEANS - mean
    covariance = np.einsum("k,kij->ij", WEIGHTS, COVARIANCES)
    covariance += np.einsum("k,ki,kj->ij", WEIGHTS, deviation, deviation)
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.2)


def test_mixture_takes_the_component_of_the_uniform_number():
    factors = np.linalg.cholesky(COVARIANCES)
    density = gaussians.Mixture(WEIGHTS, MEANS, factors)
    u = np.float32([0, 0.49, 0.51, 0.69, 0.71, 0.9999999])
    epsilon = np.random.default_rng(0).standard_normal((6, 2)).astype(np.float32)
    k = [0, 0, 1, 1, 2, 2]
    expected = [MEANS[i] + factors[i] @ e for i, e in zip(k, epsilon, strict=True)]
    noise = np.concatenate([u[:, None], epsilon], 1)
    np.testing.assert_allclose(density.prior(tf.constant(noise)), expected, rtol=1e-5, atol=1e-5)


def test_fitted_mixture_finds_the_components():
    z = sample(gaussians.Mixture(WEIGHTS, MEANS, np.linalg.cholesky(COVARIANCES)), 6000)
    arrays = gaussians.fit_mixture(Codes(z, None), seed=0, components=3)
    order = [np.square(arrays["means"] - mean).sum(1).argmin() for mean in MEANS]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(arrays["weights"][order], WEIGHTS, atol=0.02)
    np.testing.assert_allclose(arrays["means"][order], MEANS, atol=0.15)
    factors = arrays["factors"][order]
    np.testing.assert_allclose(factors @ factors.transpose(0, 2, 1), COVARIANCES, atol=0.2)


def test_bayesian_mixture_empties_the_components_that_are_too_many():
    z = sample(gaussians.Mixture(WEIGHTS, MEANS, np.linalg.cholesky(COVARIANCES)), 6000)
    by_em = gaussians.fit_mixture(Codes(z, None), seed=0, components=10)
    arrays = gaussians.fit_mixture(Codes(z, None), seed=0, components=10, bayesian=True)
    heaviest = np.argsort(arrays["weights"])[-3:]
    assert (
        arrays["weights"][heaviest].sum()
        > by_em["weights"][np.argsort(by_em["weights"])][-3:].sum()
    )
    assert arrays["weights"].sum() == pytest.approx(1, abs=1e-5)
    assert arrays["factors"].shape == (10, 2, 2)


@pytest.mark.parametrize("scale", [1e-4, 0.0])
def test_mixture_of_codes_of_small_scale(scale):
    z = np.float32(scale * np.random.default_rng(0).standard_normal((300, 3)))
    drawn = sample(gaussians.Mixture(**gaussians.fit_mixture(Codes(z, None), 0)), 4000)
    np.testing.assert_allclose(drawn.std(0), z.std(0), rtol=0.1, atol=1e-5)


def test_mixture_says_what_is_wrong(capsys, monkeypatch):
    with pytest.raises(UserError, match="10 components needs at least as many"):
        gaussians.fit_mixture(Codes(bent(9), None), 0)
    monkeypatch.setattr(gaussians, "_MOST_EM_ITERATIONS", 1)
    gaussians.fit_mixture(Codes(bent(500), None), 0)
    assert "has not converged after 1 iterations" in capsys.readouterr().err


def test_second_stage_bends_where_a_gaussian_cannot():
    codes = Codes(np.float32([100, 0.01]) * bent(2000), None)
    arrays = second_stage.fit(codes, seed=0, steps=2000, width=256)
    error = {
        name: np.abs(z[:, 1] - z[:, 0] ** 2).mean()
        for name, z in {
            "second stage": sample(second_stage.SecondStage(**arrays), 2000) / [100, 0.01],
            "gaussian": sample(gaussians.Gaussian(**gaussians.fit_gaussian(codes, 0)), 2000)
            / [100, 0.01],
        }.items()
    }
    assert error["second stage"] < 0.5 * error["gaussian"]
    again = second_stage.fit(codes, seed=0, steps=20, width=64)
    same = second_stage.fit(codes, seed=0, steps=20, width=64)
    other = second_stage.fit(codes, seed=1, steps=20, width=64)
    for name, value in again.items():
        np.testing.assert_array_equal(value, same[name])
    assert not np.array_equal(again["weight_0"], other["weight_0"])


def test_second_stage_of_a_stochastic_encoder_is_fitted_to_drawn_codes():
    """A collapsed code, mu = 0 and sigma = 1, is N(0, I)."""
    codes = Codes(np.zeros((500, 2), np.float32), np.ones((500, 2), np.float32))
    arrays = second_stage.fit(codes, seed=0, steps=300, width=64)
    np.testing.assert_allclose(arrays["scale"], 1)
    drawn = sample(second_stage.SecondStage(**arrays), DRAWN)
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.2)
    np.testing.assert_allclose(drawn.std(0), 1, atol=0.2)


@pytest.mark.parametrize("name", ["gaussian", "gmm3", "bayesian_gmm3"])
def test_round_trip_through_the_file_is_bit_identical(tmp_path, name):
    run = tiny_run(tmp_path)
    first = densities.attach(run, name, tiny.dataset()).model.sample(30, seed=3)
    assert (tmp_path / "densities" / "5" / f"{name}.npz").exists()
    again = tiny_run(tmp_path)
    for mine, theirs in zip(again.networks.values(), run.networks.values(), strict=True):
        mine.set_weights(theirs.get_weights())
    again = densities.attach(again, name)  # without data: nothing is fitted
    np.testing.assert_array_equal(again.model.sample(30, seed=3), first)
    assert not np.array_equal(again.model.sample(30, seed=4), first)


def test_codes_are_encoded_once_and_another_encoder_is_fitted_anew(tmp_path):
    run = tiny_run(tmp_path)
    densities.attach(run, "gmm3", tiny.dataset())
    densities.attach(run, "gaussian")  # without data, from the kept codes
    with np.load(tmp_path / "densities" / "5" / "codes.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["mu"], run.model.encode(tiny.dataset().train))
        assert "sigma" not in file
    file = tmp_path / "densities" / "5" / "gaussian.npz"
    before = file.read_bytes()
    densities.attach(tiny_run(tmp_path), "gaussian", tiny.dataset())  # of other weights
    assert file.read_bytes() != before
    densities.attach(tiny_run(tmp_path, iteration=6), "gaussian", tiny.dataset())
    assert (tmp_path / "densities" / "6" / "gaussian.npz").exists()


def test_codes_of_a_vae_have_a_standard_deviation(tmp_path):
    run = tiny_run(tmp_path, "vae")
    densities.attach(run, "gaussian", tiny.dataset())
    with np.load(tmp_path / "densities" / "5" / "codes.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["mu"], run.model.encode(tiny.dataset().train))
        assert file["sigma"].shape == file["mu"].shape
        assert file["sigma"].min() > 0


def test_a_damaged_file_is_named(tmp_path):
    run = tiny_run(tmp_path)
    densities.attach(run, "gaussian", tiny.dataset())
    file = tmp_path / "densities" / "5" / "gaussian.npz"
    for content in (file.read_bytes()[:-40], b"", b"junk"):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"gaussian\.npz .* delete it to fit it anew"):
            densities.attach(run, "gaussian")


def test_names(tmp_path):
    run = tiny_run(tmp_path)
    assert densities.attach(run, "own") is run
    without = dataclasses.replace(run, model=run.model.sampled_from(None))
    with pytest.raises(UserError, match=r"no prior of its own.*standard_normal\|gaussian\|gmm"):
        densities.attach(without, "own")
    z = densities.attach(without, "standard_normal").model.sample_codes(DRAWN)
    assert z.shape == (DRAWN, 4)
    np.testing.assert_allclose(np.cov(z.T), np.eye(4), atol=0.03)
    for name in ("normal", "gmm0", "bayesian_gmm0", "gaussian3", "", "own@", "own@-1", "x@0.5"):
        with pytest.raises(UserError, match="unknown density"):
            densities.attach(run, name)
