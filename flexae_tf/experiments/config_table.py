"""A table with a row for every config of a folder: each trained, with some seeds, and measured.

The folder of such a table:

    runs/<config>-<seed>/          an ordinary run directory
    logs/<config>-<seed>.txt       what its commands said
    results/<config>-<seed>.json   its row, as tools.evaluate --run_dirs printed it
    tables.md, tables.csv, tables.json  see `evaluation.tables`
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from flexae_tf.errors import UserError, flagfile
from flexae_tf.experiments.measured_run import MeasuredRun


class Row(MeasuredRun):
    """One config with one seed: trained, then measured.

    Args:
      folder: of the table.
      config: path of the flagfile. seed: of the run.
      train_flags: flags for all rows, which override the config's.
      evaluate_flags: flags of tools.evaluate for all rows.
      measured_as: as `MeasuredRun`.

    Raises:
      UserError: a flag has a value that it cannot have, or the config cannot be read.
    """

    def __init__(
        self,
        folder: Path | str,
        config: Path | str,
        seed: int,
        train_flags: Sequence[str],
        evaluate_flags: Sequence[str],
        measured_as: str = "run_dirs",
    ) -> None:
        flags = [f"--flagfile={config}", *train_flags, f"--seed={seed}"]
        name = f"{Path(config).stem}-{seed}"  # --run_dirs is split at commas
        super().__init__(folder, name, flags, measured_as, evaluate_flags)

    def result(self) -> dict[str, Any] | None:
        """Its row of `evaluation.tables`, or None if it is not yet measured as it is."""
        try:
            (row,) = json.loads(self.result_file.read_text())
        except (OSError, ValueError):
            return None
        return self._if_current(row)


def rows(
    folder: Path | str,
    configs: Path | str,
    seeds: Mapping[str, Collection[int]],
    train_flags: Sequence[str],
    evaluate_flags: Sequence[str],
    make: Callable[..., Row] = Row,
) -> list[Row]:
    """A Row for every config of a folder and each of its seeds, first all configs with their first.

    Args:
      folder: of the table.
      configs: folder of flagfiles, *.cfg, without base.cfg, which others include.
      seeds: {name of a config: its seeds}; {"": seeds} of those that are not named.
      train_flags, evaluate_flags: flags for all rows.
      make: `Row`, or makes one of the same arguments.

    Raises:
      UserError: there are no configs, there is none of a name in `seeds`, or as `Row`.
    """
    found = {p.stem: p for p in sorted(flagfile(str(configs)).glob("*.cfg")) if p.stem != "base"}
    if not found:
        raise UserError(f"--configs={configs}: expected a folder with .cfg files")
    unknown = [name for name in seeds if name and name not in found]
    if unknown:
        raise UserError(f"no config {unknown[0]!r} in {configs}: it has {', '.join(found)}")
    of_each = {name: list(seeds.get(name, seeds[""])) for name in found}
    return [
        make(folder, found[name], of_each[name][i], train_flags, evaluate_flags)
        for i in range(max(map(len, of_each.values())))
        for name in found
        if i < len(of_each[name])
    ]
