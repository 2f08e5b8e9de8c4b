"""CelebA's crops, and the folder in which it is distributed."""

import numpy as np
import pytest
from PIL import Image

from flexae_tf import data
from flexae_tf.data import celeba
from flexae_tf.errors import UserError

NAMES = [f"{number:06d}.jpg" for number in range(1, 9)]
PARTITION = [0, 0, 1, 0, 2, 2, 1, 0]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "celeba"
    (root / celeba.FOLDER).mkdir(parents=True)
    for shade, name in enumerate(NAMES):
        Image.new("RGB", (178, 218), (shade * 30, 0, 0)).save(root / celeba.FOLDER / name)
    lines = [f"{name} {part}\n" for name, part in zip(NAMES, PARTITION, strict=True)]
    (root / "list_eval_partition.txt").write_text("".join(lines))
    return root


def _load(folder, **settings):
    return data.load("celeb_a", data_dir=folder, cache_dir=folder.parent / "cache", **settings)


def test_official_partition(folder):
    dataset = _load(folder)
    assert dataset.train.shape == (4, 64, 64, 3)
    assert dataset.test.shape == (2, 64, 64, 3)
    assert dataset.train.dtype == np.uint8
    assert dataset.train_labels is None
    np.testing.assert_allclose(dataset.train[:, 9, 9, 0], [0, 30, 90, 210], atol=3)
    np.testing.assert_allclose(dataset.test[:, 9, 9, 0], [120, 150], atol=3)


def test_attributes(folder):
    lines = [
        f"{name}  {-1 if row % 2 else 1} {1 if row > 5 else -1}" for row, name in enumerate(NAMES)
    ]
    text = "\n".join([str(len(NAMES)), "Bald Smiling ", *lines])
    (folder / "list_attr_celeba.txt").write_text(text)
    dataset = _load(folder)
    assert dataset.label_names == ("Bald", "Smiling")
    assert dataset.train_labels.dtype == np.uint8
    assert dataset.train_labels.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert dataset.test_labels.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize(
    ("crop", "rows", "columns"), [(140, (39, 179), (19, 159)), (128, (45, 173), (25, 153))]
)
def test_crop_is_exact(crop, rows, columns):
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[slice(*rows), slice(*columns)] = 200
    image = Image.fromarray(pixels)
    assert (celeba.crop_and_resize(image, crop=crop, image_size=64) == 200).all()
    unscaled = celeba.crop_and_resize(image, crop=crop, image_size=crop)
    assert unscaled.shape == (crop, crop, 3)
    assert (unscaled == 200).all()


def test_resize_is_antialiased():
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[:, ::2] = 255
    resized = celeba.crop_and_resize(Image.fromarray(pixels), crop=128, image_size=32)
    assert abs(resized[:, 2:-2].astype(int) - 127).max() < 16


def test_crop_and_size_make_different_data_sets(folder):
    datasets = [_load(folder), _load(folder, celeba_crop=128), _load(folder, image_size=32)]
    assert len({dataset.fingerprint for dataset in datasets}) == 3
    assert datasets[2].shape == (32, 32, 3)
    assert _load(folder, celeba_crop=178).shape == (64, 64, 3)
    with pytest.raises(UserError, match=r"--celeba_crop between 1 and 178, .* received 179"):
        _load(folder, celeba_crop=179)
    with pytest.raises(UserError, match="--image_size between 1 and the crop 140, received 256"):
        _load(folder, image_size=256)


def test_missing_files_are_named(folder):
    (folder / celeba.FOLDER / NAMES[4]).unlink()
    with pytest.raises(UserError, match=r"1 of the 6 images.*first is 000005\.jpg"):
        _load(folder)
    (folder / celeba.FOLDER / NAMES[2]).unlink()  # of the validation images: not needed
    (folder / "list_eval_partition.txt").unlink()
    with pytest.raises(UserError, match=r"list_eval_partition\.txt is missing"):
        _load(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "000001.jpg 0\n000002.jpg 3\n",
            "line 2: expected 'NAME.jpg 0|1|2', received '000002.jpg 3'",
        ),
        ("000001.jpg 0\n", "expected images of partition 0 .* and 2"),
    ],
)
def test_partition_of_another_form_is_refused(folder, text, message):
    (folder / "list_eval_partition.txt").write_text(text)
    with pytest.raises(UserError, match=message.replace("|", r"\|")):
        _load(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the count, the names"),
        ("1\nBald\n000001.jpg 0\n", "line 3: expected a name and 1 values"),
        ("1\nBald Young\n000001.jpg 1\n", "line 3: expected a name and 2 values"),
        ("1\nBald\n000001.jpg 1\n", r"has no line for 000002\.jpg"),
    ],
)
def test_attributes_of_another_form_are_refused(folder, text, message):
    (folder / "list_attr_celeba.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        _load(folder)


def test_bad_image_is_named(folder):
    Image.new("RGB", (64, 64)).save(folder / celeba.FOLDER / NAMES[1])
    with pytest.raises(UserError, match=r"000002\.jpg: expected 178x218 pixels, received 64x64"):
        _load(folder)
    (folder / celeba.FOLDER / NAMES[1]).write_bytes(b"no image")
    with pytest.raises(UserError, match=r"000002\.jpg cannot be decoded"):
        _load(folder)


def test_validation_images_are_of_their_own_split(folder):
    whole, validated = _load(folder), _load(folder, validation_images=2)
    np.testing.assert_array_equal(validated.train, whole.train)
    assert validated.validation.shape == (2, 64, 64, 3)
    np.testing.assert_allclose(validated.validation[:].array[:, 9, 9, 0], [60, 180], atol=3)
    assert validated.validation_labels is None
    assert _load(folder, validation_images=1).fingerprint != validated.fingerprint
    assert validated.fingerprint != whole.fingerprint == _load(folder).fingerprint
    with pytest.raises(UserError, match="--validation_images=3: celeb_a has 2 validation examples"):
        _load(folder, validation_images=3)


def test_a_partition_without_validation_images_is_named(folder):
    lines = [f"{name} {part}\n" for name, part in zip(NAMES, [0, 0, 2, 0, 2, 2, 2, 0], strict=True)]
    (folder / "list_eval_partition.txt").write_text("".join(lines))
    with pytest.raises(UserError, match=r"expected images of partition 1 \(validation\)"):
        _load(folder, validation_images=1)
