"""Land-cover classes: one code, one name, one sentence, wherever covers are stored, drawn or edited."""

from __future__ import annotations

from enum import IntEnum


class Cover(IntEnum):
    """Codes of the land-cover raster. 0 is not known and never stored by a finished model."""

    UNKNOWN = 0
    WATER = 1
    ROOF = 2
    STREET = 3
    PAVED = 4
    RAIL = 5
    GRASS = 6
    TREES = 7
    BARE = 8
    PERMEABLE_PAVING = 9
    GREEN_ROOF = 10

    @property
    def label(self) -> str:
        """Name for people."""
        return self.name.lower().replace("_", " ")


GREEN = (Cover.GRASS, Cover.TREES)
"""Vegetated ground."""
BUILT = (Cover.ROOF, Cover.GREEN_ROOF)
"""Under a building."""
