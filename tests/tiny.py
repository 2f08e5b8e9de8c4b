"""Small trainers for tests: every method on 8 x 8 crops of real digits, a few minibatches of 8.

    python -m tests.tiny --method=flexae_sr --replicas=2 --xla=false

prints the losses of five iterations with plain gradient descent as JSON; the tests compare such
processes, because devices can be divided only once in a process.
"""

import json
import sys

import keras
import numpy as np

from flexae_tf import data, method, methods
from flexae_tf.trainer import Trainer, TrainerOptions

METHODS = methods.names()
_ITERATIONS = 5


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


def settings(name, variant="paper", **chosen):
    """The method's default settings with a small latent space and two critic steps."""
    defaults = {k: s.default for k, s in methods.find(name).settings(variant).items()}
    small = {"latent_dim": 4, "noise_dim": 4, "critic_steps": 2} | chosen
    return defaults | {k: v for k, v in small.items() if k in defaults}


def builder(name, variant="paper", **chosen):
    return lambda: methods.find(name).build((8, 8, 1), variant, settings(name, variant, **chosen))


def options(**chosen):
    small = {"training_steps": _ITERATIONS, "batch_size": 8, "test_images": 20}
    return TrainerOptions(**small | {"strategy": "one_device"} | chosen)


def trainer(name, run=None, **chosen):
    return Trainer(builder(name), dataset(), options(**chosen), run)


def weights(trained):
    """All weights of a method, optimizers' included, by name."""
    found = {
        f"{name}/{i}": weight.numpy()
        for name, network in trained.networks.items()
        for i, weight in enumerate(network.weights)
    }
    for name, player in trained.players.items():
        for i, variable in enumerate(player.optimizer.variables):
            found[f"{name} optimizer/{i}"] = np.asarray(variable)
    return found


def assert_equal_weights(received, expected):
    """Asserts that two methods have the very same weights and optimizer slots."""
    received, expected = weights(received), weights(expected)
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)


def use_gradient_descent(learning_rate=2e-5):
    """Adam hardly notices a wrong scale of the gradients; this does."""
    method.adam = lambda *_: keras.optimizers.SGD(learning_rate)


def main(name, replicas, xla, synchronized):
    import tensorflow as tf

    if replicas > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration()] * replicas
        tf.config.set_logical_device_configuration(cpu, logical)
    use_gradient_descent()
    strategy = "mirrored" if replicas > 1 else "one_device"
    trained = trainer(name, strategy=strategy, xla=xla, sync_batch_norm=synchronized)
    iterator = trained.iterator(0, _ITERATIONS)
    losses = []
    for _ in range(_ITERATIONS):
        reported = trained.iterate(iterator)
        losses.append({k: float(reported[k]) for k in trained.method.players})
    trained.update_statistics()
    statistics = [
        value.tolist()
        for network in trained.method.networks.values()
        for value in network.get_weights()[: len(network.non_trainable_weights)]
    ]
    print(json.dumps({"losses": losses, "statistics": statistics}))


if __name__ == "__main__":
    arguments = dict(argument.removeprefix("--").split("=") for argument in sys.argv[1:])
    main(
        arguments["method"],
        int(arguments["replicas"]),
        arguments["xla"] == "true",
        arguments.get("sync_batch_norm", "true") == "true",
    )
