"""A folder of images with pose maps: how they are paired, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from flexae_tf import data
from flexae_tf.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Ten images of one grey level each, with maps of that level plus 100."""
    for i in range(10):
        for kind, level in (("images", 10 * i), ("poses", 10 * i + 100)):
            path = tmp_path / kind / "a" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 12), (level, level, level)).save(path)
    return tmp_path


def load(folder, image_size=8):
    return data.load(
        "pose_folder",
        data_dir=folder,
        image_size=image_size,
        cache_dir=folder and folder / "cache",
    )


def test_every_image_is_beside_its_map(folder):
    dataset = load(folder)
    assert dataset.train.shape == (9, 8, 8, 6)
    assert dataset.test.shape == (1, 8, 8, 6)
    for examples in (dataset.train, dataset.test):
        examples = np.asarray(examples, int)
        np.testing.assert_array_equal(examples[..., 3:], examples[..., :3] + 100)


def test_grey_images_with_grey_maps_have_one_channel_each(folder):
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert load(folder).shape == (8, 8, 2)


def test_the_suffix_of_a_map_may_differ(folder):
    path = folder / "poses" / "a" / "3.png"
    Image.open(path).save(path.with_suffix(".bmp"))
    path.unlink()
    assert load(folder).train.shape == (9, 8, 8, 6)


@pytest.mark.parametrize("kind", ["images", "poses"])
def test_a_file_without_counterpart(folder, kind):
    (folder / kind / "a" / "3.png").unlink()
    with pytest.raises(UserError, match=rf"3\.png has no counterpart .*{kind}/a/3\.\*"):
        load(folder)


def test_a_map_of_another_size(folder):
    Image.new("RGB", (20, 13)).save(folder / "poses" / "a" / "3.png")
    with pytest.raises(UserError, match=r"poses/a/3.png has 20x13 pixels, its image 20x12"):
        load(folder)


def test_two_files_of_a_name(folder):
    Image.new("RGB", (20, 12)).save(folder / "images" / "a" / "3.bmp")
    with pytest.raises(UserError, match="two files of one name"):
        load(folder)


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="images is not a folder"):
        load(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "poses").mkdir()
    with pytest.raises(UserError, match="at least 2 images"):
        load(tmp_path)
    with pytest.raises(UserError, match="needs --data_dir"):
        load(None)
    with pytest.raises(UserError, match="needs --image_size"):
        load(tmp_path, None)


def test_a_file_that_is_no_image(folder):
    (folder / "images" / "a" / "3.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"3\.png is not an image"):
        load(folder)
