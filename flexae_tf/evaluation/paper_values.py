"""What the papers report, for runs with the settings that they report it for.

A value of a paper belongs beside a measure of ours where every setting that the source gives (see
`sources`) is the run's, or the one that our config has on purpose; where the samples are of the
same density, and the protocol is the source's. Otherwise there is no value, and `explain` says
what differs.
"""

import math
from collections.abc import Mapping
from typing import Any

from flexae_tf.evaluation import sources

_MODEL_NAMES = {
    "aae": "AAE",
    "ae": "AE",
    "alae": "ALAE",
    "cv_vae": "CV-VAE",
    "factor_vae": "FactorVAE",
    "flexae": "FlexAE",
    "flexae_sr": "FlexAE-SR",
    "flow_vae": "VAE + flow",
    "inj_flow": "InjFlow",
    "learned_prior_aae": "AAE, learned prior",
    "mask_aae": "MaskAAE",
    "pioneer": "PIONEER",
    "rae": "RAE",
    "two_stage_vae": "2-Stage VAE",
    "vae": "VAE",
    "vae_iop": "VAE-IOP",
    "vamp_prior": "VampPrior",
    "vq_vae": "VQ-VAE",
    "vunet": "VUNET",
    "wae_gan": "WAE-GAN",
    "wae_mmd": "WAE-MMD",
}
_REGULARIZER_ENDINGS = {
    "none": "",
    "l2": "-L2",
    "gradient_penalty": "-GP",
    "spectral_norm": "-SN",
}
# Flags that say which row of a table a run is, whether or not it has its settings.
_IDENTITY = ("method", "regularizer", "likelihood")
_SYMBOLS = {"latent_dim": "m"}
_TOLERANCE = 1e-3  # of a setting: configs have four digits


def model_name(settings: Mapping[str, Any]) -> str:
    """What the papers call the model of a run.

    Args:
      settings: {flag: value}, resolved, with method and what tells its kinds apart.

    Returns:
      A name such as "RAE-L2"; with what the papers do not have in parentheses, "VAE (learned
      variance)".
    """
    name = _MODEL_NAMES.get(settings["method"], settings["method"])
    if settings.get("weight_decay_weight"):
        name += "-L2"
    name += _REGULARIZER_ENDINGS.get(settings.get("regularizer", ""), "")
    likelihood = settings.get("likelihood", "fixed_variance")
    if settings["method"] == "vae" and likelihood != "fixed_variance":
        name += f" ({likelihood.replace('_', ' ')})"
    return name


def paper_values(record: Mapping[str, Any], source: str | None = None) -> dict[str, float]:
    """The papers' values for what a record measured.

    Args:
      record: see `report`; `settings` are the run's. Without them there are only the values that
        depend on the data alone.
      source: of this paper only, a `sources.Row.source`; of any by default, the first that has one.

    Returns:
      {key of `suite`: float}; empty where no row has the record's settings.
    """
    density = record.get("density", "own")
    found: dict[str, float] = {}
    for row in _rows_of(record, source):
        if differing_settings(row, record.get("settings") or {}):
            continue
        for (of_density, key), value in row.values.items():
            if of_density in (None, density) and not _protocol_differs(row, key, record):
                found.setdefault(key, value)
    return found


def rows_with_values(record: Mapping[str, Any]) -> list[str]:
    """Titles of the rows whose values `paper_values` gives."""
    values = paper_values(record)
    return [
        row.title
        for row in _rows_of(record, None)
        if not differing_settings(row, record.get("settings") or {})
        and any(key in values and not _protocol_differs(row, key, record) for _, key in row.values)
    ]


