"""One HTML page that compares runs: self-contained, for any screen, without a network.

Seeds of one configuration are a group: mean and spread in the table, one colour in the charts. What
a run lacks is said in words.
"""

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from flexae_tf import files
from flexae_tf.evaluation.paper_values import shown
from flexae_tf.report import comparison, measures, page
from flexae_tf.report.compared_pictures import draw
from flexae_tf.report.comparison import Group
from flexae_tf.report.overlay import Curve, chart, color
from flexae_tf.training import event_files

_STYLE = """
.scroll { overflow-x: auto; }
.scroll table { max-width: none; }
.scroll td, .scroll th { overflow-wrap: break-word; }
th button, td button { font: inherit; color: inherit; background: none; border: 0; padding: 0;
  text-align: inherit; cursor: pointer; text-decoration: underline dotted; }
button[aria-expanded]::after { content: " \\25b8"; }
button[aria-expanded=true]::after { content: " \\25be"; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
.sortable th:first-child { min-width: 8rem; position: sticky; left: 0; background: Canvas; }
.sortable tbody th { font-weight: normal; }
tr.seed th, tr.seed td { font-size: .82rem; }
tr.seed th { padding-left: 1.4em; }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
.legend label { display: inline-block; margin-right: 1em; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: currentColor; font-size: 14px; }
svg .axes path { stroke: currentColor; stroke-width: .7; opacity: .35; fill: none; }
figure.strip { margin-bottom: 8px; max-width: 900px; }
figure.strip img { image-rendering: pixelated; width: 100%; }
"""

_SCRIPT = """
"use strict";
function valueOf(body, column) { return body.rows[0].cells[column].dataset.value; }
function compare(a, b, sign) {  // what has no value comes last, whichever the direction
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  const numbers = Number(a) - Number(b);
  return sign * (Number.isNaN(numbers) ? a.localeCompare(b) : numbers);
}
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const bodies = Array.from(table.tBodies);
    bodies.sort((a, b) => compare(valueOf(a, column), valueOf(b, column), sign));
    table.append(...bodies);
  }));
}
for (const button of document.querySelectorAll("button[aria-expanded]")) {
  const seeds = Array.from(button.closest("tbody").rows).slice(1);
  const fold = () => {
    const open = button.getAttribute("aria-expanded") === "false";
    button.setAttribute("aria-expanded", open);
    for (const row of seeds) row.hidden = !open;
  };
  button.addEventListener("click", fold);
  fold();
}
for (const box of document.querySelectorAll("input[data-group]")) {
  box.addEventListener("change", () => {
    for (const line of document.querySelectorAll("svg .g" + box.dataset.group)) {
      line.style.display = box.checked ? "" : "none";
    }
  });
}
"""

# What is looked at first; then the losses.
_TAGS = ("test/reconstruction_error", "validation/error")


def write(
    path: Path | str,
    run_dirs: Sequence[Path | str],
    seed: int = 0,
    checkpoint: int | str | None = None,
) -> list[Group]:
    """Writes a page that compares runs.

    Args:
      path: of the page.
      run_dirs: run directories, at least two, of runs on the same data.
      seed: draws the samples and chooses the test images, the same ones for every run.
      checkpoint: which one of each run, an iteration or "best"; the newest by default.

    Returns:
      The runs in groups.

    Raises:
      UserError: as `comparison.load`, or the page cannot be written.
    """
    groups = comparison.load(run_dirs, checkpoint)
    drawn = draw(groups, seed)
    every = [run for group in groups for run in group.runs]
    dataset = every[0].settings["dataset"]
    summary = (
        "Runs that differ in nothing but their seed are a group: mean ± sample standard deviation "
        "in the table, thin lines and their mean in the charts."
    )
    sections = {
        "Runs": _runs(groups),
        "Measures": _measures(groups),
        "Curves": _curves(groups),
        "Reconstructions": _reconstructions(groups, drawn),
        "Samples": _samples(groups, drawn, seed),
        "Settings": _settings(groups),
    }
    title = f"{len(every)} runs on {dataset}"
    files.write_text(Path(path), page.document(title, summary, sections, _STYLE, _SCRIPT))
    return groups


