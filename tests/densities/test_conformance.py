"""Every method samples from every density: a new method is a new row, a new density a column."""

import functools
import types

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import densities
from flexae_tf.densities import second_stage
from flexae_tf.errors import UserError
from flexae_tf.serving.signatures import ServedMethod
from tests import tiny


@pytest.fixture(autouse=True)
def short_second_stage(monkeypatch):
    density, fit = densities._FITTED["second_stage"]
    short = functools.partial(fit, steps=2, width=16)
    monkeypatch.setitem(densities._FITTED, "second_stage", (density, short))
    assert second_stage.STEPS > 1000


@pytest.mark.parametrize("name", tiny.METHODS)
def test_samples_from_every_density(name, tmp_path):
    method = tiny.builder(name)()
    run = types.SimpleNamespace(
        path=tmp_path,
        method=method,
        iteration=0,
        fingerprint="0",
        settings={"method": name, "seed": 0},
    )
    drawn = {}
    for density in densities.NAMES:  # "own" first: attaching another is for good
        if density == densities.OWN and method.noise is None:
            with pytest.raises(UserError, match="give --density="):
                densities.attach(run, density, tiny.dataset())
            continue
        densities.attach(run, density, tiny.dataset())
        x = method.sample(6, seed=1)
        assert x.shape == (6, 8, 8, 1)
        assert np.all(np.isfinite(x))
        np.testing.assert_array_equal(x, method.sample(6, seed=1))
        assert not np.array_equal(x, method.sample(6, seed=2))
        drawn[density] = x
    served = tf.function(ServedMethod(method, {}).sample)  # what an export holds
    answer = served(tf.constant(6), tf.constant(1, tf.int64))["images"]
    np.testing.assert_allclose(answer, drawn["second_stage"], atol=1e-5)
    fitted = [drawn[density] for density in ("gaussian", "gmm", "second_stage")]
    assert all(not np.array_equal(x, drawn["standard_normal"]) for x in fitted)
