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
from typing import TYPE_CHECKING

import keras

from flexae_tf.errors import UserError

if TYPE_CHECKING:  # a class of Keras', which is imported where one is made
    from flexae_tf.networks.progressive import Growth

VARIANTS = ("paper", "released")
# Each a module of this folder with encoder(shape, outputs, variant, spectral_norm,
# width_multiplier) and decoder(shape, latent_dim, variant, spectral_norm, width_multiplier). By
# name, because their layers are Keras'.
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
    "pioneer",
)
_FOR_VECTORS = ("flexae", "mask_aae")
# {name: how a VAE with these networks makes sigma of the encoder's last m outputs}, as that paper's
# program does (`algorithm.likelihoods.DEVIATIONS`). The papers of FlexAE, WAE, MaskAAE, VQ-VAE,
# ALAE and PIONEER have no such VAE.
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
    "pioneer": "softplus",
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
      width_multiplier: of the units and filters of every hidden layer; 1 as published.
    """

    shape: tuple
    variant: str = "paper"
    architecture: str = "flexae"
    width_multiplier: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.width_multiplier < math.inf:
            raise UserError(
                "--width_multiplier must be a number above 0, 1 for the published widths; "
                f"received {self.width_multiplier}"
            )
        if len(self.shape) == 1 and self.architecture not in _FOR_VECTORS:
            raise UserError(
                f"--networks={self.architecture} is for images; leave it out for data of vectors, "
                f"or take one of {', '.join(_FOR_VECTORS)}"
            )

    def encoder(self, outputs: int, spectral_norm: bool = False) -> keras.Model:
        """x -> [B, outputs], its kernels divided by their largest singular values if asked for."""
        return self._built("encoder", outputs, spectral_norm)

    def decoder(self, latent_dim: int, spectral_norm: bool = False) -> keras.Model:
        """z -> x_hat, its kernels divided by their largest singular values if asked for."""
        return self._built("decoder", latent_dim, spectral_norm)

    def grid_encoder(self, code_dim: int) -> keras.Model:
        """x -> z_e [B, h, w, code_dim]. Raises UserError if the architecture has no such grid."""
        module = self._with_grids()
        return module.grid_encoder(self.shape, code_dim, width_multiplier=self.width_multiplier)

    def grid_decoder(self, code_dim: int) -> keras.Model:
        """z_q [B, h, w, code_dim] -> x_hat. Raises UserError as `grid_encoder`."""
        module = self._with_grids()
        return module.grid_decoder(self.shape, code_dim, width_multiplier=self.width_multiplier)

    @property
    def grow(self) -> bool:
        """Whether the architecture has networks that grow."""
        return hasattr(_module(self.architecture), "growing")

    def growing(
        self, latent_dim: int, phase_steps: int
    ) -> tuple[Growth, list[keras.Model], list[keras.Model]]:
        """As `networks.pioneer.growing`. Raises UserError if the architecture does not grow."""
        if not self.grow:
            raise UserError(
                f"--networks={self.architecture} cannot grow: choose --networks=pioneer or --nogrow"
            )
        build = _module(self.architecture).growing
        return build(self.shape, latent_dim, phase_steps, self.width_multiplier)

    def generator(
        self, noise_dim: int, latent_dim: int, depth: int | None = None, width: int | None = None
    ) -> keras.Model:
        """n -> z_hat; `depth` hidden layers of `width` units, the tables' by default."""
        return _module("flexae").generator(
            self.shape, noise_dim, latent_dim, self.variant, depth, width, self.width_multiplier
        )

    def latent_critic(self, latent_dim: int) -> keras.Model:
        """z -> verdict."""
        return _module("flexae").latent_critic(
            self.shape, latent_dim, self.variant, self.width_multiplier
        )

    def image_critic(self) -> keras.Model:
        """x -> verdict, without batch normalization."""
        return _module("flexae").image_critic(self.shape, self.variant, self.width_multiplier)

    def scaled(self, units: int) -> int:
        """Units of a hidden layer of a method's own that is published with so many."""
        return _module("blocks").scaled(units, self.width_multiplier)

    def _built(self, name, outputs, spectral_norm):
        build = getattr(_module(self.architecture), name)
        return build(self.shape, outputs, self.variant, spectral_norm, self.width_multiplier)

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
