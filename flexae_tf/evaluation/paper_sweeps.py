"""What the papers' sweeps vary, and what the slides report of theirs.

Table 3 of the FlexAE paper varies the latent dimension m in multiples of m_b; its values are in
`papers/flexae_dimension.toml`. Table 5 of its authors' slides on MaskAAE and FlexAE varies the
capacity of the prior generator over six models "in increasing order" on "limited training
datasets"; sizes and number of examples are not given, so its (reconstruction FID, generation FID)
stand beside a ladder of ours. Their Figure 6 is MaskAAE on MNIST for three m; the dimensions that
it leaves active are in `papers/mask_aae.toml`.

Morrow and Chiu's Figure 3 varies beta for three models, each with five seeds, and their Figure 5
the latent dimension at beta 0 and 1. Both are curves: the text has neither their values nor those
on their axes, which are ours.
"""

BASE_LATENT_DIM = {"mnist": 32, "fashion_mnist": 32, "cifar10": 64, "celeb_a": 64}  # m_b

MASK_LATENT_DIMS = {"mnist": (32, 64, 110)}

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

BETAS = ("0", "0.001", "0.01", "0.1", "0.5", "1")
BETA_MODELS = (
    ("flow_vae", "fixed_variance"),
    ("flow_vae", "learned_variance"),
    ("learned_prior_aae", ""),
)
BETA_LATENT_DIMS = ("8", "16", "32", "64", "128")
BETA_SEEDS = ("0", "1", "2", "3", "4")


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
