"""One HTML page that shows a run: self-contained, for any screen, without a network.

Pictures and charts are in the page itself. What a run does not have yet is named together with the
command that makes it.
"""

from html import escape
from pathlib import Path

from PIL import Image

from flexae_tf import densities, files, pictures, runs
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.evaluation.paper_values import paper_values
from flexae_tf.report import curves, measures, page
from flexae_tf.training import checkpoints, event_files
from flexae_tf.training.best import Best

FILE_NAME = "report.html"


def write(
    run_dir: Path | str, options: pictures.Options, checkpoint: int | str | None = None
) -> Path:
    """Writes <run_dir>/report.html, and the run's pictures where there are none yet.

    Args:
      run_dir: the run directory.
      options: `pictures.Options` for the pictures that are missing.
      checkpoint: iteration of the model that is shown, or "best"; the newest by default.

    Returns:
      The page's path.

    Raises:
      UserError: it is no run directory, or the page cannot be written.
    """
    directory = runs.RunDirectory(run_dir)
    flags, provenance = directory.read_flags(), directory.read_provenance()
    saved = checkpoints.iterations(directory.checkpoints)
    if checkpoint is None:
        iteration = max(saved, default=None)
    else:
        iteration = directory.iteration_of(checkpoint)
    sections = {
        "Measures": _measures(directory, iteration),
        "Training": _training(directory),
        "Pictures": _pictures(directory, options, iteration),
        "Settings": page.table(["flag", "value"], flags.items()),
        "Versions": _versions(provenance),
        "Checkpoints": _checkpoints(directory, saved),
    }
    path = directory.path / FILE_NAME
    title, summary = directory.path.resolve().name, _summary(flags, iteration)
    files.write_text(path, page.document(title, summary, sections))
    return path


def _summary(flags, iteration):
    names = {name: escape(flags.get(name, "?")) for name in ("method", "variant", "dataset")}
    trained = "no checkpoint yet" if iteration is None else f"iteration {iteration:,}"
    return (
        f"{names['method']} ({names['variant']}) on {names['dataset']}: {trained} "
        f"of {int(flags['training_steps']):,}, seed {escape(flags['seed'])}"
    )


def _pictures(directory, options, iteration):
    """All pictures of the iteration; those of a kind that has none are drawn first."""
    if iteration is None:
        return page.missing("No pictures yet", _training_command(directory))
    missing = [k for k in pictures.KINDS if not _is_drawn(k, directory, iteration)]
    reasons = _draw(directory, missing, options, iteration)
    parts = []
    for kind in pictures.KINDS:
        parts.append(f"<h3>{kind.replace('_', ' ').capitalize()}</h3>")
        parts += map(_figure, pictures.existing(kind, directory.path, iteration))
        if kind in reasons:
            parts.append(f"<p>Left out: {escape(reasons[kind])}</p>")
    return "\n".join(parts)


def _is_drawn(kind, directory, iteration):
    """Whether there is a picture of a kind with the method's own prior."""
    for path in pictures.existing(kind, directory.path, iteration):
        with Image.open(path) as image:
            if image.info.get("density") == densities.OWN:
                return True
    return False


def _draw(directory, kinds, options, iteration):
    """Draws kinds of pictures. Returns {kind: why it could not be drawn}."""
    if not kinds:
        return {}
    try:
        run = runs.load(directory.path, iteration)
        dataset = run.load_dataset()
    except UserError as error:
        return dict.fromkeys(kinds, str(error))
    reasons = {}
    for kind in kinds:
        try:
            for _ in pictures.write(kind, run, dataset, options):
                pass
        except UserError as error:
            reasons[kind] = str(error)
    return reasons


def _figure(path):
    with Image.open(path) as image:
        title = image.info.get("Title", path.stem)
        note = image.info.get("Description", "")
        width, height = image.size
    size = f'width="{width}" height="{height}" alt="{escape(title)}"'
    return (
        f'<figure class="wide"><img src="{page.picture_url(path.read_bytes())}" {size}>'
        f"<figcaption>{escape(title)}. {escape(note)}. <code>{escape(path.name)}</code>"
        "</figcaption></figure>"
    )


