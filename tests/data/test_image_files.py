"""A folder of images: what is read, converted, refused."""

import re

import numpy as np
import pytest
from PIL import Image

from flexae_tf import data
from flexae_tf.data import image_files
from flexae_tf.errors import UserError

RNG = np.random.default_rng(0)


def _noise(*shape):
    return Image.fromarray(RNG.integers(0, 256, shape, np.uint8))


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    root.mkdir()
    for number in range(10):
        _noise(20, 24, 3).save(root / f"{number}.png")
    return root


def _load(root, image_size=8):
    return data.load(
        "folder", data_dir=root, image_size=image_size, cache_dir=root.parent / "cache"
    )


def _find(dataset, image):
    """Whether an image is among the training or test images, to rounding of lossy formats."""
    both = np.concatenate([dataset.train, dataset.test]).astype(int)
    return (np.abs(both - image).max(axis=(1, 2, 3)) <= 6).any()


def test_split_is_fixed_and_leaves_nothing_out(folder):
    dataset = _load(folder)
    assert dataset.train.shape == (9, 8, 8, 3)
    assert dataset.test.shape == (1, 8, 8, 3)
    assert dataset.train.dtype == np.uint8
    assert dataset.train_labels is None
    both = np.concatenate([dataset.train, dataset.test])
    assert len(np.unique(both.reshape(10, -1), axis=0)) == 10
    for path in (folder.parent / "cache/datasets").glob("*/info.json"):
        path.unlink()
    again = _load(folder)
    assert again.fingerprint == dataset.fingerprint
    np.testing.assert_array_equal(again.test, dataset.test)


def test_order_is_kept_over_several_chunks(folder, monkeypatch):
    whole = _load(folder)
    monkeypatch.setattr(image_files, "CHUNK", 4)
    (folder.parent / "cache").rename(folder.parent / "old")
    np.testing.assert_array_equal(_load(folder).train, whole.train)


def test_centre_is_cropped_and_nothing_is_stretched(folder):
    for path in folder.iterdir():
        path.unlink()
    for name, size in ("wide", (60, 20)), ("tall", (20, 60)), ("square", (20, 20)):
        image = Image.new("RGB", size, "black")
        left, top = (size[0] - 20) // 2, (size[1] - 20) // 2
        image.paste("red", (left, top, left + 20, top + 20))
        image.save(folder / f"{name}.png")
    dataset = _load(folder, image_size=20)
    for image in (*dataset.train, *dataset.test):
        assert (image == [255, 0, 0]).all()


def test_shrinking_is_antialiased(folder):
    for path in folder.iterdir():
        path.unlink()
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    for name in "ab":
        Image.fromarray(stripes).save(folder / f"{name}.png")
    interior = _load(folder, image_size=8).train[0, 1:-1, 1:-1]
    assert abs(interior.astype(int) - 127).max() < 16


def test_grey_folder_has_one_channel(folder):
    for path in folder.iterdir():
        path.unlink()
    _noise(9, 9).save(folder / "grey.png")
    _noise(9, 9).save(folder / "grey.jpg", quality=100)
    _noise(9, 9).convert("1").save(folder / "bits.bmp")
    _noise(9, 9).convert("LA").save(folder / "alpha.png")
    dataset = _load(folder, image_size=9)
    assert dataset.shape == (9, 9, 1)
    for name in "grey.png", "grey.jpg", "bits.bmp":
        image = np.asarray(Image.open(folder / name).convert("L"))
        assert _find(dataset, image[..., np.newaxis])


def test_other_modes_are_converted_and_counted(folder, capsys):
    see_through = RNG.integers(0, 256, (8, 8, 4), np.uint8)
    see_through[..., 3] = 51  # a fifth opaque
    Image.fromarray(see_through).save(folder / "rgba.png")
    grey = _noise(8, 8)
    grey.save(folder / "grey.png")
    palette = _noise(8, 8, 3).quantize(16)
    palette.save(folder / "palette.gif")
    _noise(8, 8, 4).convert("CMYK").save(folder / "cmyk.jpg")
    dataset = _load(folder)
    assert dataset.shape == (8, 8, 3)
    assert len(dataset.train) + len(dataset.test) == 14
    assert _find(dataset, np.asarray(grey)[..., np.newaxis])
    assert _find(dataset, np.asarray(palette.convert("RGB")))
    assert _find(dataset, np.rint(0.2 * see_through[..., :3] + 0.8 * 255))
    (warning,) = (line for line in capsys.readouterr().err.splitlines() if "warning" in line)
    assert "converted to RGB: 1 CMYK, 1 grey, 1 palette, 1 transparent (laid on white)" in warning


