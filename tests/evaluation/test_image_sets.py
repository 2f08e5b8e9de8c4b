"""Sets of images from folders, .npz files and data sets."""

import numpy as np
import pytest
from PIL import Image

from flexae_tf import data
from flexae_tf.errors import UserError
from flexae_tf.evaluation.image_sets import load_images

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), np.uint8)


def save(folder, images=IMAGES, suffix="png"):
    for i, image in enumerate(images):
        path = folder / f"{i % 2}" / f"{i}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)


def test_folder_of_png(tmp_path, capsys):
    save(tmp_path)
    np.testing.assert_array_equal(load_images(str(tmp_path)), IMAGES[[0, 2, 1, 3]])
    assert not capsys.readouterr().err


def test_folder_of_grey_png(tmp_path):
    save(tmp_path, IMAGES[..., 0])
    np.testing.assert_array_equal(load_images(str(tmp_path)), IMAGES[[0, 2, 1, 3], ..., :1])


def test_jpeg_is_warned_of(tmp_path, capsys):
    save(tmp_path, suffix="jpg")
    assert load_images(str(tmp_path)).shape == IMAGES.shape
    (line,) = capsys.readouterr().err.splitlines()
    assert "4 of 4 images are JPEG" in line
    assert "lossy" in line


def test_npz(tmp_path):
    np.savez(tmp_path / "one.npz", anything=IMAGES)
    np.savez(tmp_path / "named.npz", labels=np.arange(4), arr_0=np.float32(IMAGES) / 255)
    np.savez(tmp_path / "grey.npz", IMAGES[..., 0])
    np.testing.assert_array_equal(load_images(str(tmp_path / "one.npz")), IMAGES)
    assert load_images(str(tmp_path / "named.npz")).dtype == np.float32
    assert load_images(str(tmp_path / "grey.npz")).shape == (4, 6, 5, 1)


def test_data_set_by_name():
    images = load_images("digits")
    np.testing.assert_array_equal(images, data.load("digits").test)


def test_unusable_sources_are_one_clear_line(tmp_path):
    def npz(name, **arrays):
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    (tmp_path / "empty").mkdir()
    (tmp_path / "sizes").mkdir()
    save(tmp_path / "sizes")
    Image.fromarray(IMAGES[0, :3]).save(tmp_path / "sizes" / "odd.png")
    (tmp_path / "alpha").mkdir()
    Image.new("RGBA", (5, 6)).save(tmp_path / "alpha" / "a.png")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "b.png").write_bytes(b"nothing")
    (tmp_path / "text.npz").write_text("nothing")
    cases = {
        "nowhere": "no such folder, .npz file or data set",
        tmp_path / "empty": "no images there",
        tmp_path / "sizes": "odd.png: expected images of one size, received 5x3 beside 5x6",
        tmp_path / "alpha": "received RGBA",
        tmp_path / "broken": "b.png is not an image",
        tmp_path / "text.npz": "not an .npz file",
        npz("pickle.npz", images=np.array([{}], dtype=object)): "not an .npz file of plain arrays",
        npz("two.npz", a=IMAGES, b=IMAGES): "received a, b",
        npz("none.npz"): "not an .npz file of plain arrays",
        npz("range.npz", images=np.float32(IMAGES)): r"\[0, 1\]",
        npz("nan.npz", images=np.full((2, 4, 4, 3), np.nan)): "NaN",
    }
    for source, message in cases.items():
        with pytest.raises(UserError, match=message) as error:
            load_images(str(source))
        assert "\n" not in str(error.value)
