"""Rendered stick figures beside maps of their pose: appearance and pose are independent.

An example is an image of an articulated figure and, in as many channels after it, its pose map.
Everything follows from its number: the pose (joint angles and place) from one stream of random
numbers, the appearance (colours and thickness of the limbs) from another, so that the picture of
one figure's appearance in another's pose can be rendered as well.

Coordinates are (x, y) in [0, 1] from the upper left corner. Hands and feet carry discs, the marks,
in four saturated colours a quarter of the hue circle apart that are the same in all images. All
other colours are muted, so that the pose can be read from a picture alone (`evaluation.pose`).
"""

import functools
from collections.abc import Sequence

import numpy as np

from flexae_tf.data.cache import Source, Split
from flexae_tf.errors import UserError

SIZE = 64  # pixels, where no size is given
LEAST_SIZE = 16
TRAIN_COUNT, TEST_COUNT = 4_000, 400
JOINTS = (
    *("pelvis", "neck", "head"),
    *("left elbow", "left hand", "right elbow", "right hand"),
    *("left knee", "left foot", "right knee", "right foot"),
)
# Rows of `joints` that carry a mark, and the marks' colours (hues of 0, 90, 180, 270 degrees).
MARKED = (4, 6, 8, 10)
MARK_COLOURS = np.array([[1, 0, 0], [0.5, 1, 0], [0, 1, 1], [0.5, 0, 1]])
MARK_RADIUS = 0.045

# Limbs as pairs of joints; the colours of `appearances` that the image has them in, and the map's.
_LIMBS = np.array([[0, 1], [1, 3], [3, 4], [1, 5], [5, 6], [0, 7], [7, 8], [0, 9], [9, 10]])
_TORSO, _ARMS, _LEGS, _HEAD, _BACKGROUND = range(5)
_PARTS = np.array([_TORSO, _ARMS, _ARMS, _ARMS, _ARMS, _LEGS, _LEGS, _LEGS, _LEGS])
_MAP_COLOURS = np.array(
    [[1, 1, 1], *[[1, 0, 0]] * 2, *[[0, 1, 0]] * 2, *[[0, 0, 1]] * 2, *[[1, 1, 0]] * 2]
)
_MAP_THICKNESS = 0.03
_TORSO_LENGTH, _HEAD_RADIUS = 0.24, 0.065
_UPPER_LENGTHS = np.array([0.13, 0.13, 0.17, 0.17])  # arms, then legs
_LOWER_LENGTHS = np.array([0.12, 0.12, 0.16, 0.16])
_MOST_CHROMA = 0.2  # of a muted colour, the norm of what is left without its mean
_CHUNK = 100  # examples rendered between two writes


def source(image_size: int | None) -> Source:
    """`Source` of the data set: 4,000 train and 400 test figures, uint8 [H, W, 3 + 3].

    Args:
      image_size: H = W; 64 by default.

    Raises: UserError where limbs would be thinner than a pixel.
    """
    size = image_size or SIZE
    if size < LEAST_SIZE:
        raise UserError(f"stick_figures needs --image_size of at least {LEAST_SIZE}")
    return Source("stick_figures", {"image_size": size}, [], functools.partial(_open, size))


def test_numbers() -> range:
    """Numbers of the figures that are the test examples, in their order."""
    return range(TRAIN_COUNT, TRAIN_COUNT + TEST_COUNT)


def joints(numbers: Sequence[int]) -> np.ndarray:
    """Coordinates of the joints (see JOINTS) of figures, float64 [N, 11, 2]."""
    return np.stack([_joints(number) for number in numbers])


