"""What the papers report, by data set and method.

FlexAE's Tables 1, 2 and 4, whose methods carry the names of `flexae_tf.methods` where the package
has them; the numbers come from the authors' protocol (see `protocol.RELEASED`). And Tables 1 and 2
of Ghosh et al., "From Variational to Deterministic Autoencoders", whose methods carry the names of
`model_name`.
"""

from collections.abc import Mapping
from typing import Any

DATASETS = ("mnist", "fashion_mnist", "cifar10", "celeb_a")

# Table 1: {method: FID as (reconstruction, generation) for each data set}. Lower is better.
FID = {
    "vae": ((52.14, 56.07), (55.90, 63.01), (166.45, 143.31), (56.66, 63.85)),
    "vae_flow": ((28.12, 33.27), (34.87, 49.32), (90.98, 123.25), (39.21, 45.89)),
    "vampprior": ((21.27, 55.76), (31.11, 50.56), (109.43, 141.12), (51.31, 60.16)),
    "iop": ((28.01, 40.16), (30.20, 45.39), (88.17, 134.72), (46.51, 59.35)),
    "vq_vae": ((10.95, 12.07), (22.47, 25.73), (52.11, 85.98), (34.23, 42.15)),
    "wae_gan": ((10.48, 13.60), (25.93, 30.21), (51.36, 92.30), (32.49, 45.58)),
    "two_stage_vae": ((10.83, 11.91), (22.43, 28.57), (73.07, 94.57), (37.60, 44.85)),
    "ae_gmm": ((9.69, 14.70), (21.59, 26.74), (51.45, 95.77), (30.16, 43.79)),
    "rae_gmm": ((9.25, 10.80), (19.71, 25.50), (50.84, 90.40), (34.35, 44.72)),
    "maskaae": ((9.53, 10.12), (21.59, 27.29), (71.40, 88.82), (39.75, 46.79)),
    "pioneer": ((8.17, 7.30), (15.91, 17.25), (51.07, 59.12), (25.35, 27.94)),
    "alae": ((7.97, 7.07), (13.25, 16.87), (50.93, 57.36), (24.39, 26.15)),
    "flexae": ((8.28, 7.28), (14.68, 14.81), (69.63, 74.45), (35.31, 36.99)),
    "flexae_sr": ((7.63, 6.75), (14.17, 14.41), (50.36, 54.61), (23.94, 25.78)),
}

# Table 2: {method: PRD as (F_1/8, F_8) for each data set}. Higher is better.
PRD = {
    "vae": ((0.68, 0.74), (0.61, 0.66), (0.28, 0.44), (0.48, 0.57)),
    "two_stage_vae": ((0.95, 0.98), (0.80, 0.78), (0.44, 0.61), (0.72, 0.78)),
    "rae_gmm": ((0.96, 0.97), (0.78, 0.77), (0.49, 0.59), (0.67, 0.75)),
    "maskaae": ((0.94, 0.96), (0.71, 0.83), (0.45, 0.62), (0.65, 0.62)),
    "alae": ((0.98, 0.99), (0.97, 0.96), (0.73, 0.85), (0.84, 0.81)),
    "flexae": ((0.98, 0.99), (0.98, 0.98), (0.65, 0.80), (0.71, 0.76)),
    "flexae_sr": ((0.98, 0.99), (0.98, 0.99), (0.79, 0.87), (0.85, 0.88)),
}

# Table 4: {pair of sets: (PMS, IMS) for each data set}; the generated images are FlexAE-SR's.
MEMORIZATION = {
    "train_train": ((4.72, 7.11), (4.01, 9.22), (9.75, 12.54), (18.42, 8.73)),
    "generated_train": ((4.66, 7.10), (3.99, 9.13), (9.64, 14.40), (18.01, 9.37)),
    "train_test": ((4.77, 7.12), (4.01, 9.26), (9.74, 12.51), (18.50, 8.75)),
    "generated_test": ((4.66, 7.12), (3.90, 9.16), (9.68, 14.40), (17.86, 9.34)),
}
MEMORIZATION_METHOD = "flexae_sr"


