"""The settings of a run: their flags, and their values once the data and the method are known.

Three groups: what data, how to train (the fields of `TrainerOptions`), and the method's own (its
module's `settings`). A method's flags have no default of their own: unset, they take the value of
the method and variant.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import tensorflow as tf
from absl import flags

from flexae_tf import data, files, methods, networks
from flexae_tf.algorithm.method import Method
from flexae_tf.errors import UserError
from flexae_tf.training.options import TrainerOptions

_SIZES = ("_dim", "_width", "_depth", "_layers", "book_size")
_AT_LEAST_ONE = ("_dim", "_steps", "_width", "_depth", "_size", "_inputs", "proposals")
_MAY_BE_ZERO = (
    *("_weight", "_layers", "_every_steps", "pretraining_steps", "input_noise", "beta"),
    "_share",
)

# The field of TrainerOptions that the method says where no flag does.
_BY_METHOD = "ema_half_life_images"

# What makes up a data set of a name: flags, and arguments of `data.load`.
DATA_FLAGS = (
    "data_dir",
    "image_size",
    "celeba_crop",
    "cache_dir",
    "train_examples",
    "pad",
    "validation_images",
)
# Flags that a run may change when it is started again.
FREE = {"run_dir", "data_dir", "download", "cache_dir"} | {
    field.name for field in dataclasses.fields(TrainerOptions) if field.metadata["free"]
}


def define_flags(values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines every flag of the trainer on `values`."""
    define = {"flag_values": values}
    flags.DEFINE_enum("dataset", "digits", data.NAMES, "Data set.", **define)
    flags.DEFINE_string("data_dir", None, "Where the data are (see README.md).", **define)
    flags.DEFINE_bool("download", False, "Let TensorFlow Datasets download.", **define)
    flags.DEFINE_integer("image_size", None, "Side of the images of a folder.", **define)
    flags.DEFINE_integer("celeba_crop", 140, "Side of CelebA's centre crop.", **define)
    flags.DEFINE_alias("crop", "celeba_crop", **define)
    flags.DEFINE_integer("pad", None, "Side of the images with zeros around them.", **define)
    flags.DEFINE_integer(
        "validation_images", 0, "Images kept from training.", lower_bound=0, **define
    )
    flags.DEFINE_string("cache_dir", None, "Folder of the decoded data.", **define)
    flags.DEFINE_string("method", "flexae_sr", f"One of {', '.join(methods.names())}.", **define)
    flags.DEFINE_enum("variant", "paper", networks.VARIANTS, "Which reading.", **define)
    flags.DEFINE_enum(
        "networks",
        None,
        networks.ARCHITECTURES,
        "Whose encoder and decoder; FlexAE's by default, or those that the method needs.",
        **define,
    )
    flags.DEFINE_float(
        "width_multiplier",
        1.0,
        "Units and filters of every hidden layer, those that other flags give included, are "
        "multiplied by it; 1 as published.",
        **define,
    )
    flags.DEFINE_integer(
        "train_examples", None, "Train on the first so many examples only.", lower_bound=2, **define
    )
    flags.DEFINE_string("run_dir", None, "Run directory; runs/<name> by default.", **define)
    for field in dataclasses.fields(TrainerOptions):
        kind, text, choices = type(field.default), field.metadata["help"], field.metadata["choices"]
        default = None if field.name == _BY_METHOD else field.default
        _define(field.name, kind, default, text, choices, values)
    for name, (setting, owners) in _method_settings().items():
        default = "" if setting.default is None else f"; default {setting.default}"
        text = f"{setting.help} [{', '.join(owners)}{default}]"
        kind = setting.kind if setting.default is None else type(setting.default)
        _define(name, kind, None, text, setting.choices, values)


def load_dataset(values: flags.FlagValues = flags.FLAGS) -> data.Dataset:
    """The data set that the flags name."""
    names = ("download", *DATA_FLAGS)
    return data.load(values.dataset, **{name: values[name].value for name in names})


def trainer_options(values: flags.FlagValues = flags.FLAGS) -> TrainerOptions:
    """The TrainerOptions that the flags say."""
    names = [field.name for field in dataclasses.fields(TrainerOptions)]
    chosen = {name: values[name].value for name in names}
    if chosen[_BY_METHOD] is None:
        chosen[_BY_METHOD] = methods.ema_half_life_images(values.method)
    return TrainerOptions(**chosen)


def build_method(shape: Sequence[int], values: flags.FlagValues = flags.FLAGS) -> Method:
    """The untrained Method that the flags describe, for data of this shape.

    Raises:
      UserError: as `method_settings`, or the networks are larger than the memory.
    """
    nets = _networks(shape, values)
    chosen = method_settings(shape, values)
    # What Keras and TensorFlow raise for weights that cannot be allocated.
    errors = tf.errors
    too_large = (errors.ResourceExhaustedError, errors.InvalidArgumentError, OverflowError)
    try:
        return methods.find(values.method).build(nets, chosen)
    except too_large as error:
        sizes = [f"--{k}={v}" for k, v in chosen.items() if v and k.endswith(_SIZES)]
        raise UserError(
            f"networks of {' '.join(sizes)} need more memory than there is: choose smaller sizes "
            f"({files.reason(error)})"
        ) from error