def _measures(directory, iteration):
    """A table for each report of the iteration, and for those that are best of several."""
    shown, others = measures.reports(directory, iteration)
    parts = [_measures_table(name, record) for name, record in shown.items()]
    if not parts:
        return page.missing("Not measured yet", measures.command(directory))
    if others:
        parts.append(f"<p>{others} more in <code>metrics/</code>, of other checkpoints.</p>")
    return "\n".join(parts)


def _measures_table(name, record):
    paper = paper_values(record)
    rows = [
        (key, f"{value:.4g}", f"{paper[key]:g}" if key in paper else "")
        for key, value in report.metrics_of(record).items()
    ]
    how = f"{name}: {measures.how(record)}"
    if paper and not record.get("extractor", {}).get("is_inception"):
        how += f". {report.NOT_INCEPTION}"
    table = page.table(["measure", "ours", "paper"], rows, numbers={"ours", "paper"})
    return f"<p>{escape(how)}.</p>\n{table}"


def _training(directory):
    """Charts: one for each loss, gap and number of a mask, as scales differ; else of a family."""
    scalars = event_files.read_scalars(directory.train)
    evaluated = event_files.read_scalars(directory.eval) | event_files.read_scalars(
        directory.eval / "training"
    )
    scalars |= {k.removeprefix(report.PREFIX): v for k, v in evaluated.items() if len(v[0]) > 1}
    charts = {}
    for tag, points in scalars.items():
        family, _, name = tag.rpartition("/")
        single = family in ("loss", "gap", "mask") or not family
        charts.setdefault(tag if single else family, {})[tag if single else name] = points
    if not charts:
        return page.missing("No curves yet", _training_command(directory))
    order = sorted(charts, key=lambda name: (_rank(name), name))
    return '<div class="grid">\n' + "\n".join(_chart(n, charts[n]) for n in order) + "\n</div>"


def _chart(name, lines):
    logarithmic = name.startswith("gradient_")
    image = page.data_url(curves.chart(lines, logarithmic), "png")
    names = [f"{label} " if len(lines) > 1 else "" for label in lines]
    last = [f"{n}{values[-1]:.4g}" for n, (_, values) in zip(names, lines.values(), strict=True)]
    caption = f"<b>{escape(name)}</b> ends at {escape('; '.join(last))}"
    return (
        f'<figure><img src="{image}" width="690" height="435" alt="{escape(name)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _rank(name):
    """Order of the charts: what is looked at first comes first."""
    families = ("test", "loss", "gap", "gradient_norm", "gradient_penalty")
    family = name.split("/")[0]
    return families.index(family) if family in families else len(families)


def _versions(provenance):
    rows = [("git commit", provenance.get("git_commit")), ("python", provenance.get("python"))]
    rows += provenance.get("versions", {}).items()
    rows += [("data fingerprint", provenance.get("data_fingerprint"))]
    rows += [("shape of an example", provenance.get("data_shape"))]
    return page.table(["what", "when last trained"], rows)


def _checkpoints(directory, saved):
    if not saved:
        return page.missing("No checkpoint yet", _training_command(directory))
    rows = [_checkpoint(directory.checkpoints, iteration, "") for iteration in saved]
    for iteration in checkpoints.iterations(directory.best):
        error = Best(directory.best).error
        rows.append(_checkpoint(directory.best, iteration, f"best, validation error {error:.4g}"))
    return page.table(["iteration", "size", "kept as"], rows, numbers={"iteration", "size"})


def _checkpoint(folder, iteration, kept_as):
    size = sum(part.stat().st_size for part in folder.glob(f"ckpt-{iteration}.*"))
    return f"{iteration:,}", f"{size / 1e6:,.1f} MB", kept_as


def _training_command(directory):
    flags = directory.flags_file
    return f"python -m flexae_tf.train --flagfile={flags} --run_dir={directory.path}"
