"""Rows of several seeds become one."""

import pytest

from flexae_tf.evaluation import seeds


def test_mean_and_sample_deviation_of_rows_alike():
    rows = [
        {"run": "a", "settings": "x", "n": 1.0, "gmm": 4.0},
        {"run": "b", "settings": "y", "n": 7.0},
        {"run": "c", "settings": "x", "n": 3.0, "gmm": None},
        {"run": "d", "n": 5.0},
        {"run": "e", "n": 6.0},
    ]
    first, *others = seeds.averaged(rows, ["n", "gmm"])
    assert first["run"] == "2 seeds"
    assert first["n"] == 2
    assert first["n/spread"] == pytest.approx(2**0.5)  # of 1 and 3, divided by n - 1
    assert not {"gmm", "gmm/spread"} & first.keys()  # one of them has none
    assert others == [rows[1], rows[3], rows[4]]


def test_settings_differ_by_anything_but_the_seed():
    settings = {"seed": 0, "latent_dim": 4, "data_dir": "here"}
    assert seeds.settings_key(settings) == seeds.settings_key(settings | {"seed": 1})
    assert seeds.settings_key(settings) == seeds.settings_key(settings | {"data_dir": "there"})
    assert seeds.settings_key(settings) != seeds.settings_key(settings | {"latent_dim": 5})
