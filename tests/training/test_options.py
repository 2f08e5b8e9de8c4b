"""What of the options is refused."""

import pytest

from flexae_tf.errors import UserError
from flexae_tf.training.options import TrainerOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"training_steps": -1},
        {"log_every_steps": 0},
        {"keep_every_steps": -1},
        {"eval_images": 1},
        {"seed": 2**32},
        {"max_hours": float("inf")},
    ],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match=f"--{next(iter(wrong))} must be"):
        TrainerOptions(**wrong)


def test_no_iterations_no_hours_and_no_measurement_are_options():
    TrainerOptions(training_steps=0, max_hours=0.0, keep_every_steps=0, eval_every_steps=0)
