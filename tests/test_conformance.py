"""What every method must do, in one table: a new file in methods/ is a new row."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import data, draws
from flexae_tf.runs import RunDirectory
from tests import tiny


@pytest.fixture(scope="module", params=tiny.METHODS)
def trained(request, tmp_path_factory):
    """Name, trainer after five iterations, run directory and weights before training."""
    run = RunDirectory(tmp_path_factory.mktemp(request.param))
    run.create()
    trainer = tiny.trainer(request.param, run)
    before = tiny.weights(trainer.method)
    trainer.train()
    return request.param, trainer, run, before


def test_trains_every_player(trained):
    _, trainer, _, before = trained
    after = tiny.weights(trainer.method)
    for name, value in after.items():
        assert np.all(np.isfinite(value)), name
    for player in trainer.method.players.values():
        assert int(player.optimizer.iterations) >= 5
    moved = {name.split("/")[0] for name, v in after.items() if not np.array_equal(v, before[name])}
    assert moved >= set(trainer.method.networks)


def test_no_network_without_a_player(trained):
    _, trainer, _, _ = trained
    method = trainer.method
    owned = {id(v) for player in method.players.values() for v in player.variables}
    networks = method.networks.values()
    assert {id(v) for n in networks for v in n.trainable_variables} == owned


def test_resumes_bit_identically(trained, tmp_path):
    name, trainer, _, _ = trained
    run = RunDirectory(tmp_path)
    run.create()
    tiny.trainer(name, run, training_steps=1).train()
    resumed = tiny.trainer(name, run)
    resumed.resume()
    resumed.train()
    tiny.assert_equal_weights(resumed.method, trainer.method)


def test_step_reports_finite_losses_of_known_names(trained):
    _, trainer, _, _ = trained
    method = trainer.method
    drawn = draws.minibatches(
        method.draw_spec, draws.key(0, draws.TRAINING, 0), method.minibatches, 8, 20
    )
    spec = method.draw_spec
    images = data.to_unit(trainer.dataset.test)
    drawn = tuple(
        draw._replace(
            **{
                name: tf.gather(images, getattr(draw, name))
                for name, sampler in spec.items()
                if sampler is draws.IMAGES
            }
        )
        for draw in drawn
    )
    reported = method.step(drawn)
    assert set(method.players) <= set(reported)
    assert all(np.isfinite(float(value)) for value in reported.values())


def test_numpy_functions(trained):
    _, trainer, _, _ = trained
    method, x = trainer.method, trainer.dataset.test
    z = method.encode(x)
    assert z.shape == (20, 4)
    np.testing.assert_allclose(method.reconstruct(x), method.decode(z), atol=1e-6)
    samples = method.sample(7, seed=1)
    assert samples.shape == (7, 8, 8, 1)
    assert samples.dtype == np.float32
    assert samples.min() >= 0
    assert samples.max() <= 1
    np.testing.assert_array_equal(samples, method.sample(7, seed=1))
    assert not np.array_equal(samples, method.sample(7, seed=2))


@pytest.mark.parametrize("name", tiny.METHODS)
def test_two_replicas_and_xla_give_the_losses_of_one(name):
    """A doubled learning rate would move the second loss by 0.2 %, twenty times the tolerance.

    XLA's other rounding flips units of a critic near a kink, where its gradient penalty jumps.
    """
    reference = _process(name, replicas=1, xla="false")
    for other, tolerance in (
        (_process(name, replicas=2, xla="false"), 1e-4),
        (_process(name, replicas=1, xla="true"), 2e-3),
    ):
        for expected, received in zip(reference["losses"], other["losses"], strict=True):
            assert received == pytest.approx(expected, rel=tolerance, abs=1e-6)
        for expected, received in zip(reference["statistics"], other["statistics"], strict=True):
            np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-3)


def _process(name, replicas, xla):
    flags = [f"--method={name}", f"--replicas={replicas}", f"--xla={xla}"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.tiny", *flags], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])
