"""Figure 5 of the slides on MaskAAE: what becomes of models as m leaves the true dimension n.

Data of n = 8 (5a) and 16 (5b), a WAE, MaskAAE and FlexAE of several m. The slides give neither
networks nor rates of theirs; here all three models have those of MaskAAE's program for MNIST, with
128 units instead of 1,024 (`networks/mask_aae.py`: a decoder of one layer, Table 6's, could not be
the data's own function with n dimensions), Table 6's critic, RMSProp with the program's rates and
batch size 64, FlexAE's generator its own.

Lengths are ours. In the program's 500,000 iterations the weight c of the mask's polarization comes
to its largest value before half of them are over; in fewer it would hardly rise, so the interval of
the mask's schedule is such that c comes to it with the last iteration, if it does not before.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flexae_tf import files
from flexae_tf.algorithm.masks import MaskSchedule
from flexae_tf.errors import UserError
from flexae_tf.experiments import claims, synthetic_figures
from flexae_tf.experiments.claims import Ends
from flexae_tf.experiments.synthetic import Experiment, SyntheticRun
from flexae_tf.experiments.synthetic_measures import MEASURES

MODELS = ("wae_normal", "mask_aae", "flexae")
TRAINING_STEPS = 20_000
_RATES = {"autoencoder": 5e-4, "latent_critic": 1e-4, "encoder": 1e-4}
_RMSPROP = {"optimizer": "rmsprop", "beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-10}
_FLAGS = (
    "--variant=released",
    "--networks=mask_aae",
    "--batch_size=64",
    *[f"--{player}_learning_rate={rate}" for player, rate in _RATES.items()],
    *[f"--{player}_{name}={value}" for player in _RATES for name, value in _RMSPROP.items()],
)


@dataclasses.dataclass(frozen=True)
class Study:
    """What a panel of the figure compares.

    Attributes:
      name: the panel's. true_dim: n. latent_dims: m, from below n to far above.
      models: names in MODELS.
    """

    name: str
    true_dim: int
    latent_dims: tuple[int, ...]
    models: tuple[str, ...] = MODELS

    def experiment(self, latent_dim: int, training_steps: int) -> Experiment:
        """The Experiment of one m: above n, a mask is said to bring the distance down."""
        masked = {"mask_aae", "wae_normal"} <= set(self.models) and latent_dim > self.true_dim
        claims = (("frechet_distance", "mask_aae", "wae_normal"),) if masked else ()
        flags = {model: list(_FLAGS) for model in self.models}
        if "mask_aae" in flags:
            interval = mask_interval(latent_dim, training_steps)
            flags["mask_aae"].append(f"--mask_interval_steps={interval}")
        return Experiment(self.name, self.true_dim, latent_dim, self.models, claims, flags)


def mask_interval(latent_dim: int, training_steps: int) -> int:
    """I with which c is at its largest in so many iterations, or the program's if that is less."""
    schedule = MaskSchedule(latent_dim)
    return max(1, min(schedule.interval, training_steps // (4 * schedule.doublings)))


STUDIES = {
    "5a": Study("5a", 8, (4, 8, 12, 16, 32)),
    "5b": Study("5b", 16, (8, 16, 24, 32, 64)),
}
# {m: what `claims.summary` says}
Found = Mapping[int, Ends]


def narrowed(study: Study, latent_dims: Iterable[str], models: Iterable[str]) -> Study:
    """A study of some m and models only, given as texts; none means all.

    Raises:
      UserError: an m is no number above 0, or there is no such model.
    """
    dims, models = list(latent_dims), list(models)
    if not all(text.isdecimal() and int(text) > 0 for text in dims):
        raise UserError(f"--latent_dims must be numbers above 0; received {','.join(dims)!r}")
    if not set(models) <= set(MODELS):
        raise UserError(f"--models must be of {', '.join(MODELS)}; received {','.join(models)!r}")
    return dataclasses.replace(
        study,
        latent_dims=tuple(sorted({int(text) for text in dims})) or study.latent_dims,
        models=tuple(model for model in MODELS if model in models) or study.models,
    )


def tasks(
    study: Study, seeds: Iterable[int], folder: Path | str, training_steps: int, every: int
) -> dict[int, list[SyntheticRun]]:
    """{m: its runs}; those of a seed are one after another, so that what is there compares.

    Args:
      study, seeds: of the runs. folder: theirs.
      training_steps, every: iterations, and those between measured checkpoints.
    """
    return {
        m: [
            SyntheticRun(experiment, model, seed, folder, training_steps, every, prefix=f"m{m}-")
            for seed in seeds
            for model in study.models
        ]
        for m in study.latent_dims
        for experiment in [study.experiment(m, training_steps)]
    }


def found(study: Study, runs: Mapping[int, Sequence[SyntheticRun]]) -> dict[int, Ends]:
    """{m: what `claims.summary` says} of finished runs."""
    result = {}
    for m, of_m in runs.items():
        curves: dict[str, dict] = {model: {} for model in study.models}
        for task in of_m:
            curves[task.model][task.seed] = task.curves()
        result[m] = claims.summary(curves, MEASURES)
    return result


def table(ends: Found) -> str:
    """A line for each m and model, as text: where it ends, mean and deviation over the seeds."""
    return "\n\n".join(
        f"m = {m}\n{synthetic_figures.table(of_m)}" for m, of_m in sorted(ends.items())
    )


def write(
    study: Study, runs: Mapping[int, Sequence[SyntheticRun]], ends: Found, folder: Path | str
) -> list[Path]:
    """Writes figure5a.png, .svg and .json (or 5b). Returns their paths."""
    record: dict[str, Any] = {
        "figure": study.name,
        "true_dim": study.true_dim,
        "final": {
            m: {
                model: {name: {"mean": mean, "std": std} for name, (mean, std) in of_model.items()}
                for model, of_model in of_m.items()
            }
            for m, of_m in ends.items()
        },
        "runs": [
            {
                "m": m,
                "model": task.model,
                "seed": task.seed,
                "settings": task.training.directory.read_flags(),
                "curves": task.curves(),
            }
            for m, of_m in runs.items()
            for task in of_m
        ],
    }
    name = f"figure{study.name}"
    path = Path(folder) / f"{name}.json"
    files.write_text(path, json.dumps(record, indent=1) + "\n")
    return [*synthetic_figures.save(_figure(study, ends), folder, name), path]


def _figure(study, ends):
    """Frechet distance and active dimensions against m; bars are a deviation over the seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2))
    distances, dimensions = figure.subplots(1, 2)
    for plot, measure in ((distances, "frechet_distance"), (dimensions, "active_dimensions")):
        for model in study.models:
            pairs = [ends[m][model][measure] for m in study.latent_dims]
            means = [mean for mean, _ in pairs]
            style = {"color": synthetic_figures.COLOURS[model], "marker": ".", "capsize": 3}
            plot.errorbar(
                study.latent_dims,
                means,
                np.array([deviation or 0 for _, deviation in pairs]),
                label=synthetic_figures.LABELS[model],
                **style,
            )
        plot.axvline(study.true_dim, color="0.6", lw=1, ls="--")
        plot.set_xscale("log", base=2)
        plot.set_xticks(study.latent_dims, [str(m) for m in study.latent_dims])
        plot.set_xlabel("m")
        plot.grid(alpha=0.3)
    distances.set(title="Fréchet distance of samples", yscale="log")
    dimensions.axhline(study.true_dim, color="0.6", lw=1, ls="--")
    dimensions.set_title(f"active dimensions (dashed: n = {study.true_dim})")
    distances.legend()
    figure.tight_layout()
    return figure