# FlexAE's rows of models that are sampled from another density: {model name: (row, density)}.
_EX_POST_ROWS = {"AE-L2": ("ae_gmm", "gmm"), "RAE-L2": ("rae_gmm", "gmm")}

# Ghosh et al., Table 1: {data set: {model: FID as (reconstruction, N, GMM, interpolation)}}.
RAE_FID = {
    "mnist": {
        "VAE": (18.26, 19.21, 17.66, 18.21),
        "CV-VAE": (15.15, 33.79, 17.87, 25.12),
        "WAE-MMD": (10.03, 20.42, 9.39, 14.34),
        "RAE-GP": (14.04, 22.21, 11.54, 15.32),
        "RAE-L2": (10.53, 22.22, 8.69, 14.54),
        "RAE-SN": (15.65, 19.67, 11.74, 15.15),
        "RAE": (11.67, 23.92, 9.81, 14.67),
        "AE": (12.95, 58.73, 10.66, 17.12),
    },
    "cifar10": {
        "VAE": (57.94, 106.37, 103.78, 88.62),
        "CV-VAE": (37.74, 94.75, 86.64, 69.71),
        "WAE-MMD": (35.97, 117.44, 93.53, 76.89),
        "RAE-GP": (32.17, 83.05, 76.33, 64.08),
        "RAE-L2": (32.24, 80.80, 74.16, 62.54),
        "RAE-SN": (27.61, 84.25, 75.30, 63.62),
        "RAE": (29.05, 83.87, 76.28, 63.27),
        "AE": (30.52, 84.74, 76.47, 61.57),
    },
    "celeb_a": {
        "VAE": (39.12, 48.12, 45.52, 44.49),
        "CV-VAE": (40.41, 48.87, 49.30, 44.96),
        "WAE-MMD": (34.81, 53.67, 42.73, 40.93),
        "RAE-GP": (39.71, 116.30, 45.63, 47.00),
        "RAE-L2": (43.52, 51.13, 47.97, 45.98),
        "RAE-SN": (36.01, 44.74, 40.95, 39.53),
        "RAE": (40.18, 48.20, 44.68, 43.67),
        "AE": (40.79, 127.85, 45.10, 50.94),
    },
}

# Ghosh et al., Table 2: {data set: {model: PRD as (F_1/8, F_8) of N and of GMM}}.
RAE_PRD = {
    "mnist": {
        "VAE": ((0.96, 0.92), (0.95, 0.96)),
        "CV-VAE": ((0.84, 0.73), (0.96, 0.89)),
        "WAE-MMD": ((0.93, 0.88), (0.98, 0.95)),
        "RAE-GP": ((0.93, 0.87), (0.97, 0.98)),
        "RAE-L2": ((0.92, 0.87), (0.98, 0.98)),
        "RAE-SN": ((0.89, 0.95), (0.98, 0.97)),
        "RAE": ((0.92, 0.85), (0.98, 0.98)),
        "AE": ((0.90, 0.90), (0.98, 0.97)),
    },
    "cifar10": {
        "VAE": ((0.25, 0.55), (0.37, 0.56)),
        "CV-VAE": ((0.31, 0.64), (0.42, 0.68)),
        "WAE-MMD": ((0.38, 0.68), (0.51, 0.81)),
        "RAE-GP": ((0.36, 0.70), (0.46, 0.77)),
        "RAE-L2": ((0.41, 0.77), (0.57, 0.81)),
        "RAE-SN": ((0.36, 0.73), (0.52, 0.81)),
        "RAE": ((0.45, 0.73), (0.53, 0.80)),
        "AE": ((0.37, 0.73), (0.50, 0.80)),
    },
    "celeb_a": {
        "VAE": ((0.54, 0.66), (0.50, 0.66)),
        "CV-VAE": ((0.25, 0.43), (0.32, 0.55)),
        "WAE-MMD": ((0.59, 0.68), (0.69, 0.77)),
        "RAE-GP": ((0.38, 0.55), (0.44, 0.67)),
        "RAE-L2": ((0.36, 0.64), (0.44, 0.65)),
        "RAE-SN": ((0.54, 0.68), (0.55, 0.74)),
        "RAE": ((0.46, 0.59), (0.52, 0.69)),
        "AE": ((0.45, 0.66), (0.47, 0.71)),
    },
}

