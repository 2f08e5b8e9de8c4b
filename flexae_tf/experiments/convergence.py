"""The claims of the papers where training has come to its end: narrow networks, small data.

Of every config in configs/convergence a run with each seed goes on until its measures hardly move,
and kept checkpoints are measured on the way, by the features of a classifier of the same data
(`evaluation.classifier`): so the table also says from which iteration on a claim holds. All models
have the same encoder and decoder, minibatches and number of updates of these; what two stages and
flows need beyond that comes after.

The folder:

    classifier/                    the extractor
    runs/<config>-<seed>/          an ordinary run directory
    logs/<config>-<seed>.txt       what its commands said
    results/<config>-<seed>.json   the records of its checkpoints, one a line
    table.md, curves.json, generation.png, reconstruction.png
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from flexae_tf import figures, files
from flexae_tf.evaluation import report
from flexae_tf.experiments import claims, config_table
from flexae_tf.experiments.claims import Curves

# Of the runs as the configs have them; of shorter ones those that they come to.
ITERATIONS = (500, 1000, 2000, 3000, 5000, 7000, 10_000, 15_000, 20_000)


class Model(NamedTuple):
    """What a config trains.

    Attributes:
      label: in tables. density: what it is sampled from, see `densities`.
      only_at_the_end: whether it has no prior before.
    """

    label: str
    density: str = "own"
    only_at_the_end: bool = False


MODELS = {
    "flexae_sr": Model("FlexAE-SR"),
    "flexae": Model("FlexAE"),
    "wae_gan": Model("WAE-GAN"),
    "wae_mmd": Model("WAE-MMD"),
    "mask_aae": Model("MaskAAE"),
    "vae": Model("VAE"),
    "two_stage_vae": Model("2-stage VAE", only_at_the_end=True),
    "flow_vae": Model("VAE + flow"),
    "flow_vae_unregularized": Model("VAE + flow, beta = 0"),
    "rae_l2": Model("RAE-L2 + GMM", "gmm"),
    "pioneer": Model("PIONEER"),
    "alae": Model("ALAE"),
}
LABELS = {name: model.label for name, model in MODELS.items()}
# {measure: of a table's column}
TITLES = {
    "reconstruction/squared_error": "error",
    "reconstruction/fid": "REC",
    "generation/fid": "N",
    "generation/best_fid": "best N",
    "generation/precision": "precision",
    "generation/recall": "recall",
}
_N, _BEST_N = "generation/fid", "generation/best_fid"
_REC, _ERROR = "reconstruction/fid", "reconstruction/squared_error"
# What the papers say: FlexAE's Tables 1 and 2 and its text on the flexible prior and on smoothing,
# Morrow and Chiu's on the learned prior without regularization, RAE's, Dai and Wipf's, MaskAAE's.
CLAIMS = (
    *[(_N, "flexae_sr", other) for other in MODELS if other != "flexae_sr"],
    *[(_BEST_N, "flexae_sr", other) for other in MODELS if other != "flexae_sr"],
    (_N, "flexae", "wae_gan"),
    (_N, "flexae", "wae_mmd"),
    (_REC, "flexae_sr", "wae_gan"),
    (_N, "flow_vae_unregularized", "vae"),
    (_N, "flow_vae_unregularized", "flow_vae"),
    (_N, "flow_vae", "vae"),
    (_ERROR, "flow_vae_unregularized", "flow_vae"),
    (_N, "two_stage_vae", "vae"),
    (_N, "rae_l2", "vae"),
    (_N, "mask_aae", "wae_gan"),
)


class Run(config_table.Row):
    """One config with one seed: trained, then measured at some of its checkpoints.

    Args:
      folder, config, seed, train_flags, evaluate_flags: as `config_table.Row`.

    Attributes:
      model: the config's name. seed: as given. iterations: those that are measured.
    """

    def __init__(
        self,
        folder: Path | str,
        config: Path | str,
        seed: int,
        train_flags: Sequence[str],
        evaluate_flags: Sequence[str],
    ) -> None:
        super().__init__(folder, config, seed, train_flags, evaluate_flags, "run_dir")
        self.model, self.seed = Path(config).stem, seed
        chosen = MODELS.get(self.model, Model(self.model))
        values = self.training.values
        every, steps = values.keep_every_steps, values.training_steps
        before = [i for i in ITERATIONS if i < steps and every and i % every == 0]
        self.iterations = [*([] if chosen.only_at_the_end else before), steps]
        listed = ",".join(map(str, self.iterations))
        self._evaluate_flags = [
            f"--checkpoints={listed}",
            f"--density={chosen.density}",
            *evaluate_flags,
        ]

    def result(self) -> dict[str, list[float]] | None:
        """{"iterations" or measure: what it was at each checkpoint}, or None: to be done.

        Beside what was measured there is the least generation/fid so far, as FlexAE's tables take
        the best of a run's checkpoints.
        """
        try:
            lines = self.result_file.read_text().splitlines()
            records = [json.loads(line) for line in lines]
        except (OSError, ValueError):
            return None
        if [record["checkpoint"] for record in records] != self.iterations:
            return None
        measured = [report.metrics_of(record) for record in records]
        found: dict[str, list[float]] = {"iterations": list(self.iterations)}
        found |= {name: [values[name] for values in measured] for name in measured[0]}
        return found | {_BEST_N: np.minimum.accumulate(found[_N]).tolist()}


def all_runs(
    folder: Path | str,
    configs: Path | str,
    seeds: int,
    train_flags: Sequence[str],
    evaluate_flags: Sequence[str],
) -> list[Run]:
    """The runs of a folder of configs with the seeds 0 to `seeds` - 1, see `config_table.rows`."""
    of_each = {"": range(seeds)}
    found = config_table.rows(folder, configs, of_each, train_flags, evaluate_flags, Run)
    return [run for run in found if isinstance(run, Run)]


def curves(runs: Sequence[Run]) -> dict[str, dict[int, dict[str, list[float]]]]:
    """{model: {seed: curves}} of what is measured so far, models in the order of MODELS."""
    found: dict[str, dict] = {}
    for run in sorted(runs, key=lambda run: _place(run.model)):
        result = run.result()
        if result:
            found.setdefault(run.model, {})[run.seed] = result
    return found


def holds_from(measured: Curves, claim: claims.Claim) -> int | None:
    """The first iteration from which on a claim holds at every measured one, or None.

    A model that is measured at its end only, and one that has ended, counts with that.

    Args:
      measured: {model: {seed: curves}}. claim: (measure, lower model, higher model).
    """
    _, lower, higher = claim
    of_both = [_iterations(measured[model]) for model in (lower, higher)]
    first = None
    for iteration in sorted({*of_both[0], *of_both[1]}):
        ends: dict[str, Any] = {}
        for model, iterations in zip((lower, higher), of_both, strict=True):
            reached = [i for i in iterations if i <= iteration]
            place = len(reached) - 1 if len(iterations) > 1 else 0
            ends |= claims.summary({model: measured[model]}, TITLES, place)
        (verdict,) = claims.verdicts([claim], ends)
        if not verdict["holds"]:
            first = None
        elif first is None:
            first = int(iteration)
    return first


def sentences(measured: Curves) -> list[str]:
    """A line for each claim whose models are measured."""
    ends = claims.summary(measured, TITLES)
    found = []
    for claim in CLAIMS:
        name, lower, higher = claim
        if not all(name in ends.get(model, {}) for model in (lower, higher)):
            continue
        (verdict,) = claims.verdicts([claim], ends)
        since = holds_from(measured, claim) if verdict["holds"] else None
        line = claims.sentence(verdict, TITLES, LABELS)
        found.append(line if since is None else f"{line}; from iteration {since:,} on")
    return found


def markdown(measured: Curves) -> str:
    """The table: where models end, mean and deviation over the seeds, and how N still moves."""
    ends = claims.summary(measured, TITLES)
    rows = claims.rows(ends, list(TITLES), LABELS)
    titles = ["", "seeds", "iterations", *TITLES.values(), "N moved"]
    cells = []
    for row, by_seed in zip(rows, measured.values(), strict=True):
        iterations = _iterations(by_seed)
        cells.append(
            [
                row[0],
                str(len(by_seed)),
                f"{iterations[-1]:,}",
                *row[1:],
                _moved(by_seed, iterations),
            ]
        )
    notes = [
        "",
        "error: mean over images of |x - x_hat|^2; REC and N: Frechet distances of reconstructions",
        "and samples; best N: the least of the measured checkpoints. N moved: its change since the",
        "checkpoint before, which is in parentheses.",
    ]
    lines = report.markdown_table(titles, cells)
    return "\n".join([*lines, *notes, "", *[f"- {line}" for line in sentences(measured)]]) + "\n"


def write(measured: Curves, runs: Sequence[Run], folder: Path | str) -> list[Path]:
    """Writes the table, every curve, and two figures. Returns their paths, the table's first."""
    folder = Path(folder)
    record = {
        "curves": measured,
        "claims": sentences(measured),
        "settings": {run.name: run.training.arguments for run in runs},
    }
    files.write_text(folder / "table.md", markdown(measured))
    files.write_text(folder / "curves.json", json.dumps(record, indent=1) + "\n")
    paths = [folder / "table.md", folder / "curves.json"]
    for name, key in (("generation", _N), ("reconstruction", _REC)):
        paths.append(folder / f"{name}.png")
        figures.save_png(paths[-1], _figure(measured, key))
    return paths


