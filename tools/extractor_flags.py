"""The flags that choose the extractor of features, for every tool that takes one."""

from collections.abc import Sequence

from absl import flags

from flexae_tf.evaluation import pretrained
from flexae_tf.evaluation.features import Extractor

_INCEPTION = flags.DEFINE_string(
    "inception", None, "Inception: a SavedModel's folder or classify_image_graph_def.pb."
)
_FEATURES = flags.DEFINE_string(
    "features", None, "Another extractor: a SavedModel's folder, or pixels."
)


def check() -> None:
    """Raises UserError where both flags are given."""
    pretrained.refuse_two(_INCEPTION.value, _FEATURES.value)


def given() -> bool:
    """Whether one of the flags is given."""
    return bool(_INCEPTION.value or _FEATURES.value)


def choose(shape: Sequence[int]) -> Extractor:
    """The `features.Extractor` that the flags name, for examples of this shape."""
    return pretrained.choose(shape, _INCEPTION.value, _FEATURES.value)
