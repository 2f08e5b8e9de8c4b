"""What is refused before it is measured."""

import numpy as np
import pytest

from flexae_tf.errors import UserError
from flexae_tf.evaluation.validation import check_images, check_two_sets, check_vectors, warn_if_few


def test_images_in_range_pass_unchanged():
    for images in (np.zeros((2, 4, 4, 3), np.uint8), np.ones((2, 4, 4, 1), np.float32)):
        assert check_images(images, "set") is images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 4, 4)), r"shape \(2, 4, 4\)"),
        (np.zeros((2, 4, 4, 2)), "1 or 3"),
        (np.zeros((0, 4, 4, 3), np.uint8), "at least one image"),
        (np.zeros((2, 4, 4, 3), np.int32), "received int32"),
        (np.full((2, 4, 4, 3), np.nan), "NaN"),
        (np.full((2, 4, 4, 3), 255.0), r"\[0, 1\], received \[255, 255\]"),
        (np.full((2, 4, 4, 3), -1.0), r"received \[-1, -1\]"),
    ],
)
def test_bad_images_are_refused(images, message):
    with pytest.raises(UserError, match=message) as error:
        check_images(images, "generated")
    assert str(error.value).startswith("generated")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros(5), "one row per image"),
        (np.zeros((5, 2, 2)), "one row per image"),
        (np.zeros((1, 5)), "at least 2 rows, received 1"),
        (np.array([[0.0, 1], [np.nan, 2]]), "NaN"),
        (np.array([[0.0, np.inf], [-np.inf, 2]]), "NaN"),
    ],
)
def test_bad_vectors_are_refused(vectors, message):
    with pytest.raises(UserError, match=message):
        check_vectors(vectors, "features")


def test_two_sets_must_agree():
    with pytest.raises(UserError, match="3 and 4 components"):
        check_two_sets(real=np.zeros((5, 3)), generated=np.zeros((5, 4)))
    with pytest.raises(UserError, match="received 5 and 6"):
        check_two_sets(real=np.zeros((5, 3)), generated=np.zeros((6, 3)), same_count=True)
    real, generated = check_two_sets(real=np.zeros((5, 3)), generated=np.zeros((6, 3)))
    assert (len(real), len(generated)) == (5, 6)


def test_few_images_are_warned_of_with_the_reason(capsys):
    warn_if_few(real=np.zeros((2048, 1)), generated=np.zeros((2047, 1)))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: only 2,047 images")
    assert "singular" in line
    warn_if_few(real=np.zeros((2048, 1)), generated=np.zeros((2048, 1)))
    assert not capsys.readouterr().err