def _figure(measured, key):
    """A measure by iteration: means over the seeds, and bars of a standard deviation."""
    places = sorted({i for by_seed in measured.values() for i in _iterations(by_seed)})
    lines = {}
    for model, by_seed in measured.items():
        points = []
        for place, iteration in enumerate(_iterations(by_seed)):
            mean, deviation = claims.summary({model: by_seed}, [key], place)[model][key]
            points.append((places.index(iteration), mean, deviation or 0.0))
        lines[LABELS.get(model, model)] = np.array(points)
    texts = [f"{iteration:,}" for iteration in places]
    return figures.curves(lines, texts, "iteration", f"{TITLES[key]}, Frechet distance", log=True)


def _moved(by_seed: Mapping[int, Mapping[str, list[float]]], iterations: Sequence[float]) -> str:
    """By how much the mean of N changed at last, "-3 % (7,000)"."""
    if len(iterations) < 2:
        return "-"
    now, before = (
        np.mean([of_seed[_N][place] for of_seed in by_seed.values()]) for place in (-1, -2)
    )
    return f"{100 * (now / before - 1):+.0f} % ({iterations[-2]:,})"


def _iterations(by_seed):
    return next(iter(by_seed.values()))["iterations"]


def _place(model):
    return list(MODELS).index(model) if model in MODELS else len(MODELS)
