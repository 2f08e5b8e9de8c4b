"""All measures of one model or of two sets, as {key: float}.

Keys are `<what is measured>/<measure>`:

    reconstruction/..., generation/...   a set of fakes against the protocol's real images:
        fid             Frechet distance of the extractor's activations; the FID with Inception
        kid, kid_std    kernel distance and its standard error
        prd_f1_8, prd_f8        PRD, precision-like and recall-like
        precision, recall       improved precision and recall, k = 3
        inception_score         where the extractor classifies
        squared_error           of reconstructions only: mean over images of |x - x_hat|^2
    interpolation/fid   decoded spherical midpoints of the codes of random pairs of images
    pms/a_b, ims/a_b    memorization score in pixels and in activations, mean over set a of the
                        distance to set b; named as the columns of the paper's Table 4
    codes/nac, codes/nac_by_mean_variance       dependence between the components of the codes
    codes/active_dimensions     of a mask, where there is one; the two are taken over these

Numbers that do not exist (the error of a single block, say) are left out.
"""

import dataclasses
from pathlib import Path

import numpy as np

from flexae_tf.data import Dataset, gather
from flexae_tf.errors import UserError, warn
from flexae_tf.evaluation.cache import cached_features
from flexae_tf.evaluation.covariance import nac, nac_by_mean_variance
from flexae_tf.evaluation.features import Extractor, Features, pixels
from flexae_tf.evaluation.frechet import frechet_distance
from flexae_tf.evaluation.inception_score import inception_score
from flexae_tf.evaluation.interpolation import spherical
from flexae_tf.evaluation.kernel import kernel_distance
from flexae_tf.evaluation.memorization import memorization_score
from flexae_tf.evaluation.prd import prd_score
from flexae_tf.evaluation.precision_recall import precision_recall
from flexae_tf.evaluation.protocol import STANDARD, Protocol
from flexae_tf.evaluation.reconstruction import squared_error
from flexae_tf.model import Model

# Of the keys that do not depend on what the model is sampled from.
AUTOENCODER_PREFIXES = ("reconstruction/", "interpolation/", "codes/")
# Above it (CelebA as pixels) the singular values take hours.
LARGEST_FRECHET_COMPONENTS = 4096
# Disjoint sets of train images that pms/train_test is averaged over, where there are as many.
_BASELINE_DRAWS = 5


def evaluate_model(
    model: Model,
    dataset: Dataset,
    extractor: Extractor,
    protocol: Protocol,
    cache_dir: Path | str | None = None,
    autoencoder: dict[str, float] | None = None,
) -> tuple[dict[str, float], dict[str, int]]:
    """Everything the paper's Tables 1, 2 and 4 hold for one trained model, and more.

    Args:
      model: a trained `Model`, which has something to sample from.
      dataset: the `Dataset` it was trained on.
      extractor: `features.Extractor`.
      protocol: `protocol.Protocol`.
      cache_dir: where features of the real images are kept; by default the data's cache.
      autoencoder: what `evaluate_autoencoder` measured before, if it did.

    Returns:
      (metrics {key: float}, counts {set: number of images}).
    """
    model.require_unconditional("this evaluation")
    real = protocol.images(dataset)
    metrics = autoencoder or evaluate_autoencoder(model, dataset, extractor, protocol, cache_dir)
    generated = protocol.prepare(model.sample(len(real), protocol.seed))
    features = extractor(generated)
    measured = two_set_metrics(
        real=cached_features(extractor, real, cache_dir), generated=features, seed=protocol.seed
    )
    memorization, count = _memorization(
        dataset, generated, features, extractor, protocol, cache_dir
    )
    counts = {"real": len(real), "generated": len(generated), "memorization": count}
    return metrics | _finite(_prefixed("generation", measured) | memorization), counts


