"""What a chart is."""

import io

import numpy as np
import pytest
from PIL import Image

from flexae_tf.report import curves


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("values", [[1.0], [0.0, -1.0], [1e-3, 1e3]])
def test_a_chart_is_a_picture_of_one_size(values, logarithmic):
    lines = {"a": (np.arange(len(values)), np.array(values)), "b": (np.arange(2), np.ones(2))}
    with Image.open(io.BytesIO(curves.chart(lines, logarithmic))) as image:
        assert image.format == "PNG"
        assert image.size == (690, 435)