def test_formats_orientation_and_first_frame(folder):
    for path in folder.iterdir():
        path.unlink()
    upright = np.zeros((8, 8, 3), np.uint8)
    upright[:4] = [250, 250, 0]
    image = Image.fromarray(upright)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    turned = image.transpose(Image.Transpose.ROTATE_90)
    turned.save(folder / "turned.JPEG", exif=exif, quality=100, subsampling=0)
    image.save(folder / "lossless.webp", lossless=True)
    black = Image.new("RGB", (8, 8))
    image.save(folder / "frames.gif", save_all=True, append_images=[black])
    image.save(folder / "plain.bmp")
    dataset = _load(folder)
    both = np.concatenate([dataset.train, dataset.test]).astype(int)
    assert len(both) == 4
    assert np.abs(both - upright).max() <= 6


def test_subfolders_are_classes(folder):
    for number in range(10):
        target = folder / ("cats" if number < 5 else "dogs") / "deeper"
        target.mkdir(parents=True, exist_ok=True)
        colour = "red" if number < 5 else "blue"
        Image.new("RGB", (8, 8), colour).save(target / f"{number}.png")
        (folder / f"{number}.png").unlink()
    dataset = _load(folder)
    assert dataset.label_names == ("cats", "dogs")
    for images, labels in (
        (dataset.train, dataset.train_labels),
        (dataset.test, dataset.test_labels),
    ):
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(images[:, 0, 0, 2] == 255, labels == 1)


def test_other_files_are_ignored_with_a_word(folder, capsys):
    (folder / "notes.txt").touch()
    (folder / "scan.tiff").touch()
    (folder / ".hidden.png").touch()
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails/0.png").touch()
    assert len(_load(folder).train) == 9
    err = capsys.readouterr().err
    assert "ignored 2 files" in err
    assert "1 .tiff, 1 .txt" in err


def test_changed_folder_is_decoded_again(folder):
    before = _load(folder)
    _noise(8, 8, 3).save(folder / "new.png")
    assert len(_load(folder).train) == len(before.train) + 1


def _write_text(path):
    path.write_text("no image")


def _write_truncated(path):
    _noise(64, 64, 3).save(path)
    path.write_bytes(path.read_bytes()[:2000])


BAD = {
    "text.png": (_write_text, "not an image that can be read"),
    "empty.jpg": (lambda path: path.touch(), "not an image that can be read"),
    "truncated.png": (_write_truncated, "cannot be decoded"),
    "truncated.jpg": (_write_truncated, "cannot be decoded"),
    "small.png": (lambda path: _noise(7, 30, 3).save(path), "30x7 pixels, expected at least 8"),
    "grey16.png": (
        lambda path: Image.fromarray(np.full((9, 9), 4000, np.uint16)).save(path),
        "16 bits per channel",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_named(folder, name):
    write, message = BAD[name]
    write(folder / name)
    with pytest.raises(UserError, match=f"{re.escape(str(folder / name))}.*{message}"):
        _load(folder)
    assert not list((folder.parent / "cache/datasets").glob("*/"))


def test_colour_of_16_bits_is_refused(folder):
    # Pillow writes no such file: a PNG by hand, of one black pixel row repeated.
    import struct
    import zlib

    def chunk(kind, body):
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 9, 9, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(9 * 6)) * 9)
    png = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (folder / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + png)
    with pytest.raises(UserError, match=r"deep\.png has 16 bits per channel"):
        _load(folder)


def test_broken_link_is_named(folder):
    (folder / "link.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(UserError, match=r"cannot be read: .*link\.png"):
        _load(folder)


def test_missing_settings_and_folders(folder, tmp_path):
    with pytest.raises(UserError, match="needs --data_dir"):
        data.load("folder", image_size=8)
    with pytest.raises(UserError, match="needs --image_size"):
        data.load("folder", data_dir=folder)
    with pytest.raises(UserError, match="is not a folder"):
        data.load("folder", data_dir=tmp_path / "none", image_size=8)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"at least 2 images.*found 0"):
        data.load("folder", data_dir=tmp_path / "empty", image_size=8)
    _noise(8, 8).save(tmp_path / "empty/one.png")
    with pytest.raises(UserError, match=r"at least 2 images.*found 1"):
        data.load("folder", data_dir=tmp_path / "empty", image_size=8)
