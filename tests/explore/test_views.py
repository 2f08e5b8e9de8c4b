import io

import numpy as np
import pytest
from PIL import Image

from flexae_tf.errors import UserError
from flexae_tf.explore import uploads, views
from tests import tiny
from tests.explore.sources import TinySource


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return TinySource(tmp_path_factory.mktemp("run"))


def answer(query, source):
    return views.answer(views.parse(query), source)


@pytest.mark.parametrize(
    "query",
    [
        "view=samples&checkpoint=10&density=own&seed=3&count=4&truncation=0.5",
        "view=edit&density=own&start=test:3&axes=0.5,-1,0,0&dir.one=-2",
        "view=interpolate&start=sample:7&end=test:2&steps=5",
    ],
)
def test_a_link_says_all_of_a_view(query):
    view = views.parse(query)
    assert views.parse(view.query()) == view
    assert view.query().split("&")[-2:] == query.split("&")[-2:]


def test_samples_are_those_of_the_seed_and_truncation_draws_them_to_the_mean(source):
    found = answer("view=samples&seed=3&count=4", source)
    np.testing.assert_array_equal(found.codes, source.model.sample_codes(4, 3))
    np.testing.assert_array_equal(found.images, source.model.decode(found.codes))
    assert not np.array_equal(found.codes, answer("view=samples&seed=4&count=4", source).codes)
    mean = source.model.sample_codes(1000, 0).mean(0)
    half = answer("view=samples&seed=3&count=4&truncation=0.5", source).codes
    np.testing.assert_allclose(half, (found.codes + mean) / 2, atol=1e-5)


def test_the_axes_are_the_principal_directions_as_long_as_codes_spread(source):
    _, axes = source.model.axes
    z = source.model.encode(source.test_images).astype(np.float64)
    products = axes.astype(np.float64) @ axes.T
    variances = np.linalg.eigvalsh(np.cov(z.T, bias=True))[::-1]
    np.testing.assert_allclose(products, np.diag(variances), atol=1e-4 * variances[0])


def test_an_edit_adds_its_steps_to_the_code_of_a_test_image(source):
    found = answer("view=edit&start=test:3&axes=0.5,0,-1&dir.one=-2", source)
    z = source.model.encode(source.test_images[3:4])[0]
    axes = source.model.axes[1]
    expected = z + 0.5 * axes[0] - axes[2] - 2 * np.float32([0, 1, 0, 0])
    np.testing.assert_allclose(found.codes, [z, expected], atol=1e-5)
    np.testing.assert_allclose(found.original, source.test_images[3] / 255, atol=1e-6)


def test_an_interpolation_goes_from_code_to_code(source):
    z = answer("view=interpolate&start=test:0&end=test:1&steps=3", source).codes
    ends = source.model.encode(source.test_images[:2])
    np.testing.assert_allclose(z, [ends[0], ends.mean(0), ends[1]], atol=1e-6)


def test_an_uploaded_image_is_in_the_link(source):
    image = tiny.dataset().test[5]
    link = f"view=edit&start=image:{uploads.as_link(image)}"
    assert views.parse(views.parse(link).query()).start == f"image:{uploads.as_link(image)}"
    np.testing.assert_array_equal(
        answer(link, source).codes, answer("view=edit&start=test:5", source).codes
    )


def test_downloads_are_what_is_shown(source):
    found = answer("view=samples&count=4", source)
    assert Image.open(io.BytesIO(found.png())).size == (2 * 8 + 2, 2 * 8 + 2)
    np.testing.assert_array_equal(np.load(io.BytesIO(found.npy())), found.codes)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("view=sample", "view must be one of samples, edit, interpolate; received 'sample'"),
        ("viev=edit", "unknown parameter 'viev'"),
        ("count=101", "count must be a number from 1 to 100; received '101'"),
        ("seed=", "seed must be a number"),
        ("truncation=nan", "truncation must be a number from 0 to 2; received 'nan'"),
        ("steps=2.5", "steps must be a number"),
        ("axes=1,2,x", "axes must be a number from -4 to 4; received 'x'"),
        ("axes=" + ",".join("0" * 9), "axes must be at most 8 numbers; received 9"),
        ("dir.one=inf", "dir.one must be a number"),
        ("start=file:/etc/passwd", "an origin must be one of sample, test, image"),
        ("start=image:%00", "the image of the link is damaged"),
        ("checkpoint=7", "no checkpoint 7: there are 5, 10"),
        ("density=gmm", "no density 'gmm': expected one of own"),
        ("view=edit&start=test:20", "there are 20 test images, from 0; received 20"),
        ("view=edit&start=image:AAAA", "not an image that can be read"),
        ("view=edit&dir.two=1", "no direction 'two': there are one"),
        ("view=edit&axes=0,0,0,0,1", "the codes have 4 principal directions, asked for more"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_line(query, message, source):
    with pytest.raises(UserError) as error:
        answer(query, source)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
