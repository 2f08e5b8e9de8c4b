"""One HTML page that shows a run: self-contained, for any screen, without a network.

Pictures and charts are in the page itself. What a run does not have yet is named together with the
command that makes it.
"""

import base64
import io
import string
from html import escape
from pathlib import Path

from PIL import Image

from flexae_tf import densities, files, pictures, runs
from flexae_tf.errors import UserError
from flexae_tf.evaluation import report
from flexae_tf.evaluation.paper_values import paper_values
from flexae_tf.report import curves
from flexae_tf.training import checkpoints, event_files
from flexae_tf.training.best import Best

FILE_NAME = "report.html"
# A PNG file above this becomes a lossy WebP: colour images, of which a report has many.
_LARGEST_PNG_BYTES = 300_000
_WEBP_QUALITY = 85

_PAGE = string.Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: #8885; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 1200px; margin: 0 auto; padding: 12px; }
h1 { font-size: 1.5rem; margin: .3em 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 1.6em 0 .5em; border-bottom: 1px solid var(--line); }
p, td, th, code, figcaption { overflow-wrap: anywhere; }
code { background: var(--soft); padding: 0 .2em; border-radius: 3px; }
table { border-collapse: collapse; max-width: 100%; }
td, th { text-align: left; padding: 2px 12px 2px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-size: .92rem; }
td.number, th.number { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.grid { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fill, minmax(min(330px, 100%), 1fr)); }
figure { margin: 0; min-width: 0; }
figure.wide { margin-bottom: 18px; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
figcaption { font-size: .9rem; }
nav a { margin-right: .8em; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$summary</p>
<nav>$links</nav>
$sections
</body>
</html>
""")


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
        "Settings": _table(["flag", "value"], flags.items()),
        "Versions": _versions(provenance),
        "Checkpoints": _checkpoints(directory, saved),
    }
    page = _PAGE.substitute(
        title=escape(directory.path.resolve().name),
        summary=_summary(flags, iteration),
        links=" ".join(f'<a href="#{name}">{name}</a>' for name in sections),
        sections="\n".join(
            f'<section id="{name}"><h2>{name}</h2>\n{body}\n</section>'
            for name, body in sections.items()
        ),
    )
    path = directory.path / FILE_NAME
    # Names of classes and folders may hold any letter; so written, no reader can mistake them.
    files.write_text(path, page.encode("ascii", "xmlcharrefreplace").decode())
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
        return _missing("No pictures yet", _training_command(directory))
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
        content, kind = path.read_bytes(), "png"
        if len(content) > _LARGEST_PNG_BYTES:
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", quality=_WEBP_QUALITY)
            content, kind = buffer.getvalue(), "webp"
    size = f'width="{width}" height="{height}" alt="{escape(title)}"'
    return (
        f'<figure class="wide"><img src="{_data_url(content, kind)}" {size}>'
        f"<figcaption>{escape(title)}. {escape(note)}. <code>{escape(path.name)}</code>"
        "</figcaption></figure>"
    )


def _measures(directory, iteration):
    """A table for each report of the iteration, and for those that are best of several."""
    paths = sorted(directory.metrics.glob("*.json"))
    shown = [
        p for p in paths if not p.name[0].isdecimal() or p.name.split(".")[0] == str(iteration)
    ]
    records = {path: report.read_json(path) for path in shown}
    parts = [_measures_table(path, record) for path, record in records.items() if record]
    if not parts:
        return _missing("Not measured yet", f"python -m tools.evaluate --run_dir={directory.path}")
    if others := len(paths) - len(shown):
        parts.append(f"<p>{others} more in <code>metrics/</code>, of other checkpoints.</p>")
    return "\n".join(parts)


def _measures_table(path, record):
    paper = paper_values(record)
    rows = [
        (key, f"{value:.4g}", f"{paper[key]:g}" if key in paper else "")
        for key, value in report.metrics_of(record).items()
    ]
    extractor = record.get("extractor", {})
    counts = ", ".join(f"{count:,} {name}" for name, count in record.get("counts", {}).items())
    how = f"{path.name}: extractor {extractor.get('name', '?')}; {counts}"
    if paper and not extractor.get("is_inception"):
        how += ". The extractor is not Inception: only pms compares with the paper"
    table = _table(["measure", "ours", "paper"], rows, numbers={"ours", "paper"})
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
        return _missing("No curves yet", _training_command(directory))
    order = sorted(charts, key=lambda name: (_rank(name), name))
    return '<div class="grid">\n' + "\n".join(_chart(n, charts[n]) for n in order) + "\n</div>"


def _chart(name, lines):
    logarithmic = name.startswith("gradient_")
    image = _data_url(curves.chart(lines, logarithmic), "png")
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
    return _table(["what", "when last trained"], rows)


def _checkpoints(directory, saved):
    if not saved:
        return _missing("No checkpoint yet", _training_command(directory))
    rows = [_checkpoint(directory.checkpoints, iteration, "") for iteration in saved]
    for iteration in checkpoints.iterations(directory.best):
        error = Best(directory.best).error
        rows.append(_checkpoint(directory.best, iteration, f"best, validation error {error:.4g}"))
    return _table(["iteration", "size", "kept as"], rows, numbers={"iteration", "size"})


def _checkpoint(folder, iteration, kept_as):
    size = sum(part.stat().st_size for part in folder.glob(f"ckpt-{iteration}.*"))
    return f"{iteration:,}", f"{size / 1e6:,.1f} MB", kept_as


def _table(headings, rows, numbers=()):
    """An HTML table of texts."""

    def row(cells, tag):
        kinds = [' class="number"' if heading in numbers else "" for heading in headings]
        texts = [escape(str(cell)) for cell in cells]
        return "".join(f"<{tag}{k}>{t}</{tag}>" for k, t in zip(kinds, texts, strict=True))

    body = "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f"<table>\n<tr>{row(headings, 'th')}</tr>\n{body}\n</table>"


def _missing(what, command):
    return f"<p>{what}: <code>{escape(command)}</code></p>"


def _training_command(directory):
    flags = directory.flags_file
    return f"python -m flexae_tf.train --flagfile={flags} --run_dir={directory.path}"


def _data_url(content, kind):
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
