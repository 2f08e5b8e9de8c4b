"""Small trainers for tests: every method on 8 x 8 crops of real digits, a few minibatches of 8.

    python -m tests.tiny --replicas=2 --xla=false flexae_sr vae

prints the losses of five iterations with plain gradient descent, a line of JSON for each case; the
tests compare such processes, because devices can be divided only once in a process.
"""

import dataclasses
import functools
import json
import sys

import keras
import numpy as np
import tensorflow as tf

from flexae_tf import data, methods, networks, runs
from flexae_tf.algorithm import optimizers
from flexae_tf.data import draws
from flexae_tf.training.options import TrainerOptions
from flexae_tf.training.strategy import make_strategy
from flexae_tf.training.trainer import Trainer

METHODS = tuple(methods.names())
# Settings with mathematics of their own: as "method:setting=value", rows of the conformance table.
# Networks are as one of them.
VARIATIONS = (
    "ae:weight_decay_weight=1.0",
    "rae:regularizer=none",
    "rae:regularizer=gradient_penalty",
    "rae:regularizer=spectral_norm",
    "rae:regularizer=gradient_penalty,penalized_gradient=squared_outputs",
    "wae_mmd:kernel=rbf",
    "wae_mmd:input_noise=0.1,pretraining_steps=2",
    "flow_vae:beta=0.0",
    "flow_vae:likelihood=learned_variance",
    "vae:likelihood=learned_variance",
    "vae:likelihood=cross_entropy",
    "vae:sigma=exp",
    "vae:sigma=exp_tanh",
    "wae_gan:prior=gmm",
    "wae_gan:divergence=js",
    "wae_gan:divergence=js,joint_update=true,divergence_weight=2.0",
    "wae_gan:divergence=js,joint_update=true,critic_adds_prior=true,pretraining_steps=2",
    "vamp_prior:pseudo_input_init=train,autoencoder_optimizer=adam",
    "vamp_prior:likelihood=learned_variance",
    "mask_aae:mask_divides=losses,mask_interval_steps=1,reconstruction_loss=mse",
    "alae:networks=alae_style",
    "pioneer:networks=pioneer",
    "vunet:vunet_prior=flow",
)
CASES = (*METHODS, *VARIATIONS)
# Their networks, priors and kinds of updates are those of another row (rae, vae, flexae_sr, ...).
_COVERED = (
    *("aae", "ae", "cv_vae", "factor_vae", "flexae", "inj_flow", "learned_prior_aae", "vae_iop"),
    *("vamp_prior", "wae_gan", "wae_mmd"),
)
_QUICK = tuple(name for name in METHODS if name not in _COVERED)
# One for each kind of what replicas exchange: gradients, statistics of several players, codes. And
# one for each kind of prior that an export samples from.
REPLICATED = ("flexae_sr", "vae", "vq_vae")
EXPORTED = ("flexae_sr", "mask_aae", "rae", "vae", "vq_vae")
_ITERATIONS = 5


def rows(cases=METHODS, quick=_QUICK):
    """Cases for tests that take a process, a SavedModel or a fit for each; slow but for some."""
    import pytest  # here, because the program above needs none

    return [pytest.param(c, marks=[] if c in quick else pytest.mark.slow, id=c) for c in cases]


@functools.cache
def dataset():
    digits = data.load("digits")
    return data.Dataset(
        name="digits",
        train=np.ascontiguousarray(digits.train[:200, 4:12, 4:12]),
        test=np.ascontiguousarray(digits.test[:20, 4:12, 4:12]),
        train_labels=None,
        test_labels=None,
        label_names=(),
        fingerprint="8 x 8 crops",
    )


@functools.cache
def paired_dataset():
    """Middles of the images of `dataset()`, 4 x 4, beside their mirror images as maps."""

    def paired(images):
        images = images[:, 2:6, 2:6]
        return np.concatenate([images, images[:, :, ::-1]], axis=-1)

    plain = dataset()
    return dataclasses.replace(plain, train=paired(plain.train), test=paired(plain.test))


def dataset_of(case):
    """What a case is trained on."""
    return paired_dataset() if methods.is_paired(case.partition(":")[0]) else dataset()


def nets_of(case, variant="paper"):
    name, chosen = _parts(case)
    architecture = chosen.get("networks", methods.architecture(name))
    # Published widths take ten times as long. PIONEER's networks have tens of millions of weights.
    width_multiplier = 1 / 32 if architecture == "pioneer" else 1 / 8
    return networks.Networks(dataset_of(case).shape, variant, architecture, width_multiplier)


def settings(case, variant="paper", **chosen):
    """The default settings of one of CASES, with a small latent space and two critic steps."""
    name, varied = _parts(case)
    chosen = {k: v for k, v in varied.items() if k != "networks"} | chosen
    nets = nets_of(case, variant)
    defaults = {
        k: s.derived(nets) if s.derived else s.default
        for k, s in methods.find(name).settings(variant).items()
    }
    small = {"latent_dim": 4, "noise_dim": 4, "critic_steps": 2, "first_stage_steps": 2}
    small |= {"flow_depth": 3, "flow_width": 16, "mmd_weight": 10.0, "reconstruction_weight": 1.0}
    small |= {"r1_weight": 0.01}  # a unit at its kink moves the penalty by 0.3 %
    small |= {"pseudo_inputs": 6, "warm_up_steps": 3, "proposals": 5}
    small |= {"phase_steps": 3}
    small |= {"codebook_size": 8, "code_dim": 4, "pixel_cnn_depth": 2, "pixel_cnn_width": 8}
    small |= {"unet_width": 3, "unet_max_width": 6, "latent_width": 1, "bottleneck_size": 1}
    small |= {"kl_start_steps": 1, "kl_stop_steps": 4}
    small |= chosen
    return defaults | {k: v for k, v in small.items() if k in defaults}


