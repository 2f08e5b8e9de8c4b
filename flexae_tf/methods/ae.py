"""AE: the plain autoencoder; with weight decay on its decoder, the tables' "AE + GMM (L2)".

It is RAE without the norm of the codes (see rae.py), so it has no prior of its own.
"""

import functools
from collections.abc import Mapping
from typing import Any

from flexae_tf.algorithm.method import Method, Setting, optimizer_from
from flexae_tf.methods import rae
from flexae_tf.networks import Networks


def settings(variant: str) -> dict[str, Setting]:
    """The settings of AE, with RAE's rate."""
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "weight_decay_weight": Setting(0.0, "lambda of the decoder's squared kernels (AE-L2)."),
        **rae.decay_setting(variant),
        **rae.rate_settings(variant),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """AE with encoder and decoder of `nets`."""
    weight, latent_dim = settings["weight_decay_weight"], settings["latent_dim"]
    return rae.Rae(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        optimizer=functools.partial(optimizer_from, settings),
        regularizer="l2" if weight else "none",
        regularizer_weight=weight,
        decayed_kernels=settings["decayed_kernels"],
    )
