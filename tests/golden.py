"""Replays reference iterations of FlexAE-SR that the released TF 1.15 program computed.

    python -m tests.golden tests/reference/flexae_sr_released.json

A reference file holds sizes, a seed, the trainable variables in order, the loss of every update and
the sum, L2 norm and first entries of every variable after each iteration. Weights and draws follow
from the seed by NumPy; the files' tolerance is what two convolution back ends of the released
program differ by.
"""

import collections
import json
import sys

import numpy as np
import tensorflow as tf

from flexae_tf import methods, networks

NETWORKS = ("encoder", "decoder", "generator", "latent_critic", "image_critic")
# Largest differences between two back ends: relative loss, absolute loss near zero, relative norm
# after each iteration, entry after each iteration.
LOSS_RTOL, LOSS_ATOL = 2e-3, 1e-3
NORM_RTOL = (4e-4, 9e-4)
ENTRY_ATOL = (4e-4, 8e-4)


def load(path):
    with open(path) as file:
        return json.load(file)


def replay(reference):
    """Runs the reference's iterations with this project's FlexAE-SR.

    Returns:
      (losses, weights): for each iteration {player: loss of its last update} and a list of arrays.
    """
    method = _method(reference)
    variables = [v for name in NETWORKS for v in method.networks[name].trainable_variables]
    for index, (variable, described) in enumerate(
        zip(variables, reference["variables"], strict=True)
    ):
        variable.assign(_initial(reference["seed"], index, **described))
    draw = _Draws(reference, method.draw_spec)
    step = tf.function(method.step)
    losses, weights = [], []
    for _ in range(reference["iterations"]):
        reported = step(draw.iteration())
        losses.append({name: float(reported[name]) for name in method.players})
        weights.append([variable.numpy() for variable in variables])
    return losses, weights


def differences(reference, losses, weights):
    """Yields (what, ours, theirs, difference, tolerance) for everything the reference states."""
    per_iteration = 4 + 2 * reference["critic_steps"]
    for i, (ours, values) in enumerate(zip(losses, weights, strict=True)):
        part = reference["losses"][i * per_iteration : (i + 1) * per_iteration]
        theirs = {update["phase"]: update["loss"] for update in part}  # the last critic step's
        for name, loss in theirs.items():
            tolerance = max(LOSS_RTOL * abs(loss), LOSS_ATOL)
            yield f"loss {name} {i}", ours[name], loss, abs(ours[name] - loss), tolerance
        for described, value in zip(reference["variables"], values, strict=True):
            name = described["name"]
            known = reference["weights_after"][i + 1][name]
            norm = float(np.linalg.norm(value.astype(np.float64)))
            late = min(i, 1)
            difference = abs(norm - known["l2"]) / known["l2"]
            yield f"norm {name} {i}", norm, known["l2"], difference, NORM_RTOL[late]
            head = value.ravel()[: len(known["head"])]
            difference = float(np.abs(head - known["head"]).max())
            yield f"entries {name} {i}", head, known["head"], difference, ENTRY_ATOL[late]


def _method(reference):
    module = methods.find("flexae_sr")
    settings = {name: s.default for name, s in module.settings("released").items()}
    settings["latent_dim"] = settings["noise_dim"] = reference["latent_dim"]
    settings["critic_steps"] = reference["critic_steps"]
    shape = (reference["height"], reference["height"], reference["channels"])
    return module.build(networks.Networks(shape, "released"), settings)


def _initial(seed, index, name, shape):
    random = np.random.default_rng([seed, index]).standard_normal(shape)
    kind = name.rsplit("/", 1)[1]
    if kind == "gamma":
        return (1 + 0.1 * random).astype(np.float32)
    if kind in ("beta", "bias"):
        return (0.05 * random).astype(np.float32)
    window = int(np.prod(shape[:-2]))
    return (np.sqrt(2 / (window * (shape[-2] + shape[-1]))) * random).astype(np.float32)


class _Draws:
    """The reference's minibatches and coefficients, one counter for both."""

    def __init__(self, reference, spec):
        self._reference = reference
        self._record = collections.namedtuple("Draw", spec)
        self._counter = 0

    def iteration(self):
        zeros = np.zeros(self._reference["batch"], np.float32)
        drawn = [self._record(*self._minibatch(), zeros, zeros, zeros, zeros)]
        self._coefficients()
        for _ in range(self._reference["critic_steps"]):
            minibatch = self._minibatch()
            latent, image = self._coefficients(), self._coefficients()
            drawn.append(self._record(*minibatch, latent[1], image[2], image[0], zeros))
        smoothing, _, _ = self._coefficients(), self._coefficients(), self._coefficients()
        drawn[-1] = drawn[-1]._replace(gamma_smoothing=smoothing[0])
        return tf.nest.map_structure(tf.constant, tuple(drawn))

    def _minibatch(self):
        r, size = self._reference, self._reference["batch"]
        random = self._random(1000)
        shape = (size, r["height"], r["height"], r["channels"])
        arrays = [random.random(shape), random.random(shape)]
        arrays.append(random.standard_normal((size, r["latent_dim"])))
        return [array.astype(np.float32) for array in arrays]

    def _coefficients(self):
        random = self._random(5000)
        size = self._reference["batch"]
        return [random.random(size).astype(np.float32) for _ in range(3)]

    def _random(self, offset):
        random = np.random.default_rng([self._reference["seed"], offset + self._counter])
        self._counter += 1
        return random


def main(path):
    reference = load(path)
    rows = list(differences(reference, *replay(reference)))
    for what, ours, theirs, difference, tolerance in rows:
        if not what.startswith("entries"):
            print(f"{what:40s} {ours:14.6f} {theirs:14.6f} {difference / tolerance:8.3f}")
    worst = max(rows, key=lambda row: row[3] / row[4])
    print(f"largest difference: {worst[3] / worst[4]:.2f} times its tolerance ({worst[0]})")
    return worst[3] > 2 * worst[4]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
