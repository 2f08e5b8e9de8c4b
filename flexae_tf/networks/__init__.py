"""The networks of a run: whose encoder and decoder, for which data.

An image is float32 [B, H, W, C] in [0, 1], a code z is [B, m], noise n is [B, m'], and a critic's
verdict is [B, 1] without an activation. `--networks` chooses the encoder and the decoder for any
method; generators and critics are those of the FlexAE paper.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Iterable
from types import ModuleType

import keras

from flexae_tf.errors import UserError

VARIANTS = ("paper", "released")
# Each a module of this folder with encoder(shape, outputs, variant, spectral_norm) and
# decoder(shape, latent_dim, variant, spectral_norm). By name, because their layers are Keras'.
ARCHITECTURES = (
    "flexae",
    "rae",
    "infogan",
    "resnet",
    "wae",
    "two_stage_wae",
    "mask_aae",
    "vq_vae",
    "alae_fc",
    "alae_style",
)
_FOR_VECTORS = ("flexae", "mask_aae")
# {name: how a VAE with these networks makes sigma of the encoder's last m outputs}, as that paper's
# program does (`algorithm.likelihoods.DEVIATIONS`). The papers of FlexAE, WAE, MaskAAE, VQ-VAE and
# ALAE have no such VAE.
SIGMAS = {
    "flexae": "softplus",
    "rae": "exp_tanh",
    "infogan": "softplus",
    "resnet": "exp",
    "wae": "exp",
    "two_stage_wae": "exp",
    "mask_aae": "softplus",
    "vq_vae": "softplus",
    "alae_fc": "softplus",
    "alae_style": "softplus",
}
# Of the FlexAE paper. Tables 7 and 8 give m by data set, and grey or colour is what tells these
# apart; Table 6 gives it for the two synthetic sets.
_GREY_LATENT_DIM = {"paper": 20, "released": 32}
_COLOUR_LATENT_DIM = {"paper": 64, "released": 128}
_VECTOR_LATENT_DIM = {"synthetic2d": 2}
_DEFAULT_VECTOR_LATENT_DIM = 50


@dataclasses.dataclass(frozen=True)
class Networks:
    """Builds the networks of one run.

    Attributes:
      shape: of an example, (H, W, C) or (D,).
      variant: one of VARIANTS.
      architecture: one of ARCHITECTURES, for encoder and decoder. Data sets of vectors have only
        Table 6, which is "flexae", and "mask_aae".
    """

    shape: tuple
    variant: str = "paper"
    architecture: str = "flexae"

    def __post_init__(self) -> None:
        if len(self.shape) == 1 and self.architecture not in _FOR_VECTORS:
            raise UserError(
                f"--networks={self.architecture} is for images; leave it out for data of vectors, "
                f"or take one of {', '.join(_FOR_VECTORS)}"
            )

    def encoder(self, outputs: int, spectral_norm: bool = False) -> keras.Model:
        """x -> [B, outputs], its kernels divided by their largest singular values if asked for."""
        return _module(self.architecture).encoder(self.shape, outputs, self.variant, spectral_norm)

    def decoder(self, latent_dim: int, spectral_norm: bool = False) -> keras.Model:
        """z -> x_hat, its kernels divided by their largest singular values if asked for."""
        module = _module(self.architecture)
        return module.decoder(self.shape, latent_dim, self.variant, spectral_norm)

    def grid_encoder(self, code_dim: int) -> keras.Model:
        """x -> z_e [B, h, w, code_dim]. Raises UserError if the architecture has no such grid."""
        return self._with_grids().grid_encoder(self.shape, code_dim)

    def grid_decoder(self, code_dim: int) -> keras.Model:
        """z_q [B, h, w, code_dim] -> x_hat. Raises UserError as `grid_encoder`."""
        return self._with_grids().grid_decoder(self.shape, code_dim)

    def generator(
        self, noise_dim: int, latent_dim: int, depth: int | None = None, width: int | None = None
    ) -> keras.Model:
        """n -> z_hat; `depth` hidden layers of `width` units, the tables' by default."""
        flexae = _module("flexae")
        return flexae.generator(self.shape, noise_dim, latent_dim, self.variant, depth, width)

    def latent_critic(self, latent_dim: int) -> keras.Model:
        """z -> verdict."""
        return _module("flexae").latent_critic(self.shape, latent_dim, self.variant)

    def image_critic(self) -> keras.Model:
        """x -> verdict, without batch normalization."""
        return _module("flexae").image_critic(self.shape, self.variant)

    def _with_grids(self):
        module = _module(self.architecture)
        if not hasattr(module, "grid_encoder"):
            raise UserError(
                f"--networks={self.architecture} encodes an image as one vector, not as the grid "
                "that this method takes: leave --networks out; the data must be images"
            )
        return module


def default_latent_dim(dataset: str, shape: tuple[int, ...], variant: str) -> int:
    """Latent dimension m that the FlexAE paper (or its program) uses for such data."""
    if len(shape) == 1:
        return _VECTOR_LATENT_DIM.get(dataset, _DEFAULT_VECTOR_LATENT_DIM)
    return (_GREY_LATENT_DIM if shape[-1] == 1 else _COLOUR_LATENT_DIM)[variant]


def parameter_count(network: keras.Model) -> int:
    """Number of trainable parameters of a network."""
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)


def layers_of(networks: Iterable[keras.Model], kind: type | tuple[type, ...]) -> list:
    """The layers of a class, or of one of several, in Keras models, however deep they are."""
    return [
        layer
        for network in networks
        for layer in network._flatten_layers()
        if isinstance(layer, kind)
    ]


def _module(architecture: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{architecture}")
