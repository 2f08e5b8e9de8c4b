"""The registry of methods is this folder: --method=NAME is NAME.py.

A method's module has `settings(variant)`, which returns {name: Setting}, and `build(nets,
settings)`, which returns its Method with the networks that `nets` (`networks.Networks`) builds. One
that needs networks of a kind names those of its paper, which it has by default, as ARCHITECTURE.
One whose paper measures averages of the weights names their half-life as EMA_HALF_LIFE_IMAGES, one
whose examples are images beside maps (`data.is_paired`) has PAIRED = True.
"""

import importlib
import pkgutil
from types import ModuleType

from flexae_tf.errors import UserError


def names() -> list[str]:
    """Names of all methods, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> ModuleType:
    """The module of a method. Raises UserError for an unknown name."""
    if name not in names():
        raise UserError(f"unknown --method={name}: expected one of {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")


def architecture(name: str) -> str:
    """The networks of a method where none are chosen, one of `networks.ARCHITECTURES`."""
    return getattr(find(name), "ARCHITECTURE", "flexae")


def ema_half_life_images(name: str) -> float:
    """The half-life of a method's averages of weights where none is chosen; 0 for no averages."""
    return getattr(find(name), "EMA_HALF_LIFE_IMAGES", 0.0)


def is_paired(name: str) -> bool:
    """Whether a method's examples are images beside maps."""
    return getattr(find(name), "PAIRED", False)
