"""Pure functions from quantities to quantities, one folder a field. `load_models` declares them all."""

from __future__ import annotations

from importlib.metadata import entry_points

from synapolis.core.declare import load_declared
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take


def load_models() -> None:
    """Declare every model and every indicator, and what other packages offer under `synapolis.models`."""
    load_declared("synapolis.models", "synapolis.indicators")
    for point in entry_points(group="synapolis.models"):
        point.load()
