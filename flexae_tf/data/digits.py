"""The 1,797 handwritten digits that come with scikit-learn, enlarged from 8x8 to 16x16 pixels."""

import numpy as np
from PIL import Image

SIZE = 16
TEST_COUNT = 297
_SPLIT_SEED = 0


def digits() -> dict[str, np.ndarray]:
    """The data set, white on black as MNIST is.

    Returns: dict of train and test, uint8 [1500, 16, 16, 1] and [297, 16, 16, 1], and
      train_labels and test_labels, int64.
    """
    from sklearn.datasets import load_digits  # a second to import, and no other data set needs it

    images, labels = load_digits(return_X_y=True)
    images = np.rint(images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)  # from 0..16
    enlarged = [Image.fromarray(image).resize((SIZE, SIZE), Image.BICUBIC) for image in images]
    images = np.stack(enlarged)[..., np.newaxis]  # [N, 16, 16, 1]
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(images))
    test, train = np.sort(order[:TEST_COUNT]), np.sort(order[TEST_COUNT:])
    return {
        "train": images[train],
        "test": images[test],
        "train_labels": labels[train].astype(np.int64),
        "test_labels": labels[test].astype(np.int64),
    }
