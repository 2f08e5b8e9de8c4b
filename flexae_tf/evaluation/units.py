"""From the units of a source's program to those of this project.

Every loss here is a mean over images of sums over pixels and channels, of images in [0, 1]:
|x - x_hat|^2 for autoencoders, half of it for Gaussian likelihoods. A program that minimizes our
objective divided by a constant, `scale`, has weights that are ours divided by the same constant:

    objective      its term of the error e = x - x_hat          ours           scale
    sum            sum e^2, or a likelihood's sum e^2 / 2       the same       1
    mean           mean of e^2 over pixels and channels         sum e^2        H W C
    channel_mean   sum over pixels of the mean over channels    sum e^2 / 2    C / 2
    twentieth      0.05 sum e^2, images in an interval of       sum e^2        20 / width^2
                   length `width`

Adam divides by its epsilon beside the gradient's size, and a plateau is left by a difference of
losses, so both are multiplied by the scale as well. RAE's program takes the mean of z^2 over the m
components, Eq. 15 and this project half of the sum: the scale of that weight is 2 / m more.
"""

from collections.abc import Mapping
from typing import Any


def scale(own: Mapping[str, Any], shape: tuple[int, int, int]) -> float:
    """What the source's losses are multiplied by to be ours.

    Args:
      own: the source's numbers, `objective` and `width` among them.
      shape: (H, W, C) of its images.
    """
    height, width, channels = shape
    return {
        "sum": 1.0,
        "mean": float(height * width * channels),
        "channel_mean": channels / 2,
        "twentieth": 20 / own.get("width", 1) ** 2,
    }[own["objective"]]


def flags(own: Mapping[str, Any], shape: tuple[int, int, int], latent_dim: int) -> dict[str, Any]:
    """{flag: value} in our units of a source's own numbers.

    Args:
      own: {name: value} of a row (see `sources`): objective, weights, epsilon, plateau, and lengths
        in epochs.
      shape: (H, W, C) of its images.
      latent_dim: m.
    """
    by = scale(own, shape)
    found: dict[str, Any] = {}
    for name, weight in own.get("weights", {}).items():
        found[name] = weight * by * (2 / latent_dim if name == "latent_norm_weight" else 1)
    if "input_noise" in own:
        found["input_noise"] = own["input_noise"] / own.get("width", 1)
    if "epsilon" in own:
        players = ["autoencoder", "second_stage"][: own.get("stages", 1)]
        found |= {f"{player}_epsilon": own["epsilon"] * by for player in players}
    return found | _lengths(own) | _schedules(own, by)


def _lengths(own):
    """Iterations of epochs, and those of a pre-training before them."""
    steps, before = own.get("epoch_steps", 0), own.get("pretraining_steps", 0)
    found = {"pretraining_steps": before} if before else {}
    if "epochs" in own:
        return found | {"training_steps": before + own["epochs"] * steps}
    if "first_epochs" not in own:
        return found
    first, second = own["first_epochs"] * steps, own["second_epochs"] * steps
    if own.get("stages", 1) == 1:
        return found | {"training_steps": first}
    return found | {"training_steps": first + second, "first_stage_steps": first}


def _schedules(own, by):
    steps = own.get("epoch_steps", 0)
    if "halve_epochs" in own:
        found = {"halve_rates_every_steps": own["halve_epochs"] * steps}
        if own.get("stages", 1) == 2:
            found["second_stage_halve_every_steps"] = own["second_halve_epochs"] * steps
        return found
    if "plateau" in own:
        plateau = own["plateau"] | {"min_delta": own["plateau"]["min_delta"] * by}
        pairs = ",".join(f"{name}={value:.4g}" for name, value in plateau.items())
        return {"autoencoder_schedule": f"plateau:{pairs}", "validate_every_steps": steps}
    if "piecewise" in own:
        pairs = ",".join(f"{int(epoch) * steps}={f:g}" for epoch, f in own["piecewise"].items())
        text = f"piecewise:{pairs}"
    elif "exponential" in own:
        text = f"exponential:{own['epochs'] * steps}={own['exponential']:g}"
    else:
        return {}
    return {f"{player}_schedule": text for player in own.get("schedules", ["autoencoder"])}
