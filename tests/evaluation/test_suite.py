"""The whole set of measures of a stand-in model."""

import dataclasses

import numpy as np
import pytest

from flexae_tf.data import Dataset
from flexae_tf.errors import UserError
from flexae_tf.evaluation import suite
from flexae_tf.evaluation.covariance import nac, nac_by_mean_variance
from flexae_tf.evaluation.features import Extractor, pixels
from flexae_tf.evaluation.protocol import RAE, RELEASED, STANDARD
from flexae_tf.evaluation.reconstruction import squared_error
from flexae_tf.model import Model


class MemorisingModel:
    """Reconstructs perfectly and generates its own train images."""

    density = "not None: it has a prior"
    active = codebook_size = None
    require_unconditional = Model.require_unconditional

    def __init__(self, train):
        self.train = train

    def encode(self, x):
        return x.reshape(len(x), -1)[:, :5].astype(np.float32)

    def decode(self, z):
        self.decoded = z
        return np.float32(self.train[: len(z)]) / 255

    def reconstruct(self, x, by, seed):
        self.reconstructed, self.by = x, by
        return np.float32(x) / 255

    def sample(self, n, seed):
        rows = np.random.default_rng(seed).integers(0, len(self.train), n)
        return np.float32(self.train[rows]) / 255


def dataset(train_count=130, test_count=60):
    images = np.random.default_rng(0).integers(
        0, 256, (train_count + test_count, 4, 4, 1), np.uint8
    )
    return Dataset("made_up", images[:train_count], images[train_count:], None, None, (), "0")


def stand_in():
    return Extractor(
        "stand-in", "0", "none", "none", True,
        lambda batch: (batch.reshape(len(batch), -1)[:, ::2] * 1.0, batch[:, 0, 0] * 1.0),
    )  # fmt: skip


def test_a_perfect_autoencoder_that_memorised(tmp_path):
    data = dataset()
    metrics, counts = suite.evaluate_model(
        MemorisingModel(data.train), data, stand_in(), STANDARD, tmp_path
    )
    assert counts == {"real": 60, "generated": 60, "memorization": 60}
    assert abs(metrics["reconstruction/fid"]) < 1e-3
    assert metrics["reconstruction/squared_error"] == 0
    assert metrics["reconstruction/recall"] == 1
    assert metrics["generation/fid"] > 0
    # It repeats train images: much nearer to them than a test image is.
    assert metrics["pms/generated_train"] < 0.7 * metrics["pms/train_test"]
    assert metrics["ims/generated_train"] < 0.7 * metrics["ims/train_test"]
    assert metrics["pms/train_train"] == pytest.approx(metrics["pms/train_test"], rel=0.1)
    assert 0 < metrics["codes/nac"] < 0.5
    assert "generation/kid_std" not in metrics  # one block has none
    assert all(np.isfinite(list(metrics.values())))


def test_interpolations_are_spherical_midpoints_of_random_pairs(tmp_path):
    data = dataset()
    model = MemorisingModel(data.train)
    metrics = suite.evaluate_autoencoder(model, data, stand_in(), STANDARD, tmp_path)
    z = model.encode(data.test[STANDARD.rows(60)])
    pairs = zip(z, [*z[-1:], *z[:-1]], strict=True)
    for (z_a, z_b), middle in zip(pairs, model.decoded, strict=True):
        # Of the angle a, both halves have the weight sin(a/2) / sin(a) = 1 / (2 cos(a/2)).
        cosine = z_a @ z_b / np.linalg.norm(z_a) / np.linalg.norm(z_b)
        expected = (z_a + z_b) / (2 * np.sqrt((1 + cosine) / 2))
        np.testing.assert_allclose(middle, expected, rtol=1e-4)
    assert metrics["interpolation/fid"] > 0
    assert not any(key.startswith(("generation/", "pms/")) for key in metrics)
    assert all(key.startswith(suite.AUTOENCODER_PREFIXES) for key in metrics)
    measured = {"codes/nac": 1.0}  # kept as it is
    kept, _ = suite.evaluate_model(model, data, stand_in(), STANDARD, tmp_path, measured)
    assert kept["codes/nac"] == 1
    assert "reconstruction/fid" not in kept
    assert "generation/fid" in kept


def test_a_mask_leaves_dimensions_out(tmp_path):
    data = dataset()
    model = MemorisingModel(data.train)
    model.active = np.array([True, False, True, True, False])
    metrics = suite.evaluate_autoencoder(model, data, stand_in(), STANDARD, tmp_path)
    z = model.encode(data.test[STANDARD.rows(60)])[:, [0, 2, 3]]
    assert metrics["codes/active_dimensions"] == 3
    assert metrics["codes/nac"] == pytest.approx(nac(z))
    assert metrics["codes/nac_by_mean_variance"] == pytest.approx(nac_by_mean_variance(z))
    model.active = np.zeros(5, bool)
    metrics = suite.evaluate_autoencoder(model, data, stand_in(), STANDARD, tmp_path)
    assert metrics["codes/active_dimensions"] == 0
    assert "codes/nac" not in metrics