def evaluate_autoencoder(
    model: Model,
    dataset: Dataset,
    extractor: Extractor,
    protocol: Protocol,
    cache_dir: Path | str | None = None,
) -> dict[str, float]:
    """The measures that have nothing to do with what the model is sampled from.

    Args:
      model, dataset, extractor, protocol, cache_dir: as in `evaluate_model`.

    Returns:
      {key: float}, the keys of "reconstruction/", "interpolation/" and "codes/".
    """
    real = protocol.images(dataset)
    originals = _originals(dataset, real, protocol)
    metrics = _reconstruct(model, originals, real, extractor, protocol, cache_dir)
    if model.codebook_size is not None:
        warn("left out interpolation/ and codes/, which need codes that are vectors")
        return _finite(metrics)
    z = model.encode(originals)
    if protocol.interpolate:
        metrics |= _interpolate(model, z, real, extractor, protocol, cache_dir)
    if model.active is not None:
        metrics["codes/active_dimensions"] = np.sum(model.active)
        z = z * model.active  # the others have no variance then, and are left out
    metrics |= {"codes/nac": nac(z), "codes/nac_by_mean_variance": nac_by_mean_variance(z)}
    return _finite(metrics)


def evaluate_small(
    model: Model,
    dataset: Dataset,
    extractor: Extractor,
    n: int,
    seed: int,
    cache_dir: Path | str | None = None,
) -> dict[str, float]:
    """The fakes' measures on `n` images, quickly enough to run during training.

    Args:
      model, dataset, extractor, cache_dir: as in `evaluate_model`.
      n: images in each set. Scores depend on it: compare them within a run only.
      seed: draws the real images and the samples.

    Returns:
      {key: float}, the keys of "reconstruction/" and, for a model with a prior, "generation/".
    """
    model.require_unconditional("--eval_every_steps")
    protocol = dataclasses.replace(STANDARD, count=n, seed=seed)
    real = protocol.images(dataset)
    metrics = _reconstruct(model, real, real, extractor, protocol, cache_dir)
    if model.density is not None:
        measured = two_set_metrics(
            real=cached_features(extractor, real, cache_dir),
            generated=extractor(protocol.prepare(model.sample(n, seed))),
            seed=seed,
        )
        metrics |= _prefixed("generation", measured)
    return _finite(metrics)


def compare_sets(
    *,
    real: np.ndarray,
    generated: np.ndarray,
    extractor: Extractor,
    seed: int,
    cache_dir: Path | str | None = None,
) -> dict[str, float]:
    """Measures of any two sets of images, from whatever model.

    Args:
      real, generated: uint8 [N, H, W, C], or floating in [0, 1]; equally many, in random order.
      extractor: `features.Extractor`.
      seed: of PRD's clusterings.
      cache_dir: as in `evaluate_model`.

    Returns:
      {key: float}: those of a set of fakes without their prefix, and pms and ims from `generated`
      to `real`.

    Raises:
      UserError: unequal numbers, or images that cannot be measured.
    """
    if len(real) != len(generated):
        raise UserError(
            f"expected equally many images, received {len(real)} real and {len(generated)} "
            "generated; give --count to compare as many of each"
        )
    real_features = cached_features(extractor, real, cache_dir)
    features = extractor(generated)
    metrics = two_set_metrics(real=real_features, generated=features, seed=seed)
    if real.shape[1:] == generated.shape[1:]:
        metrics["pms"] = _pms(real=real, generated=generated)
    if not extractor.is_pixels:
        metrics["ims"] = memorization_score(
            real=real_features.activations, generated=features.activations
        )
    return _finite(metrics)


def two_set_metrics(*, real: Features, generated: Features, seed: int) -> dict[str, float]:
    """The measures that need nothing but the features of two sets.

    Args:
      real, generated: `features.Features` of equally many images.
      seed: of PRD's clusterings.

    Returns:
      {key: float}, keys without a prefix.
    """
    sets = {"real": real.activations, "generated": generated.activations}
    metrics = {}
    components = real.activations.shape[1]
    if components <= LARGEST_FRECHET_COMPONENTS:
        metrics["fid"] = frechet_distance(**sets)
    else:
        warn(f"no Frechet distance of {components:,} components: it would take hours")
    metrics["kid"], metrics["kid_std"] = kernel_distance(**sets)
    metrics["prd_f1_8"], metrics["prd_f8"] = prd_score(**sets, seed=seed)
    metrics["precision"], metrics["recall"] = precision_recall(**sets)
    if generated.logits is not None:
        metrics["inception_score"] = inception_score(generated.logits)
    return metrics


