"""Linear separability: does a plane in the space of codes tell images with an attribute apart?

Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", Section
4.2 and program: samples are classified attribute by attribute, the surer half of them is kept, and
a linear support vector machine learns from the codes what the classifier said. With X its answer
and Y the classifier's, the score is exp(sum over attributes of H(Y|X)), 1 where planes suffice.

Their classifiers are deep networks. Here it is any function of images; `linear_classifier` makes
the stand-in of a logistic regression on an extractor's activations for each class or attribute,
so that scores compare between models that were measured with the same one.
"""

import warnings
from collections.abc import Callable

import numpy as np

from flexae_tf.data import Dataset, gather
from flexae_tf.errors import UserError
from flexae_tf.evaluation.features import Extractor

_MOST_TRAINED_ON = 10_000
_MOST_ITERATIONS = 200


def linear_separability(codes: np.ndarray, logits: np.ndarray) -> float:
    """exp(sum_i H(Y_i|X_i)), at least 1.

    An attribute that all kept samples have, or none, counts as separated.

    Args:
      codes: [N, m].
      logits: [N, A] of the images of these codes, above 0 for an attribute that they have.
    """
    return float(np.exp(sum(_conditional_entropy(codes, logit) for logit in logits.T)))


def linear_classifier(
    dataset: Dataset, extractor: Extractor, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images to logits [N, A], by a logistic regression for each attribute.

    It is trained on at most 10,000 train images; each class of a labelled data set is an attribute.
    Attributes that all or none of these have are left out, and A is smaller.

    Args:
      dataset: the `Dataset`, with labels.
      extractor: whose activations, standardized, are separated.
      seed: chooses the train images.

    Raises:
      UserError: the data set has no labels, or none that tells its images apart.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    labels = dataset.train_labels
    if labels is None:
        raise UserError(f"the data set {dataset.name} has no labels to separate its codes by")
    rows = np.random.default_rng(seed).permutation(len(dataset.train))[:_MOST_TRAINED_ON]
    has = labels[rows]  # [N] or [N, A]
    if has.ndim == 1:
        has = has[:, None] == np.unique(labels)
    scaler = StandardScaler()
    activations = scaler.fit_transform(extractor(gather(dataset.train, rows)).activations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifiers = [
            LogisticRegression(max_iter=_MOST_ITERATIONS).fit(activations, attribute)
            for attribute in has.T
            if len(np.unique(attribute)) == 2
        ]
    if not classifiers:
        raise UserError(f"the labels do not tell the images of {dataset.name} apart")

    def classify(images):
        activations = scaler.transform(extractor(images).activations)
        return np.stack([c.decision_function(activations) for c in classifiers], 1)

    return classify


def _conditional_entropy(codes, logit):
    """H(Y|X) in nats of a classifier's answers Y to those of a support vector machine X."""
    from sklearn.svm import LinearSVC

    surest = np.argsort(-np.abs(logit), kind="stable")[: len(logit) // 2]
    y, z = logit[surest] > 0, codes[surest]
    if y.all() or not y.any():
        return 0.0
    x = LinearSVC(dual=False).fit(z, y).predict(z)
    joint = np.array([[np.mean((x == a) & (y == b)) for b in (0, 1)] for a in (0, 1)])
    marginal = joint.sum(1, keepdims=True)
    ratio = np.where(joint > 0, joint / np.where(marginal > 0, marginal, 1), 1)
    return float(-(joint * np.log(ratio)).sum())
