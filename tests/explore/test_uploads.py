import base64
import io

import numpy as np
import pytest
from PIL import Image

from flexae_tf.errors import UserError
from flexae_tf.explore import uploads

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def file(image, form="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_an_image_becomes_what_the_model_takes(form, channels):
    found = uploads.read_image(file(Image.fromarray(NOISE), form), (28, 20, channels))
    assert found.shape == (28, 20, channels)
    assert found.dtype == np.uint8
    assert found.std() > 10


def test_an_image_of_the_models_size_stays_as_it_is():
    np.testing.assert_array_equal(
        uploads.read_image(file(Image.fromarray(NOISE)), NOISE.shape), NOISE
    )


def test_an_image_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, "PNG", exif=exif)
    found = uploads.read_image(buffer.getvalue(), (60, 40, 3))
    np.testing.assert_array_equal(found, np.rot90(NOISE, -1))


def sixteen_bits():
    return file(Image.fromarray(np.full((40, 40), 40000, np.uint16)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an image that can be read"),
        (b"no image", "not an image that can be read"),
        (file(Image.fromarray(NOISE))[:500], "not an image that can be read"),
        (file(Image.fromarray(NOISE), "TIFF"), "not an image that can be read"),
        (b"\0" * (uploads.MOST_BYTES + 1), "expected at most 10 MiB, received 10.0 MiB"),
        (
            file(Image.new("1", (8000, 6250))),
            "expected at most 20 megapixels, received 8000 x 6250",
        ),
        (file(Image.new("L", (27, 60))), "expected at least 28 x 28 pixels, received 27 x 60"),
        (sixteen_bits(), "the image has 16 bits per channel"),
    ],
    ids=["empty", "text", "cut off", "TIFF", "heavy", "50 megapixels", "small", "16 bits"],
)
def test_what_is_no_image_is_refused_in_a_line(content, message):
    with pytest.raises(UserError) as error:
        uploads.read_image(content, (28, 28, 1))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_link_holds_a_small_image_exactly_and_a_large_one_nearly():
    small = uploads.as_link(NOISE[:28, :28])
    found = uploads.read_image(base64.urlsafe_b64decode(small), (28, 28, 3))
    np.testing.assert_array_equal(found, NOISE[:28, :28])
    smooth = np.linspace(0, 255, 256)[:, None, None] + np.zeros((256, 256, 3))
    large = np.uint8(np.clip(smooth + np.random.default_rng(0).normal(0, 9, smooth.shape), 0, 255))
    link = uploads.as_link(large)
    assert len(link) < 40_000
    found = uploads.read_image(base64.urlsafe_b64decode(link), large.shape)
    assert np.abs(found.mean((1, 2)) - large.mean((1, 2))).max() < 3
