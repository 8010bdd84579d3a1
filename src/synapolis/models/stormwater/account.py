"""What a flood on the ground leaves behind: its depths and speeds, and where the water came from and went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WaterBalance:
    """Where the water came from and where it went, over all free cells.

    Attributes
    ----------
    initial, rain, inflow, infiltrated, drained, left, stored : [m³]
        Standing at the start, rained, fed in; taken by the ground, taken by inlets, gone over the boundary
        (open rim and held levels, net; negative where the sea came in), standing at the end.
    kept : [m³]
        Held by built storage.
    """

    initial: float
    rain: float
    inflow: float
    infiltrated: float
    drained: float
    left: float
    stored: float
    kept: float = 0.0

    @property
    def error(self) -> float:
        """Water that the account cannot explain [m³]."""
        gained = self.initial + self.rain + self.inflow
        return gained - (self.infiltrated + self.drained + self.left + self.stored + self.kept)

    @property
    def relative_error(self) -> float:
        """The error as a share of the water that came in [1]; 0 where none did."""
        # What comes in from a held level is water that came in.
        gained = self.initial + self.rain + self.inflow + max(-self.left, 0.0)
        return self.error / gained if gained > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class SurfaceFlow:
    """One flood on the ground; every field is (row, column).

    Attributes
    ----------
    depth : [m]
        At the end.
    max_depth : [m]
    max_speed : [m/s]
    max_hazard : [m²/s]
        Largest product of depth and speed.
    arrival_time : [s]
        When the depth first reached `arrival_depth`; infinite where it never did.
    balance : WaterBalance
    steps : int
        Flow steps taken.
    """

    depth: NDArray[np.float64]
    max_depth: NDArray[np.float32]
    max_speed: NDArray[np.float32]
    max_hazard: NDArray[np.float32]
    arrival_time: NDArray[np.float32]
    balance: WaterBalance
    steps: int
