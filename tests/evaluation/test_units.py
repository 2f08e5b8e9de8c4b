"""Numbers of the programs in our units, worked by hand."""

import pytest

from flexae_tf.evaluation import units

MNIST, CIFAR10, CELEBA = (32, 32, 1), (32, 32, 3), (64, 64, 3)


@pytest.mark.parametrize(
    ("own", "shape", "expected"),
    [
        ({"objective": "sum"}, CELEBA, 1),
        ({"objective": "mean"}, MNIST, 1024),
        ({"objective": "mean"}, CIFAR10, 3072),
        ({"objective": "mean"}, CELEBA, 12288),
        ({"objective": "channel_mean"}, MNIST, 0.5),
        ({"objective": "channel_mean"}, CELEBA, 1.5),
        ({"objective": "twentieth"}, MNIST, 20),
        ({"objective": "twentieth", "width": 2}, CELEBA, 5),
    ],
)
def test_scale(own, shape, expected):
    assert units.scale(own, shape) == expected


def test_weights_epsilon_and_plateau_of_raes_means():
    own = {
        "objective": "mean",
        "weights": {"latent_norm_weight": 1e-4, "regularizer_weight": 1e-7},
        "epsilon": 1e-7,
        "epoch_steps": 500,
        "plateau": {"factor": 0.5, "patience": 5, "min_delta": 1e-4},
    }
    # 2 * 1e-4 * 1024 / 16, 1e-7 * 1024 and 1e-4 * 1024
    flags = units.flags(own, MNIST, 16)
    assert flags["latent_norm_weight"] == pytest.approx(0.0128)
    assert flags["regularizer_weight"] == pytest.approx(1.024e-4)
    assert flags["autoencoder_epsilon"] == pytest.approx(1.024e-4)
    assert flags["validate_every_steps"] == 500
    assert flags["autoencoder_schedule"] == "plateau:factor=0.5,patience=5,min_delta=0.1024"
    # 2 * 1e-4 * 12288 / 64
    flags = units.flags(own, CELEBA, 64)
    assert flags["latent_norm_weight"] == pytest.approx(0.0384)
    assert flags["autoencoder_schedule"].endswith("min_delta=1.229")


@pytest.mark.parametrize(
    ("shape", "weight", "beta"),
    [(MNIST, 0.312, 0.156), (CIFAR10, 0.024, 0.036), (CELEBA, 0.09024, 0.13536)],
)
def test_the_weight_of_raes_vae(shape, weight, beta):
    own = {"objective": "channel_mean", "weights": {"beta": weight}}
    assert units.flags(own, shape, 16)["beta"] == pytest.approx(beta)


def test_both_programs_weights_of_the_mmd_on_celeba():
    raes = {"objective": "twentieth", "weights": {"mmd_weight": 100}}
    waes = raes | {"width": 2}  # images in [-1, 1]
    assert units.flags(raes, CELEBA, 64)["mmd_weight"] == 2000
    assert units.flags(waes, CELEBA, 64)["mmd_weight"] == 500


def test_the_mean_and_its_scaled_sum_are_one_objective():
    error, mmd = 7.0, 0.25  # sum of squares over the pixels, and the MMD
    mean = error / 1024 + 0.03 * mmd
    weight = units.flags({"objective": "mean", "weights": {"mmd_weight": 0.03}}, MNIST, 16)
    assert error + weight["mmd_weight"] * mmd == pytest.approx(1024 * mean)


def test_lengths_in_epochs():
    one = {"objective": "sum", "epoch_steps": 600, "epochs": 100}
    assert units.flags(one, MNIST, 8) == {"training_steps": 60_000}
    steps = units.flags(one | {"piecewise": {"30": 0.5, "50": 0.1}}, MNIST, 8)
    assert steps["autoencoder_schedule"] == "piecewise:18000=0.5,30000=0.1"
    smooth = {"objective": "sum", "epoch_steps": 1825, "epochs": 50, "exponential": 0.01}
    assert units.flags(smooth, CELEBA, 64)["autoencoder_schedule"] == "exponential:91250=0.01"


def test_pretraining_comes_before_the_epochs_and_noise_is_in_our_width():
    own = {"objective": "twentieth", "width": 2, "epoch_steps": 1825, "epochs": 50}
    own |= {"pretraining_steps": 200, "input_noise": 0.01}
    assert units.flags(own, CELEBA, 64) == {
        "pretraining_steps": 200,
        "training_steps": 91_450,
        "input_noise": 0.005,
    }


def test_lengths_of_two_stages():
    own = {"objective": "sum", "epoch_steps": 2543, "first_epochs": 400, "halve_epochs": 150}
    own |= {"second_epochs": 800, "second_halve_epochs": 300}
    first = units.flags(own, CELEBA, 64)
    assert first == {"training_steps": 1_017_200, "halve_rates_every_steps": 381_450}
    both = units.flags(own | {"stages": 2}, CELEBA, 64)
    assert both["first_stage_steps"] == 1_017_200
    assert both["training_steps"] == 3_051_600
    # Either stage's rate is halved twice.
    second = both["training_steps"] - both["first_stage_steps"]
    assert (second - 1) // both["second_stage_halve_every_steps"] == 2
    assert (first["training_steps"] - 1) // first["halve_rates_every_steps"] == 2
