"""Our configs beside the papers and programs that they are from: docs/sources.md.

    python -m tools.sources            # prints it
    python -m tools.sources --write    # writes it

The sources' settings are those of flexae_tf/evaluation/papers/, ours are read from the configs.
Where they differ, the former have the reason; without one nothing is written.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from absl import flags

from flexae_tf import files, methods, settings
from flexae_tf.errors import UserError, run_main
from flexae_tf.evaluation import sources
from flexae_tf.evaluation.paper_values import fits, shown
from flexae_tf.evaluation.protocol import PROTOCOLS
from flexae_tf.evaluation.report import markdown_table
from flexae_tf.evaluation.sources import Row
from flexae_tf.experiments import training_run

_WRITE = flags.DEFINE_bool("write", False, "Write docs/sources.md instead of printing it.")

PATH = Path("docs/sources.md")
_DATASETS = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "celeb_a": "CelebA",
}
# {column: beginnings and ends of its flags}; the first that fits, and "model" for all others.
_COLUMNS = {
    "networks": ("networks", "variant"),
    "m": ("latent_dim", "noise_dim"),
    "schedule": ("_schedule", "halve_rates", "halve_every_steps", "validate_every", "keep_best",
                 "early_stopping"),
    "rates": ("_learning_rate", "_beta_1", "_beta_2", "_epsilon", "_optimizer"),
    "length": ("batch_size", "training_steps", "first_stage_steps", "pretraining_steps"),
    "data": ("pad", "celeba_crop", "validation_images", "train_examples"),
}  # fmt: skip
_HEAD = """# Our configs beside their sources

Made by `python -m tools.sources --write` from `flexae_tf/evaluation/papers/`, which holds what the
papers and their programs say, and from the configs; a test holds this page, both and the configs
against each other. Weights are in our units, losses being sums over pixels and means over images
in [0, 1]; `flexae_tf/evaluation/units.py` has the conversions. A setting is by its flag, an
`autoencoder_` before it left out. What a source gives and our config has otherwise is **ours**
(source: theirs), with the reason below the table. "not given" are settings of ours that the source
says nothing of; optimizers are Adam where no other is named.

