"""Pure functions from quantities to quantities, one folder a field. `load_models` declares them all."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages

from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take


def load_models() -> None:
    """Import every module of every field, and what other packages offer under `synapolis.models`."""
    for module in walk_packages(__path__, f"{__name__}."):
        if not module.ispkg:
            import_module(module.name)
    for point in entry_points(group="synapolis.models"):
        point.load()
