"""Measures of a run's latent space and likelihood, one report for those that are asked for.

Keys:

    likelihood/elbo, likelihood/iwae            `likelihood`: mean bounds of log p(x) in nats
    likelihood/elbo_bits, likelihood/iwae_bits  the same as bits per pixel and channel
    path_length/z0, path_length/zt              `path_length`, in the space of noise and of codes
    separability/z0, separability/zt            `separability`, in both spaces
    transfer/...                                `transfer`, of a model conditioned on maps

z0 is left out where the prior is no bijection of N(0, I). The file, in the run's `metrics/`:

    <iteration>.latent_space.json, or <iteration>.latent_space.<density>.json
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from flexae_tf import densities
from flexae_tf.data import Dataset, gather
from flexae_tf.evaluation import report
from flexae_tf.evaluation.features import Extractor
from flexae_tf.evaluation.interpolation import SPACES, points_of
from flexae_tf.evaluation.likelihood import likelihood_bounds
from flexae_tf.evaluation.path_length import EPSILON, perceptual_path_length
from flexae_tf.evaluation.protocol import versions
from flexae_tf.evaluation.separability import linear_classifier, linear_separability
from flexae_tf.evaluation.transfer import transfer_measures
from flexae_tf.model import InvertibleDensity
from flexae_tf.runs import Run, RunDirectory


@dataclasses.dataclass(frozen=True)
class LatentProtocol:
    """How much each measure takes.

    Attributes:
      likelihood_images: test images, drawn by the seed; fewer where there are fewer.
      likelihood_samples: codes for each of them.
      path_length_pairs: of codes; the StyleGAN paper takes 100,000.
      path_length_epsilon: step along the way between them.
      separability_samples: that are classified, half of which count; there 200,000.
      seed: of all draws.
    """

    likelihood_images: int = 1000
    likelihood_samples: int = 500
    path_length_pairs: int = 10_000
    path_length_epsilon: float = EPSILON
    separability_samples: int = 20_000
    seed: int = 42


def measure(
    run: Run,
    dataset: Dataset,
    extractor: Extractor,
    measures: Sequence[str],
    density: str = densities.OWN,
    protocol: LatentProtocol | None = None,
) -> dict[str, Any]:
    """The record (see `report`) of some of MEASURES of a run, which is written, too.

    Measures that were taken before by the same protocol and extractor are kept in it.

    Args:
      run: `runs.Run`. dataset: its data.
      extractor: `features.Extractor` of path lengths and of the separability's classifier.
      measures: some of MEASURES.
      density: what is sampled, see `densities`.
      protocol: `LatentProtocol`; its defaults where there is none.

    Raises:
      UserError: the model or the data lack what a measure needs, or the file cannot be written.
    """
    protocol = protocol or LatentProtocol()
    model = densities.attach(run, density, dataset).model
    metrics = {}
    for name in measures:
        if name != "transfer":
            model.require_vectors(f"--measures={name}")
        found = MEASURES[name](model, dataset, extractor, protocol)
        metrics |= {f"{name}/{key}": value for key, value in found.items()}
    description = {
        "protocol": {"name": "latent_space", **dataclasses.asdict(protocol)},
        "counts": {"likelihood": min(protocol.likelihood_images, len(dataset.test))},
        "extractor": extractor.description(),
        "versions": versions(),
        "checkpoint": run.iteration,
        "dataset": dataset.name,
        "dataset_fingerprint": dataset.fingerprint,
        "method": run.settings["method"],
        "variant": run.settings["variant"],
        "density": density,
    }
    parts = [str(run.iteration), "latent_space", *([density] if density != densities.OWN else [])]
    path = RunDirectory(run.path).metrics / ".".join([*parts, "json"])
    before = report.read_json(path) or {}
    if all(before.get(key) == value for key, value in description.items()):
        metrics = report.metrics_of(before) | metrics
    record = report.record(metrics, description)
    report.write_json(record, path)
    return record


def _likelihood(model, dataset, extractor, protocol):
    del extractor
    order = np.random.default_rng(protocol.seed).permutation(len(dataset.test))
    examples = gather(dataset.test, order[: protocol.likelihood_images])
    return likelihood_bounds(model, examples, protocol.likelihood_samples, protocol.seed)


def _path_length(model, dataset, extractor, protocol):
    del dataset
    pairs, epsilon = protocol.path_length_pairs, protocol.path_length_epsilon
    return {
        space: perceptual_path_length(model, extractor, space, pairs, protocol.seed, epsilon)
        for space in _spaces(model)
    }


def _separability(model, dataset, extractor, protocol):
    classify = linear_classifier(dataset, extractor, protocol.seed)
    z = model.sample_codes(protocol.separability_samples, protocol.seed)
    logits = classify(np.clip(model.decode(z), 0, 1))
    return {
        space: linear_separability(points_of(model, space, z), logits) for space in _spaces(model)
    }


def _transfer(model, dataset, extractor, protocol):
    return transfer_measures(model, dataset, extractor, protocol.seed)


def _spaces(model):
    return SPACES if isinstance(model.density, InvertibleDensity) else ("zt",)


MEASURES = {
    "likelihood": _likelihood,
    "path_length": _path_length,
    "separability": _separability,
    "transfer": _transfer,
}
