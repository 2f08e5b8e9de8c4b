"""The reconstruction error by hand."""

import numpy as np
import pytest

from flexae_tf.errors import UserError
from flexae_tf.evaluation.reconstruction import squared_error


def test_squared_error_sums_over_pixels_and_averages_over_images():
    real = np.zeros((1500, 2, 2, 1), np.uint8)
    x_hat = np.zeros((1500, 2, 2, 1), np.float32)
    x_hat[:750] = 0.5
    assert squared_error(real=real, generated=x_hat) == pytest.approx(4 * 0.25 / 2)
    real[:] = 255
    assert squared_error(real=real, generated=x_hat) == pytest.approx((4 * 0.25 + 4) / 2)
    with pytest.raises(UserError, match="received shapes"):
        squared_error(real=real, generated=x_hat[:-1])
