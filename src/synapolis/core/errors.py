"""One tree of errors; each is also the builtin that a Python reader expects.

A message says what was wanted, what came, where, and what to do next.
"""

from __future__ import annotations


class SynapolisError(Exception):
    """Base of every error this package raises on purpose."""


class DeclarationError(SynapolisError, TypeError):
    """A model, quantity or assumption is declared incompletely or twice."""


class RegisterError(SynapolisError, ValueError):
    """What is not in the register as it stands may not run; or an entry may not be taken in as written.

    `refused` holds name and version of the algorithm that may not run, where it is one.
    """

    def __init__(self, message: str, refused: tuple[str, str] | None = None) -> None:
        super().__init__(message)
        self.refused = refused


class LayerError(SynapolisError, ValueError):
    """A layer's values, columns, units or extent are not what its schema promises."""


class SourceError(SynapolisError, ValueError):
    """Foreign bytes cannot be decoded into a layer."""


class CityError(SynapolisError, ValueError):
    """A city folder is missing, half-written, damaged or of another format version."""


class ScenarioError(SynapolisError, ValueError):
    """An edit or a scenario file cannot be applied to this city as written."""


class ModelError(SynapolisError, ValueError):
    """A model was given values outside its domain, or did not converge."""


class NotComputableError(SynapolisError, LookupError):
    """A quantity cannot be had from this city: the message names what is missing."""


class StorageError(SynapolisError, OSError):
    """A file could not be written or read back whole."""


class RecordsError(SynapolisError, RuntimeError):
    """The records cannot be opened, are of another version, would not take a value, or do not agree."""
