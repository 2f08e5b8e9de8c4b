"""Every method samples from every density: a new method is a new row, a new density a column."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from flexae_tf import densities, methods
from flexae_tf.densities import flow, second_stage
from flexae_tf.errors import UserError
from flexae_tf.serving.signatures import ServedModel
from tests import tiny


@pytest.fixture(autouse=True)
def short_training(monkeypatch):
    for name, smaller in {"second_stage": {}, "flow": {"depth": 2}}.items():
        density, fit = densities._FITTED[name]
        short = functools.partial(fit, steps=2, width=16, **smaller)
        monkeypatch.setitem(densities._FITTED, name, (density, short))
    assert min(second_stage.STEPS, flow.STEPS) > 1000


# A density sees codes: points, with deviations, masked, indices.
# One of a conditional model has a test of its own.
ROWS = tiny.rows(
    [name for name in tiny.METHODS if not methods.is_paired(name)],
    quick=("rae", "vae", "mask_aae", "vq_vae"),
)


def test_a_conditional_model_has_its_own_density_only(tmp_path):
    run = tiny.run(tmp_path, "vunet")
    assert densities.attach(run, densities.OWN) is run
    with pytest.raises(UserError, match="--density=gaussian is of models without a condition"):
        densities.attach(run, "gaussian", tiny.paired_dataset())


@pytest.mark.parametrize("name", ROWS)
def test_samples_from_every_density(name, tmp_path):
    run = tiny.run(tmp_path, name)
    drawn = {}
    for density in densities.NAMES:
        if density == densities.OWN and run.model.density is None:
            with pytest.raises(UserError, match="give --density="):
                densities.attach(run, density, tiny.dataset())
            continue
        if density != densities.OWN and run.model.codebook_size is not None:
            with pytest.raises(UserError, match=f"--density={density} needs codes that are vect"):
                densities.attach(run, density, tiny.dataset())
            continue
        model = densities.attach(run, density, tiny.dataset()).model
        x = model.sample(6, seed=1)
        assert x.shape == (6, 8, 8, 1)
        assert np.all(np.isfinite(x))
        np.testing.assert_array_equal(x, model.sample(6, seed=1))
        assert not np.array_equal(x, model.sample(6, seed=2))
        drawn[density] = x
    served = tf.function(ServedModel(model, {}).sample)  # what an export holds
    answer = served(tf.constant(6), tf.constant(1, tf.int64))["images"]
    *_, last = drawn.values()
    np.testing.assert_allclose(answer, last, atol=1e-5)
    fitted = drawn.keys() & {"gaussian", "gmm", "second_stage", "aggregated", "flow"}
    assert len(fitted) == (5 if run.model.codebook_size is None else 0)
    assert all(not np.array_equal(drawn[name], drawn["standard_normal"]) for name in fitted)