def appearances(numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Colours (torso, arms, legs, head, background) [N, 5, 3] and thicknesses of limbs [N]."""
    colours, thicknesses = zip(*[_appearance(number) for number in numbers], strict=True)
    return np.stack(colours), np.array(thicknesses)


def images(appearance_numbers: Sequence[int], pose_numbers: Sequence[int], size: int) -> np.ndarray:
    """Figures with the appearance of some numbers in the pose of others, uint8 [N, H, W, 3]."""
    points = joints(pose_numbers)  # [N, 11, 2]
    colours, thicknesses = appearances(appearance_numbers)
    shape = (len(points), size, size, 3)
    picture = np.broadcast_to(colours[:, _BACKGROUND, None, None], shape).copy()
    for limb, part in zip(_LIMBS, _PARTS, strict=True):
        distance = _distance_to_segment(points[:, limb], size)  # [N, H, W]
        _paint(picture, distance - thicknesses[:, None, None] / 2, colours[:, part])
    discs = [(2, _HEAD_RADIUS, colours[:, _HEAD])]
    discs += [
        (joint, MARK_RADIUS, np.broadcast_to(colour, (len(points), 3)))
        for joint, colour in zip(MARKED, MARK_COLOURS, strict=True)
    ]
    for joint, radius, colour in discs:
        _paint(picture, _distance_to_segment(points[:, [joint, joint]], size) - radius, colour)
    return np.rint(picture * 255).astype(np.uint8)


def pose_maps(numbers: Sequence[int], size: int) -> np.ndarray:
    """Sticks of equal thickness, a colour for each limb, on black; uint8 [N, H, W, 3]."""
    points = joints(numbers)
    picture = np.zeros((len(points), size, size, 3))
    for limb, colour in zip(_LIMBS, _MAP_COLOURS, strict=True):
        distance = _distance_to_segment(points[:, limb], size)
        _paint(picture, distance - _MAP_THICKNESS / 2, np.broadcast_to(colour, (len(points), 3)))
    head = _distance_to_segment(points[:, [2, 2]], size) - _HEAD_RADIUS
    _paint(picture, head, np.ones((len(points), 3)))
    return np.rint(picture * 255).astype(np.uint8)


def _open(size):
    """As `Source.open`."""
    numbers = {"train": range(TRAIN_COUNT), "test": test_numbers()}
    shape = (size, size, 6)
    splits = {k: Split(len(n), shape, np.uint8, _chunks(n, size)) for k, n in numbers.items()}
    return splits, ()


def _chunks(numbers, size):
    for start in range(0, len(numbers), _CHUNK):
        part = numbers[start : start + _CHUNK]
        yield np.concatenate([images(part, part, size), pose_maps(part, size)], axis=-1), None


def _joints(number):
    """Coordinates [11, 2] of one figure; every limb stays inside the image."""
    rng = np.random.default_rng([0, number])
    pelvis = np.array([0.5, 0.55]) + rng.uniform(-0.04, 0.04, 2)
    lean = rng.uniform(-0.25, 0.25)  # radians from upright
    # Of the upper and lower part of left arm, right arm, left leg, right leg: radians outwards
    # from straight down, and what the lower part adds to that.
    upper = rng.uniform([0.2, 0.2, 0.25, 0.25], [2.2, 2.2, 0.9, 0.9])
    bend = rng.uniform([-0.3, -0.3, -0.3, -0.3], [1.0, 1.0, 0.2, 0.2])
    outwards = np.array([-1, 1, -1, 1])  # on the screen
    neck = pelvis + _TORSO_LENGTH * np.array([np.sin(lean), -np.cos(lean)])
    head = neck + 1.2 * _HEAD_RADIUS * np.array([np.sin(lean), -np.cos(lean)])
    roots = np.stack([neck, neck, pelvis, pelvis])
    middles = roots + _UPPER_LENGTHS[:, None] * _direction(upper, outwards)
    ends = middles + _LOWER_LENGTHS[:, None] * _direction(upper + bend, outwards)
    limbs = np.stack([middles, ends], 1).reshape(8, 2)
    return np.concatenate([[pelvis, neck, head], limbs])


def _direction(angle, outwards):
    """Unit vectors [4, 2] at angles [4] outwards from straight down."""
    return np.stack([outwards * np.sin(angle), np.cos(angle)], 1)


def _appearance(number):
    """Five muted colours [5, 3] and the thickness of the limbs."""
    rng = np.random.default_rng([1, number])
    grey = rng.uniform(0.45, 0.85, (5, 1))
    grey[_BACKGROUND] = rng.uniform(0.05, 0.3)  # figures are lighter than what is behind them
    hue = rng.uniform(0, 2 * np.pi, (5, 1))
    chroma = _MOST_CHROMA * rng.uniform(0, 1, (5, 1))
    thirds = 2 * np.pi / 3 * np.arange(3)
    muted = grey + np.sqrt(2 / 3) * chroma * np.cos(hue - thirds)
    return np.clip(muted, 0, 1), rng.uniform(0.035, 0.075)


def _distance_to_segment(ends, size):
    """Distances [N, H, W] of pixels' centres to segments [N, 2, 2]."""
    centres = (np.arange(size) + 0.5) / size
    pixels = np.stack(np.meshgrid(centres, centres), -1)  # [H, W, 2] of (x, y)
    start, along = (t[:, None, None] for t in (ends[:, 0], ends[:, 1] - ends[:, 0]))
    length = np.maximum(np.sum(along**2, -1), 1e-12)
    share = np.clip(np.sum((pixels - start) * along, -1) / length, 0, 1)  # [N, H, W]
    return np.linalg.norm(pixels - start - share[..., None] * along, axis=-1)


def _paint(picture, distance, colour):
    """Paints, in place, where a signed distance [N, H, W] is below 0; edges a pixel wide."""
    covered = np.clip(0.5 - distance * picture.shape[1], 0, 1)[..., None]
    picture += covered * (colour[:, None, None] - picture)
