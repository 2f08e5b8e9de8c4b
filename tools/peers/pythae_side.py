"""pythae's side of tools/benchmark_peers.py: its models, and the updates of its trainers.

The trainers themselves are left out, and with them pythae's data loader and progress bar: one
minibatch after another is cut from images that are in memory as floats. The networks are those of
--networks=flexae (Tables 7 and 8 of the FlexAE paper).
"""

import itertools
import math

import torch
from pythae.models import (
    RAE_L2,
    VAE,
    WAE_MMD,
    Adversarial_AE,
    Adversarial_AE_Config,
    RAE_L2_Config,
    VAEConfig,
    WAE_MMD_Config,
)
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder
from torch import nn

from . import timing

_HIDDEN = 1024
_SIDE = timing.SHAPE[0] // 4


class Encoder(BaseEncoder):
    """x [B, 1, H, W] -> codes [B, m]; a second head of m for a VAE."""

    def __init__(self, latent_dim: int, stochastic: bool) -> None:
        super().__init__()
        self.stochastic = stochastic
        self.layers = nn.Sequential(
            *(nn.Conv2d(1, 64, 4, 2, 1), nn.ReLU()),
            *(nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(_SIDE**2 * 128, _HIDDEN), nn.BatchNorm1d(_HIDDEN), nn.ReLU()),
            nn.Linear(_HIDDEN, latent_dim * (2 if stochastic else 1)),
        )

    def forward(self, x: torch.Tensor) -> ModelOutput:
        encoded = self.layers(x)
        if not self.stochastic:
            return ModelOutput(embedding=encoded, log_covariance=torch.zeros_like(encoded))
        mean, log_variance = encoded.chunk(2, 1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """z [B, m] -> x_hat [B, 1, H, W] in (0, 1)."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        wide = _SIDE**2 * 128
        self.layers = nn.Sequential(
            *(nn.Linear(latent_dim, _HIDDEN), nn.BatchNorm1d(_HIDDEN), nn.ReLU()),
            *(nn.Linear(_HIDDEN, wide), nn.BatchNorm1d(wide), nn.ReLU()),
            nn.Unflatten(1, (128, _SIDE, _SIDE)),
            *(nn.ConvTranspose2d(128, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.ReLU()),
            *(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ELU()),
            *(nn.Conv2d(64, 1, 4, padding="same"), nn.Sigmoid()),
        )

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z))


class Discriminator(BaseDiscriminator):
    """z [B, m] -> probability [B, 1] of being a sample of the prior."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        widths = [latent_dim, *[_HIDDEN] * 4]
        pairs = itertools.pairwise(widths)
        hidden = [layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU())]
        self.layers = nn.Sequential(*hidden, nn.Linear(_HIDDEN, 1), nn.Sigmoid())

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(embedding=self.layers(z))


def main(
    method: str, batch_size: int, latent_dim: int, threads: int, warmup: int, iterations: int
) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model, players = _build(method, latent_dim)
    model.train()
    images = torch.rand(timing.IMAGES, timing.SHAPE[2], *timing.SHAPE[:2])
    batches = [{"data": part} for part in images.split(batch_size) if len(part) == batch_size]
    count = 0

    def iterate():
        nonlocal count
        count += 1
        output = model(batches[count % len(batches)])
        for index, (loss, optimizer) in enumerate(players):
            optimizer.zero_grad()
            output[loss].backward(retain_graph=index + 1 < len(players))
        for _, optimizer in players:
            optimizer.step()

    timing.report(_parameters(model), iterate, warmup, iterations)


def _build(method, latent_dim):
    """A pythae model and its players: (name of the loss, optimizer), as in its trainers."""
    encoder, decoder = Encoder(latent_dim, method == "vae"), Decoder(latent_dim)
    shared = {"input_dim": (timing.SHAPE[2], *timing.SHAPE[:2]), "latent_dim": latent_dim}
    both = [*encoder.parameters(), *decoder.parameters()]
    if method == "vae":
        return VAE(VAEConfig(**shared), encoder, decoder), [("loss", _adam(both))]
    if method == "wae_mmd":
        return WAE_MMD(WAE_MMD_Config(**shared), encoder, decoder), [("loss", _adam(both))]
    if method == "rae":
        config = RAE_L2_Config(**shared)
        decoder_adam = _adam(decoder.parameters(), weight_decay=config.reg_weight)
        players = [("encoder_loss", _adam(encoder.parameters())), ("decoder_loss", decoder_adam)]
        return RAE_L2(config, encoder, decoder), players
    critic = Discriminator(latent_dim)
    config = Adversarial_AE_Config(**shared, deterministic_posterior=True)
    players = [
        ("autoencoder_loss", _adam(both)),
        ("discriminator_loss", _adam(critic.parameters())),
    ]
    return Adversarial_AE(config, encoder, decoder, critic), players


def _adam(parameters, weight_decay=0.0):
    betas = (timing.BETA_1, timing.BETA_2)
    return torch.optim.Adam(parameters, timing.LEARNING_RATE, betas, timing.EPSILON, weight_decay)


def _parameters(model):
    """{this project's name of a network: number of trainable parameters}."""
    names = {"encoder": "encoder", "decoder": "decoder", "discriminator": "latent_critic"}
    return {
        ours: sum(math.prod(p.shape) for p in getattr(model, theirs).parameters())
        for theirs, ours in names.items()
        if hasattr(model, theirs)
    }


if __name__ == "__main__":
    main(**timing.task())
