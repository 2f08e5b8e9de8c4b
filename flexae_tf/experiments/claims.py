"""Where the models of an experiment end, over the seeds, and what becomes of claims about them.

A claim is (measure, model, model): the first model is said to end below the second.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

# {model: {seed: {"iterations" or measure: what it was at each checkpoint}}}
Curves = Mapping[str, Mapping[int, Mapping[str, list[float]]]]
# {model: {measure: (mean, standard deviation) over the seeds; None with a single seed}}
Ends = Mapping[str, Mapping[str, tuple[float, float | None]]]
Claim = tuple[str, str, str]


def summary(curves: Curves, measures: Iterable[str], place: int = -1) -> Ends:
    """Where the models end, over the seeds.

    Args:
      curves: {model: {seed: {measure: values}}}.
      measures: those that are taken, where a model has them.
      place: of the checkpoint in the lists of values; the last.

    Returns:
      {model: {measure: (mean, standard deviation)}}; the deviation is that of a sample, and None
      with a single seed.
    """
    found: dict[str, dict] = {}
    for model, by_seed in curves.items():
        found[model] = {}
        for name in measures:
            values = [of_seed[name][place] for of_seed in by_seed.values() if name in of_seed]
            if values:
                deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
                found[model][name] = (float(np.mean(values)), deviation)
    return found


def verdicts(claims: Iterable[Claim], summarized: Ends) -> list[dict[str, Any]]:
    """What has become of claims.

    Returns:
      A list of {"measure", "lower", "higher", "difference", "spread", "holds"}: the difference of
      the means, `higher` minus `lower`, the sum of the two standard deviations, and whether the
      first exceeds the second; spread and holds are None with a single seed.
    """
    found = []
    for name, lower, higher in claims:
        (mean_low, deviation_low), (mean_high, deviation_high) = (
            summarized[model][name] for model in (lower, higher)
        )
        difference = mean_high - mean_low
        total = None
        if deviation_low is not None and deviation_high is not None:
            total = deviation_low + deviation_high
        holds = None if total is None else difference > total
        found.append(
            {
                "measure": name,
                "lower": lower,
                "higher": higher,
                "difference": difference,
                "spread": total,
                "holds": holds,
            }
        )
    return found


def sentence(
    verdict: Mapping[str, Any], titles: Mapping[str, str], labels: Mapping[str, str]
) -> str:
    """A claim and what has become of it, in a line.

    Args:
      verdict: of `verdicts`.
      titles, labels: {measure: words}, {model: words}.
    """
    answer = {True: "yes", False: "no", None: "one seed"}[verdict["holds"]]
    spread = "-" if verdict["spread"] is None else f"{verdict['spread']:.3g}"
    return (
        f"{answer}: {titles[verdict['measure']]} of {labels[verdict['lower']]} is below that "
        f"of {labels[verdict['higher']]}: difference {verdict['difference']:.3g}, spread {spread}"
    )


def rows(ends: Ends, measures: Sequence[str], labels: Mapping[str, str]) -> list[list[str]]:
    """The cells of a table: of each model its label and its measures, a dash for none."""
    return [
        [labels[model], *(plus_minus(*found[name]) if name in found else "-" for name in measures)]
        for model, found in ends.items()
    ]


def plus_minus(mean: float, deviation: float | None) -> str:
    """A mean and its spread as text."""
    return f"{mean:.3g}" if deviation is None else f"{mean:.3g} ± {deviation:.2g}"
