"""A city's sewers as a project of EPA SWMM, for engineers to open in their own tools."""

from __future__ import annotations

import pandas as pd

from synapolis.layers.city import City
from synapolis.models.stormwater.sewers import SewerNetwork, swmm_input
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import Progress, run

HOURS = 6
"""How long the written project runs: long enough for one storm to come and go."""


def sewer_project(city: City, cache: Cache, *, synthetic: bool = False, progress: Progress | None = None) -> str:
    """Write the sewers of a city as the text of a SWMM project (.inp), in metres and cubic metres a second.

    Parameters
    ----------
    city : City
    cache : Cache
    synthetic : bool
        Write the network made up along the streets even where the city has a mapped one. A city without is given it
        in any case. The title says what it is.
    progress : callable, optional

    Raises
    ------
    NotComputableError
        Neither can be had, and what the city would need.
    """
    mapped = "sewer_nodes" in city.layers and "sewer_pipes" in city.layers and not synthetic
    nodes, pipes = _mapped(city) if mapped else _made_up(city, cache, progress)
    origin = (
        f"source: {city.layers['sewer_pipes'].source}" if mapped else "ASSUMED: made up along streets, not surveyed"
    )
    title = (
        f"Sewers of {city.title}\n{origin}\nCRS: {city.crs}. Written by Synapolis; rain and inflows are yours to add"
    )
    return str(swmm_input(SewerNetwork.of(nodes, pipes), duration=HOURS * 3600.0, title=title).to_string())


def _mapped(city: City) -> tuple[pd.DataFrame, pd.DataFrame]:
    return city.layers["sewer_nodes"].value, city.layers["sewer_pipes"].value


def _made_up(city: City, cache: Cache, progress: Progress | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    planner = Planner(city)
    refs = [planner.want(word, 0) for word in ("synthetic_sewer_nodes", "synthetic_sewer_pipes")]
    ran = run(refs, cache, progress=progress)
    nodes, pipes = (ran.value(ref) for ref in refs)
    return nodes, pipes
