"""The networks of a run: whose encoder and decoder, for which data.

An image is float32 [B, H, W, C] in [0, 1], a code z is [B, m], noise n is [B, m'], and a critic's
verdict is [B, 1] without an activation. `--networks` chooses the encoder and the decoder for any
method; generators and critics are those of the FlexAE paper.
"""

import dataclasses

import keras

from flexae_tf.errors import UserError
from flexae_tf.networks import flexae, infogan, rae, resnet, two_stage_wae, wae
from flexae_tf.networks.flexae import VARIANTS, default_latent_dim, parameter_count

__all__ = [
    "ARCHITECTURES",
    "SIGMAS",
    "VARIANTS",
    "Networks",
    "default_latent_dim",
    "parameter_count",
]

# {name: module with encoder(shape, outputs, variant, spectral_norm) and decoder(shape, latent_dim,
# variant, spectral_norm)}
ARCHITECTURES = {
    "flexae": flexae,
    "rae": rae,
    "infogan": infogan,
    "resnet": resnet,
    "wae": wae,
    "two_stage_wae": two_stage_wae,
}
# {name: how a VAE with these networks makes sigma of the encoder's last m outputs}, as that paper's
# program does (`algorithm.likelihoods.DEVIATIONS`). No VAE of FlexAE's or WAE's is published.
SIGMAS = {
    "flexae": "softplus",
    "rae": "exp_tanh",
    "infogan": "softplus",
    "resnet": "exp",
    "wae": "exp",
    "two_stage_wae": "exp",
}


@dataclasses.dataclass(frozen=True)
class Networks:
    """Builds the networks of one run.

    Attributes:
      shape: of an example, (H, W, C) or (D,).
      variant: one of VARIANTS.
      architecture: one of ARCHITECTURES, for encoder and decoder. Data sets of vectors have only
        Table 6, which is "flexae".
    """

    shape: tuple
    variant: str = "paper"
    architecture: str = "flexae"

    def __post_init__(self) -> None:
        if len(self.shape) == 1 and self.architecture != "flexae":
            raise UserError(
                f"--networks={self.architecture} is for images; leave it out for data of vectors"
            )

    def encoder(self, outputs: int, spectral_norm: bool = False) -> keras.Model:
        """x -> [B, outputs], its kernels divided by their largest singular values if asked for."""
        return self._module.encoder(self.shape, outputs, self.variant, spectral_norm)

    def decoder(self, latent_dim: int, spectral_norm: bool = False) -> keras.Model:
        """z -> x_hat, its kernels divided by their largest singular values if asked for."""
        return self._module.decoder(self.shape, latent_dim, self.variant, spectral_norm)

    def generator(
        self, noise_dim: int, latent_dim: int, depth: int | None = None, width: int | None = None
    ) -> keras.Model:
        """n -> z_hat; `depth` hidden layers of `width` units, the tables' by default."""
        return flexae.generator(self.shape, noise_dim, latent_dim, self.variant, depth, width)

    def latent_critic(self, latent_dim: int) -> keras.Model:
        """z -> verdict."""
        return flexae.latent_critic(self.shape, latent_dim, self.variant)

    def image_critic(self) -> keras.Model:
        """x -> verdict, without batch normalization."""
        return flexae.image_critic(self.shape, self.variant)

    @property
    def _module(self):
        return ARCHITECTURES[self.architecture]
