"""Latent densities: what a trained model is sampled from.

    own              the prior of the model itself
    standard_normal  N(0, I)
    gaussian         one Gaussian with the mean and covariance of the train codes
    gmm              a mixture of ten, by EM; gmm100 is a mixture of a hundred
    bayesian_gmm     the same with a Dirichlet prior; bayesian_gmm100 likewise
    second_stage     a VAE of the train codes
    flow             a normalizing flow of the train codes
    aggregated       the aggregated posterior of the train set: q(z|x) of train examples themselves

Behind a name @0.7 truncates: codes z become mean + 0.7 (z - mean), their own mean; own@0.7.
Any model whose codes are vectors can be sampled from any of them, others from their own. All but
the first two come from the codes of the train set and are kept in the run directory; those that
have arrays of their own are fitted at first use, seeded with the run's seed:

    densities/<iteration>/<name>.npz   the arrays of a density
    densities/<iteration>/codes.npz    the codes of the train set

A file carries the fingerprint of what it was fitted to, so that no other encoder picks it up.
"""

import dataclasses
import functools
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from flexae_tf import files
from flexae_tf.algorithm.conditional import ConditionalModel
from flexae_tf.data import Dataset
from flexae_tf.densities import flow, gaussians, second_stage
from flexae_tf.densities.aggregated import Aggregated
from flexae_tf.densities.codes import Codes, encode, fingerprint
from flexae_tf.densities.truncated import truncated
from flexae_tf.errors import UserError
from flexae_tf.model import StandardNormal

__all__ = ["NAMES", "attach", "check"]

OWN = "own"
AGGREGATED = "aggregated"
NAMES = (
    OWN,
    "standard_normal",
    "gaussian",
    "gmm",
    "bayesian_gmm",
    "second_stage",
    AGGREGATED,
    "flow",
)
FOLDER = "densities"
_FITTED: dict[str, tuple[Callable, Callable]] = {
    "gaussian": (gaussians.Gaussian, gaussians.fit_gaussian),
    "gmm": (gaussians.Mixture, gaussians.fit_mixture),
    "bayesian_gmm": (
        gaussians.Mixture,
        functools.partial(gaussians.fit_mixture, bayesian=True),
    ),
    "second_stage": (second_stage.SecondStage, second_stage.fit),
    "flow": (flow.load, flow.fit),
}


def check(name: str) -> str:
    """Returns the name of a density. Raises UserError if there is none of that name."""
    base, behind, psi = name.partition("@")
    known = base in NAMES or re.fullmatch("(bayesian_)?gmm[1-9][0-9]*", base)
    if not known or (behind and not re.fullmatch(r"[0-9]*\.?[0-9]+", psi)):
        raise UserError(
            f"unknown density {name!r}: expected one of {', '.join(NAMES)}, or gmm or bayesian_gmm "
            "with a number of components, such as gmm100; behind it may stand a truncation, @0.7"
        )
    return name


def attach(run: Any, name: str, dataset: Dataset | None = None) -> Any:
    """The run with a model that samples from a density, which is fitted if it never was.

    Args:
      run: `runs.Run`.
      name: as `check` takes it. "own" changes nothing.
      dataset: the run's `Dataset`; loaded if it is needed and None.

    Returns:
      A `Run` of the same autoencoder.

    Raises:
      UserError: unknown name; "own" for a model without a prior; another for codes that are no
        vectors; a file that is damaged or cannot be written; or data are needed and cannot be had.
    """
    name, _, psi = check(name).partition("@")
    if psi:
        run = attach(run, name, dataset)
        run.model.require_vectors("truncation")
        return _with_density(run, truncated(run.model, float(psi)))
    if name == OWN:
        if run.model.density is None and not isinstance(run.model, ConditionalModel):
            raise UserError(
                f"{run.settings['method']} has no prior of its own to sample from: give --density="
                + "|".join(NAMES[1:])
            )
        return run
    run.model.require_vectors(f"--density={name}")
    if name == "standard_normal":
        return _with_density(run, StandardNormal(run.model.latent_dim))
    key = fingerprint(run)
    if name == AGGREGATED:
        return _with_density(run, Aggregated(_train_codes(run, key, dataset)))
    kind = name.rstrip("0123456789")
    density, fit = _FITTED[kind]
    if kind != name:
        fit = functools.partial(fit, components=int(name.removeprefix(kind)))
    arrays = _kept(
        _path(run, name), key, lambda: fit(_train_codes(run, key, dataset), run.settings["seed"])
    )
    return _with_density(run, density(**arrays))


def _train_codes(run, key, dataset):
    def make():
        images = (run.load_dataset() if dataset is None else dataset).train
        return {k: v for k, v in encode(run.model, images)._asdict().items() if v is not None}

    arrays = _kept(_path(run, "codes"), key, make)
    return Codes(arrays["mu"], arrays.get("sigma"))


def _with_density(run, density):
    return dataclasses.replace(run, model=run.model.sampled_from(density))


def _path(run, name):
    return Path(run.path, FOLDER, str(run.iteration), f"{name}.npz")


def _kept(path, key, make):
    """The arrays of a file, or if it is not there or of another key, of `make()`, written to it."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) == key:
                return {name: file[name] for name in file.files if name != "key"}
    except FileNotFoundError:
        pass
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"cannot read {path} ({error}): delete it to fit it anew") from error
    arrays = make()
    content = io.BytesIO()
    np.savez(content, key=np.array(key), **arrays)
    files.write_bytes(path, content.getvalue())
    return arrays