def _originals(dataset, real, protocol):
    """The images that are reconstructed; no more than the real ones they are compared with."""
    if protocol.same_originals and protocol.reconstructed_split in (None, protocol.split):
        return real
    draw = 0 if protocol.same_originals else 1
    return protocol.images(dataset, reconstructed=True, draw=draw)[: len(real)]


def _reconstruct(model, originals, real, extractor, protocol, cache_dir):
    """Metrics of the reconstructions of `originals`."""
    x_hat = model.reconstruct(originals, protocol.reconstruct_by, protocol.seed)
    measured = two_set_metrics(
        real=cached_features(extractor, real[: len(originals)], cache_dir),
        generated=extractor(protocol.prepare(x_hat)),
        seed=protocol.seed,
    )
    # Of the model's own output: rounding and stretching belong to the extractor's input.
    measured["squared_error"] = squared_error(real=originals, generated=x_hat)
    return _prefixed("reconstruction", measured)


def _interpolate(model, z, real, extractor, protocol, cache_dir):
    """The Frechet distance of decoded midpoints (Ghosh et al., Table 1).

    The rows are in random order, so that each and the next are a random pair.
    """
    real_features = cached_features(extractor, real[: len(z)], cache_dir).activations
    if real_features.shape[1] > LARGEST_FRECHET_COMPONENTS:
        return {}
    middle = model.decode(np.float32(spherical(z, np.roll(z, 1, axis=0), 0.5)))
    features = extractor(protocol.prepare(middle)).activations
    return {"interpolation/fid": frechet_distance(real=real_features, generated=features)}


def _memorization(dataset, generated, generated_features, extractor, protocol, cache_dir):
    """(PMS and IMS as the columns of Table 4, how many images each set has)."""
    count = min(len(generated), len(dataset.train) // 2)
    order = np.random.default_rng(protocol.seed).permutation(len(dataset.train))
    sets = {
        "train": gather(dataset.train, order[:count]),
        "other_train": gather(dataset.train, order[count : 2 * count]),
        "test": protocol.images(dataset)[:count],
    }
    # (queries, database): as many of each, because the score falls as the database grows.
    pairs = {
        "train_train": ("other_train", "train"),
        "generated_train": ("generated", "train"),
        "train_test": ("train", "test"),
        "generated_test": ("generated", "test"),
    }
    images = sets | {"generated": generated[:count]}
    metrics = {
        f"pms/{pair}": _pms(real=images[database], generated=images[queries])
        for pair, (queries, database) in pairs.items()
    }
    # One draw of train images scatters by as much as the paper's digits differ: average some more.
    draws = range(2, min(_BASELINE_DRAWS, len(dataset.train) // count))
    more = [gather(dataset.train, order[i * count : (i + 1) * count]) for i in draws]
    scores = [_pms(real=images["test"], generated=train) for train in [sets["other_train"], *more]]
    metrics["pms/train_test"] = float(np.mean([metrics["pms/train_test"], *scores]))
    if extractor.is_pixels:  # then IMS is PMS
        return metrics, count
    features = {
        name: cached_features(extractor, array, cache_dir).activations
        for name, array in sets.items()
    }
    features["generated"] = generated_features.activations[:count]
    for pair, (queries, database) in pairs.items():
        metrics[f"ims/{pair}"] = memorization_score(
            real=features[database], generated=features[queries]
        )
    return metrics, count


def _pms(*, real, generated):
    flatten = pixels()
    return memorization_score(
        real=flatten(real).activations, generated=flatten(generated).activations
    )


def _prefixed(name, metrics):
    return {f"{name}/{key}": value for key, value in metrics.items()}


def _finite(metrics):
    return {key: float(value) for key, value in metrics.items() if np.isfinite(value)}
