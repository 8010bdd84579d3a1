"""Pure functions from quantities to quantities, one folder a field. `load_models` declares them all."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from synapolis.core.declare import load_declared
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take

REGISTERS = re.compile(r"^@registered\(", re.MULTILINE)


def load_models() -> None:
    """Declare every model and every indicator, and what other packages offer under `synapolis.models`."""
    load_declared("synapolis.models", "synapolis.indicators")
    for point in entry_points(group="synapolis.models"):
        point.load()


def load_algorithms() -> None:
    """Declare all that belongs in the register: the models, and every parser and rule wherever it stands."""
    load_models()
    package = Path(__file__).resolve().parents[1]
    for path in sorted(package.rglob("*.py")):
        if REGISTERS.search(path.read_text(encoding="utf-8")):
            inside = path.relative_to(package).with_suffix("").parts
            import_module(".".join((package.name, *inside)).removesuffix(".__init__"))
