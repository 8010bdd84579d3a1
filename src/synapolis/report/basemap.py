"""The quiet ground under every map, as a picture: `ground.draw_base` makes it, once for all maps of a city."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GREEN_USES = {"grass", "park", "forest", "garden", "cemetery", "meadow", "wood", "recreation_ground", "scrub", "pitch"}


@dataclass(frozen=True)
class BaseMap:
    """A picture of the city and how metres become its pixels."""

    picture: str
    bounds: tuple[float, float, float, float]
    width: int
    height: int
    metres_per_pixel: float

    def pixels(self, x: Any, y: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixel position of points in the city's CRS, from the upper left."""
        left, _, _, top = self.bounds
        return (
            (np.asarray(x, dtype=float) - left) / self.metres_per_pixel,
            (top - np.asarray(y, dtype=float)) / self.metres_per_pixel,
        )


def data_uri(picture: Image.Image, **options: Any) -> str:
    """Write a picture into a `data:` address."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def round_length(metres: float) -> float:
    """Largest 1, 2 or 5 times a power of ten that is not longer than a length."""
    base = 10.0 ** math.floor(math.log10(metres))
    return max((step * base for step in (1, 2, 5) if step * base <= metres), default=base / 2)
