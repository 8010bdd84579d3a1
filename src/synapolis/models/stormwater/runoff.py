"""Design storm and runoff where it falls: how much rain soaks in, is held, or is shed, before any of it flows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synapolis.core.declare import model
from synapolis.layers.land_cover import Cover
from synapolis.layers.vocabulary import (
    Extent,
    Grid,
    ImperviousFraction,
    InfiltratedVolume,
    LandCover,
    PeakRunoff,
    RainVolume,
    RunoffDepth,
    RunoffVolume,
    StorageDepth,
    StoredVolume,
    StormIntensity,
)
from synapolis.models.stormwater.infiltration import green_ampt_runoff
from synapolis.models.stormwater.storm import chicago_storm

MINUTE = 60.0  # [s], the step of the storm


@model(
    version="1",
    decision="Sizing drains and storage; comparing what plans do to stormwater.",
    method="The Chicago storm: every duration around the peak has the intensity of one intensity-duration curve.",
    limits="One storm over the whole area at once; the curve's shape is assumed where no local curve was given.",
    risks="A storm taken from elsewhere can be too small; compare with the local design rainfall before building.",
    tests="tests/models/test_storm.py",
)
def storm_intensity(
    storm_depth: float,
    storm_duration: float,
    storm_peak_position: float,
    storm_decay_exponent: float,
    storm_decay_offset: float,
    climate_factor: float,
) -> StormIntensity:
    """Rain intensity of the design storm, minute by minute.

    References
    ----------
    Keifer, C. J., and Chu, H. H. (1957). Synthetic storm pattern for drainage design. Journal of the Hydraulics
    Division, ASCE, 83(4).
    """
    return chicago_storm(
        depth=storm_depth * climate_factor,
        duration=storm_duration,
        exponent=storm_decay_exponent,
        offset=storm_decay_offset,
        peak_position=storm_peak_position,
        step=1.0,
    )


class Runoff(NamedTuple):
    """Where the storm's rain goes before it flows."""

    runoff_depth: RunoffDepth
    rain_volume: RainVolume
    runoff_volume: RunoffVolume
    infiltrated_volume: InfiltratedVolume
    stored_volume: StoredVolume
    peak_runoff: PeakRunoff


@model(
    version="1",
    decision="Comparing what plans do to the volume of stormwater.",
    method="Green-Ampt infiltration on the open share of each cell, depression and built storage, minute by minute.",
    limits="No flow between cells: water shed onto a lawn does not soak in there; one soil for the whole city.",
    risks="Soil and wetness before the storm are assumed; a drained or compacted soil can double the runoff of lawns.",
    tests="tests/models/test_storm.py",
)
def runoff(
    storm_intensity: StormIntensity,
    land_cover: LandCover,
    impervious_fraction: ImperviousFraction,
    storage_depth: StorageDepth,
    grid: Grid,
    extent: Extent,
    soil_conductivity: float,
    soil_suction: float,
    soil_moisture_deficit: float,
    depression_impervious: float,
    depression_pervious: float,
) -> Runoff:
    """Rain shed, soaked in and held on each cell of land in the design storm.

    References
    ----------
    Green, W. H., and Ampt, G. A. (1911). Studies on soil physics. Journal of Agricultural Science, 4(1).
    Mein, R. G., and Larson, C. L. (1973). Modeling infiltration during a steady rain. Water Resources Research, 9(2).
    """
    land = (land_cover != Cover.WATER) & grid.mask([extent])
    hard = impervious_fraction[land].astype(float)
    depression = hard * depression_impervious + (1 - hard) * depression_pervious + storage_depth[land]
    _, first, where, counts = np.unique(
        hard * 1e6 + depression, return_index=True, return_inverse=True, return_counts=True
    )
    split = green_ampt_runoff(
        storm_intensity,
        step=MINUTE,
        conductivity=soil_conductivity,
        suction=soil_suction,
        moisture_deficit=soil_moisture_deficit,
        depression_storage=depression[first],
        impervious_fraction=hard[first],
    )
    depth = np.zeros(grid.shape, dtype=np.float32)
    depth[land] = split.runoff[where]
    to_volume = grid.cell_area / 1000  # mm on a cell to m³
    rate = split.runoff_rate @ counts  # (time,) [mm/h] summed over cells
    return Runoff(
        runoff_depth=depth,
        rain_volume=float(storm_intensity.sum() * MINUTE / 3600 * land.sum() * to_volume),
        runoff_volume=float(split.runoff @ counts * to_volume),
        infiltrated_volume=float(split.infiltrated @ counts * to_volume),
        stored_volume=float(split.stored @ counts * to_volume),
        peak_runoff=float(rate.max() * to_volume / 3600),
    )