def test_rae_reconstructs_and_interpolates_validation_images_by_samples(tmp_path):
    data = dataset(train_count=130, test_count=80)
    data = dataclasses.replace(data, test=data.test[:60], validation=data.test[60:])
    model = MemorisingModel(data.train)
    metrics, counts = suite.evaluate_model(model, data, stand_in(), RAE, tmp_path)
    assert counts["real"] == 60
    assert model.by == "sample"
    assert sorted(map(bytes, model.reconstructed)) == sorted(map(bytes, data.validation))
    assert len(model.decoded) == 20
    assert metrics["reconstruction/fid"] > 1e-3  # perfect copies, but of other images
    suite.evaluate_model(model, data, stand_in(), STANDARD, tmp_path)
    assert model.by == "mean"
    assert len(model.reconstructed) == 60


def test_a_method_without_a_prior_has_a_small_evaluation_without_samples(tmp_path):
    data = dataset()
    model = MemorisingModel(data.train)
    model.density = None
    metrics = suite.evaluate_small(model, data, stand_in(), n=40, seed=3, cache_dir=tmp_path)
    assert {key.split("/")[0] for key in metrics} == {"reconstruction"}


def test_released_protocol_reaches_the_extractor_stretched_and_unrounded(tmp_path):
    seen = []

    def network(batch):
        seen.append(batch)
        return batch.reshape(len(batch), -1) * 1.0, None

    data = dataset()
    model = MemorisingModel(data.train)
    extractor = Extractor("stand-in", "0", "none", "none", False, network)
    suite.evaluate_model(model, data, extractor, RELEASED, tmp_path)
    fakes = [batch for batch in seen if batch.dtype == np.float32]
    assert fakes
    for batch in fakes:
        np.testing.assert_allclose(batch.reshape(len(batch), -1).max(axis=1), 1)
        np.testing.assert_allclose(batch.reshape(len(batch), -1).min(axis=1), 0)


def test_pixels_have_no_second_memorization_score(tmp_path):
    data = dataset()
    metrics, _ = suite.evaluate_model(
        MemorisingModel(data.train), data, pixels(), STANDARD, tmp_path
    )
    assert "pms/train_test" in metrics
    assert not any(key.startswith("ims/") for key in metrics)


def test_small_evaluation_has_no_memorization_and_is_repeatable(tmp_path, monkeypatch):
    monkeypatch.setenv("FLEXAE_TF_CACHE", str(tmp_path))
    data = dataset()
    arguments = (MemorisingModel(data.train), data, stand_in())
    metrics = suite.evaluate_small(*arguments, n=40, seed=3)
    assert {key.split("/")[0] for key in metrics} == {"reconstruction", "generation"}
    assert metrics == suite.evaluate_small(*arguments, n=40, seed=3)
    assert metrics["generation/kid"] != suite.evaluate_small(*arguments, 40, 4)["generation/kid"]


def test_any_two_sets(tmp_path):
    images = dataset().train
    metrics = suite.compare_sets(
        real=images[:60], generated=images[60:120], extractor=stand_in(), seed=0,
        cache_dir=tmp_path,
    )  # fmt: skip
    assert {"fid", "kid", "prd_f1_8", "prd_f8", "precision", "recall", "pms", "ims"} <= set(metrics)
    with pytest.raises(UserError, match="60 real and 61 generated"):
        suite.compare_sets(real=images[:60], generated=images[:61], extractor=pixels(), seed=0)


def test_frechet_distance_of_huge_features_is_left_out_with_a_warning(capsys, monkeypatch):
    monkeypatch.setattr(suite, "LARGEST_FRECHET_COMPONENTS", 10)
    features = pixels()(dataset().train)
    metrics = suite.two_set_metrics(real=features, generated=features, seed=0)
    assert "fid" not in metrics
    assert "kid" in metrics
    assert "16 components" in capsys.readouterr().err


def test_vectors_are_measured_raw(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    data = Dataset("vectors", vectors[:120], vectors[120:], None, None, (), "0")

    class Identity(MemorisingModel):
        def reconstruct(self, x, by, seed):
            return x * 1.1

        def decode(self, z):
            return self.train[: len(z)]

        def sample(self, n, seed):
            return self.train[:n]

    metrics, _ = suite.evaluate_model(
        Identity(data.train), data, pixels(), dataclasses.replace(STANDARD, count=50), tmp_path
    )
    real = data.test[dataclasses.replace(STANDARD, count=50).rows(80)]
    assert metrics["reconstruction/squared_error"] == pytest.approx(
        squared_error(real=real, generated=real * 1.1)
    )
    assert metrics["generation/fid"] > 0
