"""What the FlexAE paper reports: its Tables 1, 2 and 4, by data set and method.

Methods carry the names of `flexae_tf.methods` where the package has them. The numbers come from
the authors' protocol (see `protocol.RELEASED`).
"""

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


def paper_values(dataset, method):
    """The paper's numbers for one trained model, under the keys of `suite`.

    Args:
      dataset: name of the data set.
      method: name of the method.

    Returns:
      {key: float}; empty where the paper reports nothing.
    """
    if dataset not in DATASETS:
        return {}
    column = DATASETS.index(dataset)
    values = {}
    if method in FID:
        values["reconstruction/fid"], values["generation/fid"] = FID[method][column]
    if method in PRD:
        values["generation/prd_f1_8"], values["generation/prd_f8"] = PRD[method][column]
    for pair, table in MEMORIZATION.items():
        if method == MEMORIZATION_METHOD or "generated" not in pair:
            values[f"pms/{pair}"], values[f"ims/{pair}"] = table[column]
    return values
