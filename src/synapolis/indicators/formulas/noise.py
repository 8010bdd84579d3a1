"""Who lives in noise: of road traffic, which is the only source that the twin hears."""

from __future__ import annotations

import numpy as np

from synapolis.indicators.formulas.measure import indicator, percent
from synapolis.layers.vocabulary import BuildingPopulation, ResidentsAboveNoiseLimit, ResidentsInRoadNoise

TESTS = "tests/indicators/formulas/test_noise.py"


@indicator(
    method="Residents of buildings whose loudest facade has more road noise than the limit (Lden), over the residents "
    "of all buildings.",
    limits="Roads alone: railways, trams, aircraft and industry are not heard. Everybody in a building counts by its "
    "loudest facade, which overstates; narrow streets come out some decibels low, which understates. The limit is an "
    "assumption: countries set their own.",
    tests=TESTS,
)
def residents_above_noise_limit(
    residents_in_road_noise: ResidentsInRoadNoise, building_population: BuildingPopulation
) -> ResidentsAboveNoiseLimit:
    """Share of residents whom road noise above the limit reaches at home.

    Parameters
    ----------
    residents_in_road_noise : residents of buildings whose loudest facade is too loud
    building_population : (building,)

    Raises
    ------
    NotComputableError
        Nobody lives in the buildings.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 8.8 (standard not read).
    """
    return percent(residents_in_road_noise, float(np.sum(building_population)), "residents in buildings")
