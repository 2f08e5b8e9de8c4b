"""Rows of the papers' tables: the settings they were reported for, and the values.

`papers/*.toml` hold them, one file for each table. A row of a data set is what stands in four
places, from the general to the particular: at the top of the file, in [datasets.<data set>], in
[rows.<row>] (and in the row that it is `like`), in [rows.<row>.<data set>]. In any of them:

    settings     {flag: value} of the source, in our units. A list: any of its values; "": not set;
                 "> 0": above 0. A flag that is missing here is one the source says nothing of
    own          the source's numbers in its own units, which `units` turns into further settings
    departures   what our config has instead, and why: {setting, source, ours, reason}. Where
                 `setting` is a flag, source and ours are read from settings and config
    protocol     {column: fields of `protocol.Protocol` that it was measured with}
    densities    {name in columns: density}
    columns      {name: keys of `suite`, after a density where they depend on it}
    <column>     its values
    notes        where the source is silent, or says two things
    name, tables, folder, config    of row and tables, for people
"""

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flexae_tf.evaluation import units

FOLDER = Path(__file__).parent / "papers"
SHAPES = {
    "mnist": (28, 28, 1),
    "fashion_mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "celeb_a": (64, 64, 3),
}
_STEMS = {"celeb_a": "celeba"}  # of the configs
_TABLES = ("settings", "own", "protocol", "densities", "columns")
_LISTS = ("departures", "notes")


@dataclasses.dataclass(frozen=True)
class Departure:
    """Where our config is not the source, on purpose.

    Attributes:
      setting: a flag, or what else is set otherwise.
      source, ours: what either has.
      reason: why.
    """

    setting: str
    source: Any
    ours: Any
    reason: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a paper's table for one data set.

    Attributes:
      source, tables, name: such as "RAE", "Tables 1 and 2" and "RAE-L2".
      dataset: name of the data set.
      config: path of its flagfile, or None where there is none.
      settings: {flag: value} that it was reported for; an empty one is a row without conditions.
      reproducible: whether the package has its method.
      protocol: {key: {field: value}} of the keys of `values`.
      values: {(density or None, key of `suite`): value}.
      departures: what is intended to differ.
      notes: where the source is silent or contradicts itself.
    """

    source: str
    tables: str
    name: str
    dataset: str
    config: str | None
    settings: Mapping[str, Any]
    reproducible: bool
    protocol: Mapping[str, Mapping[str, Any]]
    values: Mapping[tuple[str | None, str], float]
    departures: tuple[Departure, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Such as "RAE, Tables 1 and 2, RAE-L2"."""
        return f"{self.source}, {self.tables}, {self.name}"


@functools.cache
def rows() -> tuple[Row, ...]:
    """All rows of all papers."""
    return tuple(row for path in sorted(FOLDER.glob("*.toml")) for row in rows_of(path.read_text()))


def rows_of(text: str) -> list[Row]:
    """The rows of a file, by row and then by data set.

    Raises:
      ValueError: it is no TOML. KeyError: something is missing.
    """
    file = tomllib.loads(text)
    return [
        _row(file, key, dataset)
        for key, row in file["rows"].items()
        for dataset in file["datasets"]
        if dataset in row
    ]


def padded(shape: tuple[int, int, int], pad: int | None) -> tuple[int, int, int]:
    """(H, W, C) of images that are brought to a side with zeros around them, if there is one."""
    return (pad, pad, shape[2]) if pad else shape


def _row(file, key, dataset):
    row = file["rows"][key]
    like = [file["rows"][row["like"]]] if "like" in row else []
    levels = [file, file["datasets"][dataset], *like, row, row[dataset]]
    merged = _merged(levels)
    settings = merged["settings"]
    if "objective" in merged["own"]:
        shape = padded(SHAPES[dataset], settings.get("pad"))
        settings |= units.flags(merged["own"], shape, settings.get("latent_dim", 1))
    stem = _STEMS.get(dataset, dataset)
    config = merged.get("config", "").format(data=stem, row=key)
    values, protocol = _values(merged, row[dataset])
    return Row(
        source=file["title"],
        tables=file["tables"],
        name=row["name"],
        dataset=dataset,
        config=f"{file['folder']}/{config}" if config else None,
        settings=settings,
        reproducible="method" in settings or key == "data",
        protocol=protocol,
        values=values,
        departures=tuple(
            Departure(d["setting"], d.get("source"), d["ours"], d["reason"])
            for d in merged["departures"]
        ),
        notes=tuple(merged["notes"]),
    )


def _merged(levels):
    """One dictionary of several: tables are joined, lists too, else the last counts."""
    found: dict[str, Any] = {name: {} for name in _TABLES} | {name: [] for name in _LISTS}
    for level in levels:
        for name, value in level.items():
            if name in _TABLES:
                found[name] = found[name] | value
            elif name in _LISTS:
                found[name] = found[name] + value
            else:
                found[name] = value
    return found


def _values(merged, cell):
    """({(density, key): value}, {key: protocol})."""
    values, protocol = {}, {}
    for column, places in merged["columns"].items():
        for place, value in zip(places, cell.get(column, ()), strict=column in cell):
            density, _, key = place.rpartition(" ")
            density = merged["densities"].get(density, density) or None
            values[density, key] = value
            protocol[key] = merged["protocol"].get(column, {})
    return values, protocol
