"""Frechet distance against SciPy, TF-GAN and by hand."""

import numpy as np
import pytest
import scipy.linalg

from flexae_tf.errors import UserError
from flexae_tf.evaluation import tfgan
from flexae_tf.evaluation.frechet import frechet_distance


def features(n, d, seed, shift=0.0):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(d, d)) / np.sqrt(d)
    return np.maximum(generator.normal(size=(n, d)) @ mixing + shift, 0)


def reference(real, generated):
    """The formula in float64 by SciPy.

    Where n < d the product of covariances is singular and `sqrtm` loses half of its digits, so
    the trace of its root is the sum of the singular values of X_r X_g' instead (the same number).
    """
    mean = np.sum((real.mean(axis=0) - generated.mean(axis=0)) ** 2)
    c_real, c_generated = np.cov(real.T), np.cov(generated.T)
    if len(real) > real.shape[1]:
        trace = np.trace(scipy.linalg.sqrtm(c_real @ c_generated)).real
    else:
        a = (real - real.mean(axis=0)) / np.sqrt(len(real) - 1)
        b = (generated - generated.mean(axis=0)) / np.sqrt(len(generated) - 1)
        trace = scipy.linalg.svdvals(a @ b.T).sum()
    return mean + np.trace(c_real) + np.trace(c_generated) - 2 * trace


def check_against_reference(n, d):
    real, generated = features(n, d, 0), features(n, d, 1, shift=0.1)
    expected = reference(real, generated)
    assert frechet_distance(real=real, generated=generated) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [32, 500, 2048, 10000])
def test_equals_scipy(n):
    check_against_reference(n, 64)  # n = 32 is below d


@pytest.mark.slow
@pytest.mark.parametrize("n", [500, 2048, 10000])
def test_equals_scipy_at_full_size(n):
    check_against_reference(n, 2048)


@pytest.mark.parametrize(
    ("n", "m", "d"), [(500, 500, 64), (5000, 3000, 64), (32, 32, 64), (50, 500, 64), (500, 2, 64)]
)
def test_equals_tfgan(n, m, d):
    real, generated = features(n, d, 0), features(m, d, 1, shift=0.1)
    theirs = tfgan.evaluation().frechet_classifier_distance_from_activations(real, generated)
    expected = pytest.approx(float(theirs), rel=1e-12)
    assert frechet_distance(real=real, generated=generated) == expected


@pytest.mark.parametrize(("n", "m"), [(5000, 5000), (500, 500), (40, 30)])
@pytest.mark.parametrize("decay", [0.1, 0.3, 1.0])
def test_badly_conditioned_features(n, m, decay):
    """Standard deviations from 1 down to 2e-3, 6e-9 and 4e-28.

    The reference takes singular values of the data, without covariances that would square the
    condition. TF-GAN's leaves singular values below 1e-10 as they are, where it should take roots,
    so it is a little off here.
    """
    scale = np.exp(-decay * np.arange(64))
    real, generated = features(n, 64, 0) * scale, features(m, 64, 1, shift=0.1) * scale
    factors = [(x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (real, generated)]
    upper = [np.linalg.qr(factor, mode="r") for factor in factors]
    nuclear = scipy.linalg.svd(upper[0] @ upper[1].T, compute_uv=False, lapack_driver="gesvd").sum()
    mean = np.sum((real.mean(axis=0) - generated.mean(axis=0)) ** 2)
    expected = mean + sum(np.sum(factor**2) for factor in factors) - 2 * nuclear
    received = frechet_distance(real=real, generated=generated)
    assert received == pytest.approx(expected, rel=1e-10)
    theirs = tfgan.evaluation().frechet_classifier_distance_from_activations(real, generated)
    assert received == pytest.approx(float(theirs), rel=1e-2)


def test_a_constant_feature():
    real, generated = features(500, 16, 0), features(500, 16, 1, shift=0.1)
    expected = frechet_distance(real=real, generated=generated)
    real, generated = (np.insert(x, 3, 1.0, axis=1) for x in (real, generated))
    received = frechet_distance(real=real, generated=generated)
    assert received == pytest.approx(expected, rel=1e-12)


def test_known_gaussians():
    # Means 0 and 3, variances 2 and 8: 9 + 2 + 8 - 2 sqrt(16) = 11.
    real = np.array([[-1.0], [1.0]])
    generated = np.array([[1.0], [5.0]])
    assert frechet_distance(real=real, generated=generated) == pytest.approx(11)


@pytest.mark.parametrize(("n", "d"), [(100, 64), (40, 64), (2, 64)])
def test_equal_sets_give_zero(n, d):
    real = features(n, d, 0)
    assert abs(frechet_distance(real=real, generated=real.copy())) < 1e-10


def test_float32_features_are_measured_in_float64():
    real = np.float32(features(500, 32, 0) + 1000)
    generated = np.float32(features(500, 32, 1) + 1000)
    expected = reference(real.astype(float), generated.astype(float))
    assert frechet_distance(real=real, generated=generated) == pytest.approx(expected, rel=1e-6)


def test_sets_are_given_by_name_and_checked():
    with pytest.raises(TypeError):
        frechet_distance(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(UserError, match="at least 2"):
        frechet_distance(real=np.zeros((1, 2)), generated=np.zeros((1, 2)))
