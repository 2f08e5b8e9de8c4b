"""What the synthetic experiments end in: curves, latent spaces, a table and a JSON file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flexae_tf import files, runs
from flexae_tf.data.synthetic import MEANS, TRAIN_COUNT, generate
from flexae_tf.evaluation.frechet import frechet_distance
from flexae_tf.experiments import claims, synthetic, synthetic_measures
from flexae_tf.experiments.claims import Curves, Ends
from flexae_tf.experiments.synthetic import Experiment, SyntheticRun

LABELS = {
    "vae": "VAE",
    "wae_normal": "WAE, normal prior",
    "wae_gmm": "WAE, GMM prior",
    "flexae": "FlexAE",
    "mask_aae": "MaskAAE",
}
COLOURS = {"vae": "C0", "wae_normal": "C1", "wae_gmm": "C2", "flexae": "C3", "mask_aae": "C4"}
# {measure: (of a panel, of a table's column)}
_TITLES = {
    "critic_gap": ("critic's estimate of W1($Q_\\phi$, $P_z$)", "critic gap"),
    "sliced_wasserstein": ("sliced W1 of codes and prior", "sliced W1"),
    "relative_sliced_wasserstein": ("sliced W1 / spread of the codes", "sliced W1 / spread"),
    "reconstruction_error": ("test reconstruction error", "reconstruction"),
    "frechet_distance": ("Fréchet distance, generated to test data", "Frechet distance"),
    "reconstruction_frechet_distance": (None, "of decoded codes"),
    "active_dimensions": (None, "active"),
    "nac": (None, "NAC"),
}
_PANELS = tuple(name for name in synthetic_measures.MEASURES if _TITLES[name][0])
_POINTS = 4000  # of a scatter plot


def write(
    experiment: Experiment,
    tasks: Sequence[SyntheticRun],
    curves: Curves,
    found: Ends,
    folder: Path | str,
) -> list[Path]:
    """Draws an experiment.

    Args:
      experiment: `synthetic.Experiment`. tasks: list of its SyntheticRun, all finished.
      curves: {model: {seed: curves}}. found: `claims.summary(curves, ...)`.
      folder: where the files go.

    Returns:
      Paths of PNG and SVG files: the curves, and where m = 2 the latent spaces first.
    """
    name = f"figure{experiment.number}"
    if experiment.latent_dim != 2:
        return save(_curves(experiment, curves), folder, name)
    latents = _latents(experiment, [task for task in tasks if task.seed == tasks[0].seed], found)
    return [
        *save(latents, folder, name),
        *save(_curves(experiment, curves), folder, f"{name}_curves"),
    ]


def _curves(experiment, curves):
    """A panel per measure: over the seeds, the mean as a line and the range as a band."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7.4))
    plots = figure.subplots(2, 3).flat
    for plot, measure in zip(plots, _PANELS, strict=False):
        for model in experiment.models:
            iterations, values = _stacked(curves[model], measure)
            if values.size:  # a VAE has no critic
                colour = COLOURS[model]
                plot.plot(iterations, values.mean(0), color=colour, label=LABELS[model])
                low, high = values.min(0), values.max(0)
                plot.fill_between(iterations, low, high, color=colour, alpha=0.25, lw=0)
            if measure == "frechet_distance":
                iterations, values = _stacked(curves[model], "reconstruction_frechet_distance")
                plot.plot(iterations, values.mean(0), ":", color=COLOURS[model])
        if measure != "critic_gap":
            plot.set_yscale("log")
        plot.set(title=_TITLES[measure][0], xlabel="iteration")
        plot.grid(alpha=0.3, which="both", lw=0.5)
    handles, labels = figure.axes[3].get_legend_handles_labels()
    corner = figure.axes[-1]
    corner.axis("off")
    corner.legend(handles, labels, loc="upper left", fontsize=12, frameon=False)
    seeds = len(next(iter(curves.values())))
    corner.text(
        0.03,
        0.05,
        f"{experiment.dataset}, true dimension {experiment.true_dim}, m = {experiment.latent_dim}\n"
        f"{seeds} seed{'s' if seeds > 1 else ''}: mean (line) and range (band)\n"
        "codes of 10,000 test vectors against\nas many fresh samples of the prior\n"
        "dotted: Fréchet distance of decoded codes",
        transform=corner.transAxes,
        fontsize=11,
    )
    figure.tight_layout()
    return figure


