"""What the papers report of sweeps, as (reconstruction FID, generation FID) by data set.

The columns are those of `paper_values.DATASETS`. Table 3 of the FlexAE paper varies the latent
dimension m in multiples of m_b. Table 5 of its authors' slides on MaskAAE and FlexAE varies the
capacity of the prior generator over six models "in increasing order" on "limited training
datasets"; sizes and number of examples are not given.
"""

from flexae_tf.evaluation.paper_values import DATASETS

BASE_LATENT_DIM = dict(zip(DATASETS, (32, 32, 64, 64), strict=True))  # m_b

# Table 3: {method: {m / m_b: a pair for each data set}}.
LATENT_DIM = {
    "wae_gan": {
        1: ((7.98, 15.34), (20.71, 40.5), (51.36, 92.3), (32.49, 45.58)),
        2: ((5.61, 24.58), (13.94, 55.49), (48.9, 87.91), (25.72, 87.1)),
        4: ((3.99, 37.16), (10.04, 78.31), (30.47, 89.82), (19.89, 76.12)),
    },
    "flexae_sr": {
        1: ((6.19, 5.86), (10.86, 11.46), (50.36, 54.61), (23.94, 25.78)),
        2: ((3.10, 3.37), (7.20, 8.41), (43.59, 53.94), (18.58, 21.26)),
        4: ((1.64, 2.79), (4.93, 8.16), (29.71, 56.09), (16.21, 22.18)),
    },
}

# Table 5 of the slides: {data set: a pair for each of the six models}.
CAPACITY = {
    "mnist": (
        (60.51, 55.49),
        (21.00, 53.93),
        (13.41, 42.14),
        (14.40, 31.00),
        (8.11, 63.64),
        (8.94, 62.43),
    ),
    "cifar10": (
        (154.17, 135.32),
        (91.85, 104.06),
        (82.95, 108.63),
        (83.88, 108.46),
        (94.2, 120.64),
        (94.54, 121.96),
    ),
    "celeb_a": (
        (79.04, 66.84),
        (42.77, 56.16),
        (47.02, 54.32),
        (42.75, 54.14),
        (44.02, 59.3),
        (39.1, 58.49),
    ),
}
# Hidden layers and width that stand for the slides' six models here; the first is linear.
CAPACITY_LADDER = ((0, None), (1, 64), (2, 256), (3, 512), (4, 1024), (6, 2048))
CAPACITY_TRAIN_EXAMPLES = 5000


def latent_dim_values(dataset: str, method: str, latent_dim: int) -> tuple[float, float] | None:
    """Table 3's (reconstruction FID, generation FID), or None where it has none."""
    multiple, rest = divmod(latent_dim, BASE_LATENT_DIM.get(dataset, latent_dim + 1))
    if rest or multiple not in LATENT_DIM.get(method, {}):
        return None
    return LATENT_DIM[method][multiple][DATASETS.index(dataset)]


def capacity_values(dataset: str, layers: int, width: int | None) -> tuple[float, float] | None:
    """The slides' (reconstruction FID, generation FID) of the ladder's rung, or None.

    Args:
      dataset: name. layers: hidden layers of the generator. width: units of each; of no matter
        without layers.
    """
    rung = (layers, width if layers else None)
    if dataset not in CAPACITY or rung not in CAPACITY_LADDER:
        return None
    return CAPACITY[dataset][CAPACITY_LADDER.index(rung)]
