"""AAE: an adversarial autoencoder, a code's discriminator and N(0, I).

Makhzani et al., "Adversarial Autoencoders": the reconstruction moves encoder and decoder, the
discriminator tells codes from N(0, I), and the encoder fools it with an optimizer of its own. It is
WAE-GAN with the Jensen-Shannon divergence and one step of the critic: as there, the last two share
a minibatch, and the reconstruction has another.
"""

import functools
from collections.abc import Mapping
from typing import Any

from flexae_tf.algorithm import divergences
from flexae_tf.algorithm.method import Method, Setting, adam_settings, optimizer_from
from flexae_tf.data import draws
from flexae_tf.methods.wae_gan import WaeGan
from flexae_tf.networks import Networks


def settings(variant: str) -> dict[str, Setting]:
    """The paper's rates are not those of Adam; these are DCGAN's, the autoencoder's FlexAE's."""
    del variant
    return {
        "latent_dim": Setting(None, "Dimension m of the codes."),
        "critic_steps": Setting(1, "Critic updates per iteration."),
        **adam_settings("autoencoder", 2e-4, 0.9, 0.999),
        **adam_settings("latent_critic", 2e-4, 0.5, 0.999),
        **adam_settings("encoder", 2e-4, 0.5, 0.999),
    }


def build(nets: Networks, settings: Mapping[str, Any]) -> Method:
    """AAE with encoder and decoder of `nets` and Table 8's critic for a discriminator."""
    latent_dim = settings["latent_dim"]
    return WaeGan(
        encoder=nets.encoder(latent_dim),
        decoder=nets.decoder(latent_dim),
        latent_critic=nets.latent_critic(latent_dim),
        optimizer=functools.partial(optimizer_from, settings),
        prior=draws.noise("normal", latent_dim),
        divergence=divergences.JensenShannon(),
        critic_steps=settings["critic_steps"],
    )