def _runs(groups):
    rows = [
        (group.label, run.name, run.settings["seed"], _number(run.iteration))
        for group in groups
        for run in group.runs
    ]
    numbers = {"seed", "iteration"}
    return _scrolling(page.table(["model", "run", "seed", "iteration"], rows, numbers))


def _number(iteration):
    return "none yet" if iteration is None else f"{iteration:,}"


def _measures(groups):
    parts = [measures.table(groups)]
    parts += [
        page.missing(f"{run.name} is not measured yet", measures.command(run.directory))
        for run in measures.unmeasured(groups)
    ]
    return "\n".join(parts)


def _curves(groups):
    """A chart for the test error, the validation error and each loss that two runs have."""
    found: dict[str, list[Curve]] = {}
    parts = [_legend(groups)]
    for number, group in enumerate(groups):
        for run in group.runs:
            scalars = event_files.read_scalars(run.directory.train)
            if not scalars:
                parts.append(f"<p>{html.escape(run.name)} has recorded no curves.</p>")
            for tag, (iterations, values) in scalars.items():
                finite = np.isfinite(values)  # a run that diverged may have recorded its end
                if finite.any() and (tag in _TAGS or tag.startswith("loss/")):
                    curve = Curve(number, run.name, iterations[finite], values[finite])
                    found.setdefault(tag, []).append(curve)
    shared = {tag: curves for tag, curves in found.items() if len(curves) > 1}
    first = [tag for tag in _TAGS if tag in shared]
    charts = [_chart(tag, shared[tag]) for tag in [*first, *sorted(shared.keys() - set(first))]]
    return "\n".join([*parts, '<div class="grid">', *charts, "</div>"])


def _legend(groups):
    boxes = [
        f'<label><input type="checkbox" checked data-group="{number}"> '
        f'<span class="swatch" style="background:{color(number)}"></span> '
        f"{html.escape(group.label)}</label>"
        for number, group in enumerate(groups)
    ]
    return f'<p class="legend">{"".join(boxes)}</p>'


def _chart(tag, curves):
    caption = f"<figcaption><b>{html.escape(tag)}</b></figcaption>"
    return f"<figure>{caption}{chart(tag, curves)}</figure>"


def _reconstructions(groups, drawn):
    """The test images, and below them what became of them in each run."""
    parts = []
    if drawn.originals is not None:
        parts.append(_strip("test images", drawn.originals))
    for group in groups:
        for run in group.runs:
            parts.append(_of_run(drawn.reconstructions[run.name], group.label, run, "strip"))
    return "\n".join(parts)


def _samples(groups, drawn, seed):
    """A grid of the first run of each group, side by side; the other seeds' are folded."""
    parts = [f"<p>Seed {seed}; nothing is selected.</p>", '<div class="grid samples">']
    for group in groups:
        first, *others = [
            _of_run(drawn.samples[run.name], group.label, run, "sample") for run in group.runs
        ]
        if others:
            title = "another seed" if len(others) == 1 else f"{len(others)} other seeds"
            first += f"<details><summary>{title}</summary>{''.join(others)}</details>"
        parts.append(f"<div>{first}</div>")
    return "\n".join([*parts, "</div>"])


def _of_run(picture, label, run, kind):
    """A picture of a run, or the reason why there is none."""
    if isinstance(picture, str):
        return f"<p>{html.escape(label)}, {html.escape(run.name)}: {html.escape(picture)}</p>"
    return _strip(f"{label}, {run.name}", picture, kind)


def _strip(caption, png, kind="strip"):
    text = html.escape(caption)
    image = f'<img src="{page.picture_url(png)}" alt="{text}">'
    return f'<figure class="{kind}"><figcaption>{text}</figcaption>{image}</figure>'


def _settings(groups):
    settings = [group.runs[0].settings for group in groups]
    names, common = comparison.differing(settings)
    rows = [
        (name, *(shown(each[name]) if name in each else "-" for each in settings)) for name in names
    ]
    rows += [("seed", *(", ".join(str(r.settings["seed"]) for r in g.runs) for g in groups))]
    table = page.table(["setting", *(group.label for group in groups)], rows)
    listed = ", ".join(f"{name}={shown(value)}" for name, value in common.items())
    return f"{_scrolling(table)}\n<p>In common: {html.escape(listed)}.</p>"


def _scrolling(table):
    return f'<div class="scroll">{table}</div>'
