"""Networks in the notation of the papers' tables, for tests."""

import keras

_KINDS = {"Conv2D": "Conv", "Conv2DTranspose": "TConv", "Dense": "FC"}
_WORDS = {"BatchNormalization": "BN", "relu": "ReLU", "GlobalAveragePooling2D": "Average"}


def layers_of(network):
    """The layers of a network: filters/kernel/stride of a convolution, "SN" if normalized."""
    words = []
    for layer in _flat(network):
        kind = type(layer).__name__
        linear = _KINDS.get(kind.removeprefix("Spectral").removeprefix("Equalized"))
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if linear is None:
            words.append(_WORDS.get(kind, kind))
            continue
        size = layer.units if linear == "FC" else _size(layer)
        words.append(f"{'SN ' if kind.startswith('Spectral') else ''}{linear} {size}")
        activation = layer.activation.__name__
        if activation != "linear":
            words.append(_WORDS.get(activation, activation))
    return ", ".join(words)


def _flat(network):
    """The layers of a network, those of networks in it in their places."""
    for layer in network.layers:
        yield from _flat(layer) if isinstance(layer, keras.Model) else [layer]


def initializers_of(network):
    """Class names of the kernels' initializers, one per layer that has a kernel."""
    return [
        type(layer.kernel_initializer).__name__
        for layer in network.layers
        if hasattr(layer, "kernel_initializer")
    ]


def _size(layer):
    assert layer.padding == "same"
    assert layer.kernel_size[0] == layer.kernel_size[1]
    return f"{layer.filters}/{layer.kernel_size[0]}/{layer.strides[0]}"
