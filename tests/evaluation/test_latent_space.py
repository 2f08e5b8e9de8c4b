"""Path length and separability by hand, and the report of a run."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from flexae_tf import densities
from flexae_tf.algorithm.flow_prior import FlowDensity
from flexae_tf.errors import UserError
from flexae_tf.evaluation import interpolation, latent_space, path_length, separability
from flexae_tf.evaluation.features import pixels
from flexae_tf.model import Model, StandardNormal
from flexae_tf.networks.flow import Flow
from tests import tiny

RANDOM = np.random.default_rng(0)
SLOPE = 0.03


def linear_model(density, dim=2):
    """x = 1/2 + SLOPE z in the first pixels of an image of 1 x 8."""
    decoder = keras.Sequential(
        [keras.Input((dim,)), keras.layers.Dense(8), keras.layers.Reshape((1, 8, 1))]
    )
    kernel = SLOPE * np.eye(dim, 8, dtype=np.float32)
    decoder.set_weights([kernel, np.full(8, 0.5, np.float32)])
    return Model(
        keras.Sequential([keras.Input((1, 8, 1)), keras.layers.Flatten()]), decoder, density
    )


def test_path_length_of_a_linear_decoder():
    """Straight ways have the squared distance of their ends, whatever t is."""
    model = linear_model(StandardNormal(2))
    received = path_length.perceptual_path_length(model, pixels(), "zt", 4000, seed=0)
    a, b = np.split(model.sample_codes(8000, 0), 2)
    distances = SLOPE**2 * np.square(a - b).sum(1)
    low, high = np.percentile(distances, (1, 99))
    expected = distances[(distances >= low) & (distances <= high)].mean()
    assert received == pytest.approx(expected, rel=1e-2)


def test_path_length_on_arcs_and_through_the_density():
    """On the circle of unit noise the way of a quarter turn is pi / 2; scaling codes scales it."""
    a, b = np.float32([[1, 0]]), np.float32([[0, 1]])
    model = linear_model(StandardNormal(2))
    model.sample_codes = lambda n, seed: np.concatenate([a, b])
    received = path_length.perceptual_path_length(model, pixels(), "z0", 1, seed=0)
    assert received == pytest.approx((SLOPE * np.pi / 2) ** 2, rel=1e-2)
    flow = Flow(2, 2, 4, seed=0)  # z_0 is z times one number
    model = linear_model(FlowDensity(flow))
    z = model.sample_codes(10, seed=0)
    z_0 = interpolation.points_of(model, "z0", z)
    np.testing.assert_allclose(z_0 * (1 + np.exp(-2)), z, rtol=1e-4)
    np.testing.assert_allclose(interpolation.codes_of(model, "z0", z_0), z, rtol=1e-4)
    np.testing.assert_array_equal(interpolation.points_of(model, "zt", z), z)


def test_separability_of_what_a_plane_does_and_does_not_separate():
    codes = RANDOM.standard_normal((4000, 3))
    separated = np.stack([codes[:, 0], codes[:, 1] - codes[:, 2], np.full(4000, 1.0)], 1)
    assert separability.linear_separability(codes, separated) == pytest.approx(1, abs=0.02)
    # Inside or outside of a slab is what no plane says: H(Y|X) = H(Y) = log 2.
    slab = np.abs(codes[:, :1]) - np.median(np.abs(codes[:, 0]))
    order = np.argsort(-np.abs(slab[:, 0]), kind="stable")[:2000]
    p = np.mean(slab[order] > 0)
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
    received = separability.linear_separability(codes, slab)
    assert received == pytest.approx(np.exp(entropy), rel=0.02)


def test_conditional_entropy_by_hand():
    """A plane that a tenth of the surest samples of either class is on the wrong side of."""
    y = np.repeat([0, 1], 500)
    z = (np.where(RANDOM.permuted(np.tile([0] * 9 + [1], 100)), 1 - y, y) - 0.5)[:, None]
    logits = np.concatenate([2.0 * (y - 0.5), 0.01 * RANDOM.standard_normal(1000)])[:, None]
    codes = np.concatenate([z, RANDOM.standard_normal((1000, 1))])
    joint = np.array(
        [[np.mean((z[:, 0] > 0) & (y == b)), np.mean((z[:, 0] < 0) & (y == b))] for b in (0, 1)]
    )
    entropy = -(joint * np.log(joint / joint.sum(0))).sum()
    assert separability.linear_separability(codes, logits) == pytest.approx(np.exp(entropy))


def test_the_classifier_learns_classes_and_attributes():
    data = tiny.dataset()
    labels = (data.train.mean((1, 2, 3)) > data.train.mean()).astype(np.int64)
    labelled = dataclasses.replace(data, train_labels=labels)
    logits = separability.linear_classifier(labelled, pixels(), 0)(data.train)
    assert logits.shape == (200, 2)
    assert np.mean((logits[:, 1] > 0) == labels) > 0.95
    np.testing.assert_allclose(logits[:, 0], -logits[:, 1], atol=1e-3)
    with pytest.raises(UserError, match="no labels"):
        separability.linear_classifier(data, pixels(), 0)
    same = dataclasses.replace(data, train_labels=np.zeros(200, np.int64))
    with pytest.raises(UserError, match="do not tell the images of digits apart"):
        separability.linear_classifier(same, pixels(), 0)


def test_the_report_of_a_run(tmp_path):
    run, data = tiny.run(tmp_path, "flow_vae"), tiny.dataset()
    data = dataclasses.replace(data, train_labels=np.arange(200) % 2)
    protocol = latent_space.LatentProtocol(4, 5, 6, 1e-3, 40)
    of_codes = [name for name in latent_space.MEASURES if name != "transfer"]
    record = latent_space.measure(run, data, pixels(), of_codes, densities.OWN, protocol)
    measured = {key for key in record if key.startswith("metrics/")}
    bounds = {f"likelihood/{name}" for name in ("elbo", "iwae", "elbo_bits", "iwae_bits")}
    both = {f"{name}/{space}" for name in ("path_length", "separability") for space in ("z0", "zt")}
    assert measured == {f"metrics/{name}" for name in bounds | both}
    assert all(np.isfinite(record[key]) for key in measured)
    assert record["protocol"]["likelihood_samples"] == 5
    path = tmp_path / "metrics" / "5.latent_space.json"
    assert json.loads(path.read_text()) == record
    # What was measured before by the same protocol stays, by another it goes.
    again = latent_space.measure(run, data, pixels(), ["likelihood"], densities.OWN, protocol)
    assert again == record
    other = dataclasses.replace(protocol, likelihood_samples=3)
    record = latent_space.measure(run, data, pixels(), ["likelihood"], densities.OWN, other)
    assert {key for key in record if key.startswith("metrics/")} == {f"metrics/{b}" for b in bounds}
    record = latent_space.measure(run, data, pixels(), ["path_length"], "gaussian", protocol)
    assert {key for key in record if key.startswith("metrics/")} == {"metrics/path_length/zt"}
    assert (tmp_path / "metrics" / "5.latent_space.gaussian.json").exists()