def explain(record: Mapping[str, Any]) -> list[str]:
    """What differs from the rows of the record's model: a line for each, the nearest first.

    Args:
      record: as `paper_values`.
    """
    settings = record.get("settings")
    if not settings:
        return ["the report does not say the run's settings: measure it again"]
    found = []
    for row in _rows_of(record, None):
        named = [name for name in _IDENTITY if name in row.settings]
        same_model = all(fits(settings.get(n), row.settings[n]) for n in named)
        if "method" not in named or not same_model or not row.values:
            continue
        differences = differing_settings(row, settings)
        differences += _differing_measurement(row, record)
        if differences:
            found.append((len(differences), f"{row.title}: {'; '.join(differences)}"))
    return [line for _, line in sorted(found)]


def differing_settings(row: sources.Row, settings: Mapping[str, Any]) -> list[str]:
    """What a run's settings {flag: value} differ in from a row's, "paper: m = 64, run: 128"."""
    if not row.reproducible:
        return ["no config of ours"]
    multiplier = settings.get("width_multiplier", 1)
    narrower = [] if multiplier == 1 else [f"paper: width_multiplier = 1, run: {multiplier}"]
    intended = {d.setting: d.ours for d in row.departures if d.setting in row.settings}
    return narrower + [
        f"paper: {_SYMBOLS.get(name, name)} = {shown(expected)}, run: {shown(settings.get(name))}"
        for name, expected in row.settings.items()
        if not fits(settings.get(name), expected)
        and not (name in intended and fits(settings.get(name), intended[name]))
    ]


def fits(value: Any, expected: Any) -> bool:
    """Whether a setting is what a source says, in its words (see `sources`)."""
    if isinstance(expected, list):
        return any(fits(value, each) for each in expected)
    if expected == "> 0":
        return value is not None and value > 0
    if isinstance(expected, str) and isinstance(value, str):
        return _schedule(value) == _schedule(expected)
    if expected == "" or value is None:
        return expected == "" and value is None
    if isinstance(expected, bool) or isinstance(value, bool | str) or isinstance(expected, str):
        return value == expected
    return math.isclose(value, expected, rel_tol=_TOLERANCE, abs_tol=0)


def shown(value: Any) -> str:
    """A setting, or a source's words for one, as text."""
    if isinstance(value, list):
        return " or ".join(map(shown, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return "unset" if value in (None, "") else str(value)


def _rows_of(record, source):
    return [
        row
        for row in sources.rows()
        if row.dataset == record.get("dataset") and source in (None, row.source)
    ]


def _differing_measurement(row, record):
    """What density, protocol and checkpoint of a record differ in from those of a row."""
    density = record.get("density", "own")
    densities = {each for each, _ in row.values} - {None}
    found = []
    if densities and density not in densities:
        found.append(f"paper: density = {' or '.join(sorted(densities))}, run: {density}")
    for _, key in row.values:
        found += [text for text in _protocol_differs(row, key, record) if text not in found]
    return found


def _protocol_differs(row, key, record):
    """What differs in how a measure was taken, and of which checkpoint of the training."""
    protocol = dict(record.get("protocol") or {})
    protocol["best_of_checkpoints"] = protocol.get("first_step") is not None
    differing = [
        f"paper: {name} = {shown(expected)}, measured: {shown(protocol.get(name))}"
        for name, expected in row.protocol.get(key, {}).items()
        if protocol.get(name) != expected
    ]
    steps, checkpoint = row.settings.get("training_steps"), record.get("checkpoint")
    if row.settings.get("keep_best"):
        trained, is_best = record.get("trained_steps"), record.get("is_validated_best")
        if trained != steps:
            differing.append(f"paper: the best of {steps} iterations, run: {trained}")
        elif not is_best:
            differing.append("paper: the checkpoint that validated best, measured: another")
    elif steps and not protocol["best_of_checkpoints"] and checkpoint != steps:
        differing.append(f"paper: {steps} iterations, checkpoint: {checkpoint}")
    return differing


def _schedule(text):
    """A text whose numbers are rounded to three digits: those of schedules are computed."""
    parts = text.replace(",", " , ").replace("=", " = ").replace(":", " : ").split()
    return [_rounded(part) for part in parts]


def _rounded(part):
    try:
        return f"{float(part):.3g}"
    except ValueError:
        return part