def method_settings(shape: Sequence[int], values: flags.FlagValues = flags.FLAGS) -> dict:
    """{name: value} of the method's settings, for data of this shape.

    Raises:
      UserError: unknown method, networks that are not for such data, a flag that is another
        method's, or a value out of its range.
    """
    from flexae_tf.algorithm import schedules  # here, because TensorFlow and Keras come with it

    known = methods.find(values.method).settings(values.variant)
    foreign = [n for n in _method_settings() if n not in known and values[n].value is not None]
    if foreign:
        raise UserError(
            f"--{foreign[0]} is no setting of --method={values.method}; its settings are "
            + ", ".join(known)
        )
    resolved = {
        name: setting.default if values[name].value is None else values[name].value
        for name, setting in known.items()
    }
    if "latent_dim" in resolved and resolved["latent_dim"] is None:
        resolved["latent_dim"] = networks.default_latent_dim(
            values.dataset, tuple(shape), values.variant
        )
    if "noise_dim" in resolved and resolved["noise_dim"] is None:
        resolved["noise_dim"] = resolved["latent_dim"]
    nets = _networks(shape, values)
    for name, setting in known.items():
        if resolved[name] is None and setting.derived is not None:
            resolved[name] = setting.derived(nets)
    for name, value in resolved.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"--{name} must be a finite number; received {value}")
        if value is None:
            continue
        if name.endswith(_MAY_BE_ZERO):
            if value < 0:
                raise UserError(f"--{name} must be at least 0; received {value}")
        elif name.endswith(_AT_LEAST_ONE) and value < 1:
            raise UserError(f"--{name} must be at least 1; received {value}")
        if name.endswith(("_learning_rate", "_epsilon", "_variance")) and value <= 0:
            raise UserError(f"--{name} must be above 0; received {value}")
        if name.endswith("_schedule"):
            try:
                schedules.parse(value)
            except UserError as error:
                raise UserError(f"--{name}: {error}") from None
        if ("_beta_" in name or name.endswith("_decay")) and not 0 <= value < 1:
            raise UserError(f"--{name} must be at least 0 and below 1; received {value}")
    return resolved


def resolved(shape: Sequence[int], values: flags.FlagValues = flags.FLAGS) -> dict:
    """{flag: value} of everything that makes up the run."""
    names = ["dataset", *DATA_FLAGS, "method", "variant", "networks", "width_multiplier"]
    chosen = {name: values[name].value for name in names}
    chosen["networks"] = _networks(shape, values).architecture
    return chosen | dataclasses.asdict(trainer_options(values)) | method_settings(shape, values)


def former(method: str | None, variant: str | None) -> dict:
    """{flag: value} of a run of a method, where there is one, that is older than the flag."""
    values = flags.FlagValues()
    define_flags(values)
    found = {name: values[name].default for name in values}
    if method is None or variant is None:
        return found
    found |= {"networks": methods.architecture(method), _BY_METHOD: 0.0}
    return found | _former_settings(method, variant)


def parse(texts: Mapping[str, str]) -> flags.FlagValues:
    """The values that {flag: text} of a flags.cfg set, and those of flags younger than the run.

    Raises:
      UserError: the file is damaged.
    """
    values = flags.FlagValues()
    define_flags(values)
    try:
        values(["flags.cfg", *[f"--{name}={text}" for name, text in texts.items()]])
    except flags.Error as error:
        raise UserError(f"flags.cfg: {' '.join(str(error).split())}") from error
    for name, value in _former_settings(values.method, values.variant).items():
        if values[name].value is None:
            values[name].value = value
    return values


def _networks(shape, values):
    """The `networks.Networks` that the flags describe. Raises UserError as `method_settings`."""
    if data.is_paired(shape) != methods.is_paired(values.method):
        paired = [name for name in methods.names() if methods.is_paired(name)]
        raise UserError(
            f"--method={values.method} does not go with --dataset={values.dataset}: images with "
            f"pose maps are for --method={' or '.join(paired)}, which needs them"
        )
    architecture = values.networks or methods.architecture(values.method)
    return networks.Networks(tuple(shape), values.variant, architecture, values.width_multiplier)


def _former_settings(method, variant):
    """{setting: value} of a method in runs that are older than the setting."""
    return {
        name: setting.default if setting.former is None else setting.former
        for name, setting in methods.find(method).settings(variant).items()
    }


def _method_settings():
    """{name: (Setting, names of the methods that have it)} over all methods."""
    merged = {}
    for method in methods.names():
        for name, setting in methods.find(method).settings("paper").items():
            merged.setdefault(name, (setting, []))[1].append(method)
    return merged


def _define(name, kind, default, text, choices, values):
    """Defines a flag of a type, or of choices."""
    if choices:
        flags.DEFINE_enum(name, default, choices, text, flag_values=values)
        return
    define = {
        bool: flags.DEFINE_bool,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        str: flags.DEFINE_string,
    }[kind]
    define(name, default, text, flag_values=values)