def _parts(case):
    """(method, {setting: value}) of one of CASES."""
    name, _, variation = case.partition(":")
    return name, dict(_setting(word) for word in variation.split(",") if word)


def _setting(text):
    name, value = text.split("=")
    if value == "true":
        return name, True
    number = int if value.isdecimal() else float
    return name, number(value) if value[0].isdecimal() else value


def builder(case, variant="paper", **chosen):
    nets, name = nets_of(case, variant), case.partition(":")[0]
    return lambda: methods.find(name).build(nets, settings(case, variant, **chosen))


def options(**chosen):
    small = {"training_steps": _ITERATIONS, "batch_size": 8, "test_images": 20}
    return TrainerOptions(**small | {"strategy": "one_device"} | chosen)


def trainer(case, run=None, stopping=None, **chosen):
    return Trainer(builder(case), dataset_of(case), options(**chosen), run, stopping=stopping)


def run(path, case="flexae", iteration=5, seed=0):
    """A Run of an untrained method on `dataset()`; nothing of it is on disk."""
    method = builder(case)()
    return runs.Run(
        path=path,
        settings={
            "method": case,
            "variant": "paper",
            "dataset": "digits",
            "cache_dir": path,
            "seed": seed,
        },
        model=method.model,
        networks=method.networks,
        iteration=iteration,
        fingerprint="",
    )


def drawn(method):
    """The minibatches of an iteration of a method, of 8 test images each."""
    spec, key = method.draw_spec, draws.key(0, draws.TRAINING, 0)
    test = paired_dataset().test if method.model.shape[-1] == 2 else dataset().test
    images = data.to_unit(test)
    fields = [name for name, sampler in spec.items() if sampler is draws.IMAGES]
    return tuple(
        draw._replace(**{name: tf.gather(images, getattr(draw, name)) for name in fields})
        for draw in draws.minibatches(spec, key, method.minibatches, 8, len(images))
    )


def weights(trained, loss_scales=True):
    """All weights of a method, optimizers' included, by name; loss scales too if wanted."""
    found = {
        f"{name}/{i}": weight.numpy()
        for name, network in trained.networks.items()
        for i, weight in enumerate(network.weights)
    }
    for name, player in trained.players.items():
        for i, variable in enumerate(player.optimizer.variables):
            found[f"{name} optimizer/{i}"] = np.asarray(variable)
        if loss_scales and player.loss_scale:
            for part, variable in player.loss_scale.state.items():
                found[f"{name} loss scale/{part}"] = np.asarray(variable)
    return found


def assert_equal_weights(received, expected):
    """Asserts that two methods have the very same weights and optimizer slots."""
    received, expected = weights(received), weights(expected)
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)


def use_gradient_descent(case):
    """Adam and RMSProp hardly notice a wrong scale of the gradients; this does.

    vunet's loss, in grey levels up to 255, would diverge at the others' rate.
    """
    learning_rate = 2e-7 if case.startswith("vunet") else 2e-5
    for name in optimizers.OPTIMIZERS:
        optimizers.OPTIMIZERS[name] = lambda *_: keras.optimizers.SGD(learning_rate)


def losses(case, chosen, strategy):
    """Losses of five iterations and the statistics after them, for JSON."""
    trained = Trainer(builder(case), dataset_of(case), chosen, strategy=strategy)
    iterator = trained.iterator(0, _ITERATIONS)
    found = []
    for iteration in range(1, _ITERATIONS + 1):
        reported = trained.iterate(iterator, iteration)
        found.append({k: float(reported[k]) for k in trained.method.players if k in reported})
    trained.statistics.update()
    statistics = [
        np.asarray(value).tolist()
        for network in trained.method.networks.values()
        for value in network.non_trainable_weights
    ]
    return {"case": case, "losses": found, "statistics": statistics}


def main(cases, replicas, xla, synchronized, strategy, precision):
    if replicas > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration()] * replicas
        tf.config.set_logical_device_configuration(cpu, logical)
    strategy = strategy or ("mirrored" if replicas > 1 else "one_device")
    chosen = options(strategy=strategy, xla=xla, sync_batch_norm=synchronized, precision=precision)
    # One for all cases: the collective operations of two would be taken for each other.
    strategy = make_strategy(chosen)
    for case in cases:
        use_gradient_descent(case)
        print(json.dumps(losses(case, chosen, strategy)), flush=True)


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    flags = dict(option.removeprefix("--").split("=", 1) for option in given)
    main(
        [argument for argument in sys.argv[1:] if argument not in given],
        int(flags["replicas"]),
        flags["xla"] == "true",
        flags.get("sync_batch_norm", "true") == "true",
        flags.get("strategy"),
        flags.get("precision", "float32"),
    )
