"""FlexAE-SR: FlexAE with the smoothing regularization of Eq. 9 and 10 (see flexae.py)."""

from collections.abc import Mapping
from typing import Any

from flexae_tf.algorithm.method import Method, Setting, adam_settings
from flexae_tf.methods import flexae
from flexae_tf.networks import Networks


def settings(variant: str) -> dict[str, Setting]:
    """FlexAE's settings and those of the two players that smooth."""
    return {
        **flexae.settings(variant),
        **adam_settings("image_critic", 2e-4, 0.5, 0.9),
        **adam_settings("smoothing", 2e-4, 0.5, 0.9),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """FlexAE-SR with the networks of Tables 6 to 8."""
    return flexae.build(nets, settings, image_critic=nets.image_critic())
