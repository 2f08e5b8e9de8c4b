"""CV-VAE: a VAE whose encoder has one constant standard deviation.

Ghosh et al., "From Variational to Deterministic Autoencoders", Section 2.2 (Eq. 13, 14). Without a
learned deviation the codes no longer fill N(0, I), so it is meant for --density=gaussian or gmm.
"""

import functools
from collections.abc import Mapping
from typing import Any

from flexae_tf.algorithm.method import (
    Method,
    Setting,
    adam_settings,
    halving_setting,
    optimizer_from,
)
from flexae_tf.methods.vae import Vae
from flexae_tf.networks import Networks


def settings(variant: str) -> dict[str, Setting]:
    """The rate is the paper's (Appendix A) or its program's; beta the program's for MNIST.

    Its weight w is against the mean over channels, summed over places: w C / 2 on C channels here.
    """
    learning_rate = {"paper": 1e-3, "released": 1e-4}[variant]
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "posterior_deviation": Setting(0.7, "Standard deviation of q(z|x)."),
        "beta": Setting(0.0195, "Weight of the KL divergence."),
        **adam_settings("autoencoder", learning_rate, 0.9, 0.999),
        **halving_setting(),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """CV-VAE with encoder (m outputs) and decoder of `nets`."""
    latent_dim = settings["latent_dim"]
    return Vae(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        latent_dim=latent_dim,
        optimizer=functools.partial(optimizer_from, settings),
        beta=settings["beta"],
        sigma=settings["posterior_deviation"],
    )