`tools.evaluate` prints a paper's value beside a run that has all settings of its row, measured from
the density, by the protocol and on as many images as there; `--explain` says what differs.
"""


def resolved(row: Row) -> dict[str, Any]:
    """{flag: value} of a row's config.

    Raises:
      UserError: the config cannot be read.
    """
    values = training_run.parse([f"--flagfile={row.config}"])
    return settings.resolved(sources.padded(sources.SHAPES[row.dataset], values.pad), values)


def unexplained(row: Row, ours: Mapping[str, Any]) -> list[str]:
    """What is wrong between a row and its config {flag: value}: an empty list is as it should be.

    A difference without a departure, a departure to another value than the config's, one that is
    none, and one without a reason.
    """
    departures = {each.setting: each for each in row.departures}
    found = [f"{name}: no reason" for name, each in departures.items() if not each.reason.strip()]
    for name, expected in row.settings.items():
        same, departure = fits(ours.get(name), expected), departures.get(name)
        if departure is None and not same:
            found.append(f"{name}: ours {shown(ours.get(name))}, source {shown(expected)}")
        elif departure is not None and (same or not fits(ours.get(name), departure.ours)):
            found.append(f"{name}: the departure says ours is {shown(departure.ours)}")
    return found


def document() -> str:
    """The page.

    Raises:
      UserError: a config differs from its source without a reason.
    """
    parts = [_HEAD]
    tables = dict.fromkeys((row.source, row.tables) for row in sources.rows() if row.config)
    for source, table in tables:
        rows = [r for r in sources.rows() if (r.source, r.tables) == (source, table) and r.config]
        parts.append(_section(f"{source}, {table}", rows))
    others = {r.title: r for r in sources.rows() if not r.config and r.values}
    none = [title for title, row in others.items() if not row.reproducible]
    parts.append("## Rows without a config\n")
    parts.append(f"No config of ours: {'; '.join(none)}.\n")
    parts.append("Table 3 of FlexAE beyond the program's dimensions: `tools.sweep`.\n")
    return "\n".join(parts)


def main(argv: list[str]) -> None:
    """Prints or writes the page."""
    del argv
    text = document()
    if _WRITE.value:
        files.write_text(PATH, text)
    else:
        print(text, end="")


def _section(title, rows):
    """Heading, what holds for more than one data set, and a table for each of them."""
    texts = [[*map(_departure, row.departures), *row.notes] for row in rows]
    of_all = [text for text in texts[0] if all(text in each for each in texts)]
    of_name: dict[str, list[str]] = {}
    for name in dict.fromkeys(row.name for row in rows):
        mine = [each for row, each in zip(rows, texts, strict=True) if row.name == name]
        of_name[name] = [t for t in mine[0] if all(t in each for each in mine) and t not in of_all]
    lines = [f"## {title}\n", f"Measured {_protocol(rows[0])}.\n"]
    lines += _list([*of_all, *(f"{name}: {t}" for name, each in of_name.items() for t in each)])
    for dataset in dict.fromkeys(row.dataset for row in rows):
        chosen = [row for row in rows if row.dataset == dataset]
        mine = [each for row, each in zip(rows, texts, strict=True) if row.dataset == dataset]
        of_data = [t for t in mine[0] if all(t in each for each in mine) and t not in of_all]
        lines += _dataset(chosen)
        lines += _list(
            [
                *of_data,
                *(
                    f"{row.name}: {text}"
                    for row, each in zip(chosen, mine, strict=True)
                    for text in each
                    if text not in (*of_all, *of_name[row.name], *of_data)
                ),
            ]
        )
    return "\n".join(lines)


def _dataset(rows):
    """Heading and table of a data set, with what all its rows have above the table."""
    ours = [resolved(row) for row in rows]
    for row, found in zip(rows, ours, strict=True):
        if wrong := unexplained(row, found):
            raise UserError(f"{row.config} differs from {row.title} ({'; '.join(wrong)})")
    cells = [_cells(row, found) for row, found in zip(rows, ours, strict=True)]
    common = {
        flag: text for flag, text in cells[0].items() if all(c.get(flag) == text for c in cells)
    }
    columns = [*_COLUMNS, "model"]
    lines = []
    for row, texts, found in zip(rows, cells, ours, strict=True):
        own = {flag: text for flag, text in texts.items() if flag not in common}
        groups = [", ".join(t for flag, t in own.items() if _column(flag) == c) for c in columns]
        config = row.config.removeprefix("configs/")
        lines.append([row.name, f"`{config}`", *groups, _not_given(row, found)])
    kept = [i for i in range(len(lines[0])) if i < 2 or any(line[i] for line in lines)]
    titles = ["row", "config", *columns, "not given"]
    table = markdown_table([titles[i] for i in kept], [[line[i] for i in kept] for line in lines])
    head = [f"### {_DATASETS[rows[0].dataset]}\n"]
    return [*head, f"All rows: {', '.join(common.values())}.\n", *table, ""]


def _cells(row, ours):
    """{flag: text} of what a source gives."""
    found = {}
    for name, expected in row.settings.items():
        short, value = name.removeprefix("autoencoder_"), shown(ours.get(name))
        if fits(ours.get(name), expected):
            if value != "unset":
                found[name] = f"{short} {value}"
        else:
            found[name] = f"{short} **{value}** (source: {shown(expected)})"
    return found


def _not_given(row, ours):
    known = methods.find(ours["method"]).settings(ours["variant"])
    names = [n for n in known if n not in row.settings and ours.get(n) is not None]
    names = [n for n in names if not (n.endswith("_optimizer") and ours[n] == "adam")]
    return ", ".join(f"{name.removeprefix('autoencoder_')} {shown(ours[name])}" for name in names)


def _column(flag):
    for column, parts in _COLUMNS.items():
        if any(flag.startswith(part) or flag.endswith(part) for part in parts):
            return column
    return "model"


def _protocol(row):
    """How the FIDs of a row were measured, and by which protocol that can be repeated."""
    fields = next((p for key, p in row.protocol.items() if key.endswith("/fid")), {})
    if not fields:
        return "in a way that the source does not say"
    same = [
        f"`--protocol={name}`"
        for name, each in PROTOCOLS.items()
        if all(_field(each, field) == value for field, value in fields.items())
    ]
    said = ", ".join(f"{name} {shown(value)}" for name, value in fields.items())
    return f"with {said}: {' or '.join(same) or 'no protocol of ours'}"


def _field(protocol, name):
    if name == "best_of_checkpoints":
        return protocol.first_step is not None
    return getattr(protocol, name)


def _departure(each):
    return f"{each.setting}: {each.source}; ours: {each.ours}; because {each.reason}"


def _list(items: Iterable[str]) -> list[str]:
    """The lines of a list, and an empty one after it."""
    lines = [f"- {item}" for item in items]
    return [*lines, ""] if lines else []


if __name__ == "__main__":
    run_main(main)