def _stacked(by_seed, measure):
    """Iterations [n] and values [seeds, n] of a measure, both empty where there is none."""
    drawn = [each for each in by_seed.values() if measure in each]
    iterations = drawn[0]["iterations"] if drawn else []
    return iterations, np.array([each[measure] for each in drawn])


def _latents(experiment, tasks, found):
    """The true latent space and each model's codes of the test data, by component."""
    from matplotlib.figure import Figure

    z, component = synthetic.true_latents(experiment)
    figure = Figure(figsize=(4.1 * (1 + len(tasks)), 4.9))
    plots = figure.subplots(1, 1 + len(tasks))
    _scatter(plots[0], z, component)
    floor = data_distance(experiment)
    plots[0].set_title(f"true latent space\nFD of train data {floor:.3f}")
    for plot, task in zip(plots[1:], tasks, strict=True):
        run = runs.load(task.training.directory.path)
        x = run.load_dataset().test
        prior = synthetic_measures.prior_samples(run, _POINTS)
        plot.scatter(*prior.T, s=2, color="0.8", linewidths=0, rasterized=True)
        _scatter(plot, run.model.encode(x), component)
        text = claims.plus_minus(*found[task.model]["frechet_distance"])
        plot.set_title(f"{LABELS[task.model]}\nFD {text}")
    handles, labels = plots[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(MEANS) + 1, markerscale=5)
    figure.suptitle(
        f"codes of test data by component (seed {tasks[0].seed}; grey: samples of the prior) and "
        "Fréchet distance (mean ± standard deviation over the seeds)"
    )
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return figure


def _scatter(plot, points, component):
    points, component = points[:_POINTS], component[:_POINTS]
    for k in range(len(MEANS)):
        chosen = points[component == k]
        plot.scatter(*chosen.T, s=2, linewidths=0, rasterized=True, label=f"component {k + 1}")


def data_distance(experiment: Experiment) -> float:
    """Frechet distance of 10,000 train vectors and the test data: what a perfect model has."""
    x, _, _ = generate(experiment.true_dim)
    test = x[TRAIN_COUNT:]
    return frechet_distance(real=test, generated=x[: len(test)])


def write_json(
    experiment: Experiment,
    tasks: Sequence[SyntheticRun],
    curves: Curves,
    found: Ends,
    verdicts: Sequence[Mapping[str, Any]],
    folder: Path | str,
) -> Path:
    """Writes every curve of every seed, the settings and what they come to. Returns the path."""
    record = {
        "figure": experiment.number,
        "dataset": experiment.dataset,
        "data_frechet_distance": data_distance(experiment),
        "final": {
            model: {name: {"mean": m, "std": s} for name, (m, s) in of_model.items()}
            for model, of_model in found.items()
        },
        "claims": verdicts,
        "runs": [
            {
                "model": task.model,
                "seed": task.seed,
                "settings": task.training.directory.read_flags(),
                "provenance": task.training.directory.read_provenance(),
                "curves": curves[task.model][task.seed],
            }
            for task in tasks
        ],
    }
    path = Path(folder) / f"figure{experiment.number}.json"
    files.write_text(path, json.dumps(record, indent=1) + "\n")
    return path


def table(found: Ends) -> str:
    """Where the models end, as text."""
    names = [
        name for name in synthetic_measures.MEASURES if any(name in each for each in found.values())
    ]
    rows = [["", *(_TITLES[name][1] for name in names)], *claims.rows(found, names, LABELS)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        row[0].ljust(widths[0])
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def sentence(verdict: Mapping[str, Any]) -> str:
    """A claim and what has become of it, in a line."""
    titles = {name: column for name, (_, column) in _TITLES.items()}
    return claims.sentence(verdict, titles, LABELS)


def save(figure: Any, folder: Path | str, name: str) -> list[Path]:
    """Writes a matplotlib figure as <name>.png and .svg. Returns the paths."""
    paths = [Path(folder) / f"{name}.{extension}" for extension in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=130)
    return paths