_MODEL_NAMES = {
    "aae": "AAE",
    "ae": "AE",
    "cv_vae": "CV-VAE",
    "flexae": "FlexAE",
    "flexae_sr": "FlexAE-SR",
    "learned_prior_aae": "AAE, learned prior",
    "rae": "RAE",
    "two_stage_vae": "2-Stage VAE",
    "vae": "VAE",
    "wae_gan": "WAE-GAN",
    "wae_mmd": "WAE-MMD",
}
_REGULARIZER_ENDINGS = {
    "none": "",
    "l2": "-L2",
    "gradient_penalty": "-GP",
    "spectral_norm": "-SN",
}


def model_name(settings: Mapping[str, Any]) -> str:
    """What the papers call the model of a run.

    Args:
      settings: {flag: value}, resolved, with method and what tells its kinds apart.

    Returns:
      A name such as "RAE-L2"; with what the papers do not have in parentheses, "VAE (learned
      variance)".
    """
    name = _MODEL_NAMES.get(settings["method"], settings["method"])
    if settings.get("weight_decay_weight"):
        name += "-L2"
    name += _REGULARIZER_ENDINGS.get(settings.get("regularizer", ""), "")
    likelihood = settings.get("likelihood", "fixed_variance")
    if settings["method"] == "vae" and likelihood != "fixed_variance":
        name += f" ({likelihood.replace('_', ' ')})"
    return name


def rae_values(dataset: str, model: str) -> dict[str, float]:
    """What Ghosh et al. report of a model.

    Args:
      dataset: name of the data set.
      model: a name of `model_name`.

    Returns:
      {column: value}, columns "rec", "n", "gmm" and "interp" of FID and "n/precision", "n/recall",
      "gmm/precision" and "gmm/recall" of PRD; empty where they report nothing.
    """
    if model not in RAE_FID.get(dataset, {}):
        return {}
    values = dict(zip(("rec", "n", "gmm", "interp"), RAE_FID[dataset][model], strict=True))
    for density, pair in zip(("n", "gmm"), RAE_PRD[dataset][model], strict=True):
        values[f"{density}/precision"], values[f"{density}/recall"] = pair
    return values


def paper_values(
    dataset: str | None, method: str | None, model: str | None = None, density: str = "own"
) -> dict[str, float]:
    """The FlexAE paper's numbers for one trained model, under the keys of `suite`.

    Args:
      dataset: name of the data set.
      method: name of the method.
      model: its name by `model_name`, where that is another row than the method's.
      density: what it is sampled from. From another one than the paper's, generated images have
        no numbers.

    Returns:
      {key: float}; empty where the paper reports nothing.
    """
    if dataset not in DATASETS:
        return {}
    column = DATASETS.index(dataset)
    row, density_of_row = _EX_POST_ROWS.get(model or "", (method or "", "own"))
    values = {}
    if row in FID:
        values["reconstruction/fid"], values["generation/fid"] = FID[row][column]
    if row in PRD:
        values["generation/prd_f1_8"], values["generation/prd_f8"] = PRD[row][column]
    for pair, table in MEMORIZATION.items():
        if row == MEMORIZATION_METHOD or "generated" not in pair:
            values[f"pms/{pair}"], values[f"ims/{pair}"] = table[column]
    if density != density_of_row:
        values = {key: value for key, value in values.items() if "generat" not in key}
    return values
