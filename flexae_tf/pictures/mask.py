"""Which dimensions of the codes carry something: a mask's history, variances and covariance.

Figures 5 to 7 of the slides on MaskAAE; of a model without a mask what is left of them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from flexae_tf import figures
from flexae_tf.data import Dataset, gather
from flexae_tf.errors import UserError
from flexae_tf.pictures.picture import Options, Picture, choose, compose
from flexae_tf.runs import Run
from flexae_tf.training import event_files

EXAMPLES = 10_000


def draw(run: Run, dataset: Dataset, options: Options) -> Iterator[Picture]:
    """The mask over the iterations, sorted variances of codes, and their covariance; a Picture.

    Codes are those of test examples; a run that is given as `options.beside` comes first.

    Raises:
      UserError: that run is of other data, or codes are no vectors.
    """
    rows = choose(len(dataset.test), options.count or EXAMPLES, options.seed)
    x = gather(dataset.test, rows)
    runs = [run] if options.beside is None else [options.beside, run]
    if any(each.fingerprint != run.fingerprint for each in runs):
        raise UserError(f"--beside={runs[0].path} is a run on other data than {run.path}")
    for each in runs:
        each.model.require_vectors("--kind=mask")
    covariances = [(_name(each), _sorted_covariance(each.model.encode(x))) for each in runs]
    mask = history(run)
    image = figures.rendered(_figure(covariances, mask, run.model.active))
    m = run.model.latent_dim
    active = "" if mask is None else f", {int(np.sum(run.model.active))} of {m} active"
    title = f"Codes of {len(x):,} test examples: variance and covariance by dimension{active}"
    yield compose("mask", image, title, run, options)


def history(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """The mask alpha of a run up to its checkpoint, as it was recorded.

    Returns:
      (iterations int64 [n], alpha float32 [n, m]), or None for a model without a mask.
    """
    if run.model.active is None:
        return None
    found = event_files.read_vectors(Path(run.path, "train"))
    iterations, alpha = found.get("mask/alpha", (np.zeros(0, np.int64), np.zeros((0, 1))))
    until = iterations <= run.iteration
    return iterations[until], alpha[until]


def _name(run):
    return f"{run.settings['method']}, m = {run.model.latent_dim}"


def _figure(covariances, mask, active):
    """Panels from left to right: alpha, variances, and for each model its covariance."""
    from matplotlib.figure import Figure

    count = (mask is not None) + 1 + len(covariances)
    figure = Figure(figsize=(4.6 * count, 4.2), dpi=110)
    plots = list(figure.subplots(1, count, squeeze=False)[0])
    if mask is not None:
        _plot_mask(plots.pop(0), mask, active)
    plot = plots.pop(0)
    for name, covariance in covariances:
        variances = np.diag(covariance)
        plot.plot(np.arange(1, len(variances) + 1), variances, ".-", lw=1, label=name)
    plot.set(title="variances", xlabel="dimension, by variance", yscale="log")
    plot.grid(alpha=0.3)
    plot.legend(fontsize=8)
    for plot, (name, covariance) in zip(plots, covariances, strict=True):
        limit = np.abs(covariance).max() or 1.0
        shown = plot.imshow(covariance, cmap="RdBu_r", vmin=-limit, vmax=limit)
        figure.colorbar(shown, ax=plot, fraction=0.046)
        plot.set(title=f"covariance of {name}", xlabel="dimension, by variance")
    figure.tight_layout()
    return figure


def _plot_mask(plot, mask, active):
    iterations, alpha = mask
    for j in range(alpha.shape[1] if len(iterations) else 0):
        plot.plot(iterations, alpha[:, j], lw=0.8, color="C3" if active[j] else "0.6")
    plot.set(title=r"mask $\alpha$ (red: active)", xlabel="iteration", ylim=(-0.02, 1.02))
    plot.grid(alpha=0.3)


def _sorted_covariance(z):
    """The covariance [m, m] of codes [N, m], dimensions by their variance, largest first."""
    covariance = np.atleast_2d(np.cov(np.asarray(z, np.float64).T))
    order = np.argsort(-np.diag(covariance), kind="stable")
    return covariance[np.ix_(order, order)]
