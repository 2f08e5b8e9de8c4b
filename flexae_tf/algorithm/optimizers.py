"""The optimizers that a player's flags choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # else where they are used: subclasses of Keras' import it
    from flexae_tf.networks.layers import Adam, NormalizedAdam, RMSprop


def adam(learning_rate: Any, beta_1: float, beta_2: float, epsilon: float = 1e-8) -> Adam:
    """Adam, by default with the epsilon of the released program, 1e-8 for all its optimizers.

    Args:
      learning_rate: a number or a Keras schedule.
    """
    from flexae_tf.networks.layers import Adam

    return Adam(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


def normalized_adam(
    learning_rate: Any, beta_1: float, beta_2: float, epsilon: float = 1e-8
) -> NormalizedAdam:
    """Adam of gradients that are each divided by its norm; arguments as of `adam`."""
    from flexae_tf.networks.layers import NormalizedAdam

    return NormalizedAdam(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


def rmsprop(learning_rate: Any, momentum: float, rho: float, epsilon: float = 1e-10) -> RMSprop:
    """TF 1's RMSProp, by default with its epsilon; `learning_rate` as of `adam`."""
    from flexae_tf.networks.layers import RMSprop

    return RMSprop(learning_rate, rho=rho, momentum=momentum, epsilon=epsilon)


# {name: function (learning_rate, beta_1, beta_2, epsilon) -> optimizer}
OPTIMIZERS: dict[str, Callable] = {
    "adam": adam,
    "normalized_adam": normalized_adam,
    "rmsprop": rmsprop,
}
