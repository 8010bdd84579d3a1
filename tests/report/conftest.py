# ruff: noqa: E501 - rows of a table and sentences read better whole
"""A small made-up town and three answers about it: enough to fill every part of a report."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.layers.city import City, Layer
from synapolis.layers.grid import Grid
from synapolis.scenarios.answer import (
    Answer,
    AssumptionUse,
    Claim,
    Effect,
    Evidence,
    GateResult,
    LayerUse,
    MapLayer,
    Site,
    Step,
)

CRS = "EPSG:3067"
LEFT, TOP, CELL = 385_000.0, 6_672_000.0, 5.0
ROWS, COLUMNS = 200, 260
OSM = {
    "source": "OpenStreetMap extract",
    "licence": "ODbL-1.0",
    "origin": "observed",
    "owner": "OpenStreetMap contributors",
}


def frame(geometry, prefix, **columns):
    table = gpd.GeoDataFrame(columns, geometry=list(geometry), crs=CRS)
    table.index = [f"{prefix}/{number}" for number in range(len(table))]
    return table


def box(column, row, width, height):
    """A rectangle in metres from the town's upper left corner."""
    return shapely.box(LEFT + column, TOP - row - height, LEFT + column + width, TOP - row)


def make_town() -> City:
    rng = np.random.default_rng(7)
    shore = [(0, 0), (190, 0), (230, 300), (150, 620), (260, 1000), (0, 1000)]
    sea = shapely.Polygon([(LEFT + x, TOP - y) for x, y in shore])
    lots = [(x, y) for x in range(280, 1240, 120) for y in range(40, 940, 100)]
    park = box(640, 440, 220, 180)
    blocks = []
    for x, y in lots:
        for dx, dy in ((8, 8), (58, 8), (8, 50), (58, 50)):
            shape = box(x + dx, y + dy, 34 + rng.integers(0, 8), 24 + rng.integers(0, 8))
            if rng.random() > 0.12 and not shape.intersects(park):
                blocks.append(shape)
    lines = [((x - 8, 0), (x - 8, 1000)) for x in range(280, 1300, 120)] + [
        ((240, y - 8), (1300, y - 8)) for y in range(40, 1040, 100)
    ]
    streets = [shapely.LineString([(LEFT + x, TOP - y) for x, y in line]) for line in lines]
    count, built = len(streets), len(blocks)
    layers = (
        Layer("water", frame([sea], "w", kind=["sea"]), **OSM),
        Layer("land_use", frame([park], "u", use=["park"], name=["Central Park"]), **OSM),
        Layer(
            "buildings",
            frame(
                blocks,
                "b",
                use=["residential"] * built,
                levels=np.full(built, 5.0),
                height=np.full(built, 17.0),
                homes=np.full(built, 30.0),
                start_year=np.full(built, np.nan),
                name=[""] * built,
                edit=[""] * built,
            ),
            **OSM,
        ),
        Layer(
            "streets",
            frame(
                streets,
                "s",
                from_junction=["j0"] * count,
                to_junction=["j1"] * count,
                name=[f"Street {number}" for number in range(count)],
                road_class=["primary" if number % 4 == 0 else "residential" for number in range(count)],
                lanes=np.full(count, 2.0),
                max_speed=np.full(count, 11.0),
                one_way=np.zeros(count, bool),
                drive=np.ones(count, bool),
                walk=np.ones(count, bool),
                bridge=np.zeros(count, bool),
            ),
            **OSM,
        ),
        Layer(
            "places",
            frame(
                [box(280, 40, 420, 380), box(700, 40, 560, 380), box(280, 620, 420, 360), box(860, 620, 400, 360)],
                "p",
                name=["Northside", "Old Town", "Harbour", "Eastgate"],
                other_names=[""] * 4,
                kind=["district"] * 4,
                closed=[False] * 4,
            ),
            **OSM,
        ),
    )
    return City(
        name="smalltown",
        title="Smalltown",
        crs=CRS,
        timezone="Europe/Helsinki",
        reference_year=2024,
        extent=box(0, 0, COLUMNS * CELL, ROWS * CELL),
        grid=Grid(LEFT, TOP, CELL, ROWS, COLUMNS),
        currency="EUR",
    ).with_layers(*layers)


LAYERS = (
    *(
        LayerUse(name, "OpenStreetMap extract", "ODbL-1.0", "observed", "OpenStreetMap contributors", "", "", "ab" * 32)
        for name in ("buildings", "streets", "land_use")
    ),
    LayerUse("terrain", "interpolated from 86 spot heights", "ODbL-1.0", "derived", "Synapolis", "", "", "cd" * 32),
    LayerUse("storm_intensity", "design storm", "CC-BY-4.0", "assumed", "the city", "planning only", "A-17", "ef" * 32),
)
ASSUMPTIONS = (
    AssumptionUse(
        "storm_depth",
        38.0,
        30.0,
        46.0,
        "mm",
        "cited",
        "Climate guide, table 4",
        "Rain in the storm",
        0.62,
        "runoff_volume",
    ),
    AssumptionUse(
        "soil_conductivity",
        12.0,
        4.0,
        25.0,
        "mm/h",
        "assumed",
        "engineer's handbook, not read",
        "How fast soil takes water",
        0.27,
        "runoff_volume",
    ),
    AssumptionUse("home_size", 72.0, 60.0, 90.0, "m²", "assumed", "national mean", "Floor area of a home", 0.11),
    AssumptionUse("storey_height", 3.2, 3.2, 3.2, "m", "assumed", "practice", "Height of a storey"),
)
STEPS = (
    Step("n1", "layer", "buildings", "today", "", ("buildings",), (), 0.0, False, "observed"),
    Step("n2", "layer", "terrain", "today", "", ("terrain",), (), 0.0, False, "derived"),
    Step("n3", "assumption", "storm_depth", "today", "", ("storm_depth",), (), 0.0, False, "assumed"),
    Step(
        "n4",
        "edit",
        "add_homes",
        "with the change",
        "2",
        ("buildings",),
        ("n1",),
        0.4,
        False,
        "derived",
        "Places homes on free ground.",
        "Greedy massing under height and cover rules.",
        "City plan 2022.",
        "No shadows.",
        "Planning office",
    ),
    Step(
        "n5",
        "model",
        "runoff_depth",
        "with the change",
        "1.2",
        ("runoff_depth",),
        ("n2", "n3", "n4"),
        0.83,
        False,
        "derived",
        "Water that leaves each cell in one storm.",
        "Green-Ampt infiltration.",
        "Green and Ampt (1911).",
        "One soil for the town.",
        "Synapolis maintainers",
    ),
    Step(
        "n6",
        "model",
        "runoff_volume",
        "with the change",
        "1",
        ("runoff_volume",),
        ("n5",),
        0.01,
        True,
        "derived",
        "Sums runoff on land.",
        "Sum over cells.",
        "Definition.",
        "Roofs drain freely.",
        "Synapolis maintainers",
    ),
)  # fmt: skip
COMMON = {
    "status": "answered",
    "city": "smalltown",
    "city_hash": "12" * 32,
    "actor": "planner",
    "purpose": "planning",
    "assumptions": ASSUMPTIONS,
    "layers": LAYERS,
    "steps": STEPS,
    "statistics": {"nodes_run": 41.0, "nodes_from_cache": 12.0, "ensemble_members": 24.0, "seconds": 6.218},
    "hash": "34" * 32,
}


def stormwater(town: City) -> tuple[Answer, Evidence]:
    rng = np.random.default_rng(3)
    row, column = np.mgrid[:ROWS, :COLUMNS]
    ground = np.where(town.grid.mask(town.layers["buildings"].value.geometry), 34.0, 18.0)
    ground = np.where(town.grid.mask(town.layers["land_use"].value.geometry), 2.0, ground)
    ground = np.where(town.grid.mask(town.layers["water"].value.geometry), np.nan, ground)
    before = ground + rng.normal(0, 1, ground.shape)
    site = (abs(row - 60) < 26) & (abs(column - 170) < 30)
    after = np.where(site, np.fmin(before + 9 + 6 * np.sin(column / 5), 38), before)
    pond = np.exp(-((row - 70) ** 2 + (column - 150) ** 2) / 500.0)
    maps = (
        MapLayer("Runoff depth", "runoff_depth", "mm", "cells", before, after, note="Design storm of 1 hour, 20-year return period."),
        MapLayer(
            "Flood depth", "flood_depth", "m", "cells", 0.3 * pond, 0.42 * pond, illustrative=True,
            note="Design storm of 1 hour, 20-year return period; water leaves freely at the extent's border.",
        ),
    )  # fmt: skip
    claims = (
        Claim("c1", "Stormwater runoff in the design storm", "runoff_volume", "m³", 18_420.0, 19_102.0, 682.0, 455.0, 910.0, True, -1, "derived", "n6"),
        Claim("c2", "Largest rate of runoff", "peak_runoff", "m³/s", 6.41, 6.43, 0.02, -0.05, 0.08, False, 2, "derived", "n5"),
        Claim("c3", "Buildings with water above the threshold at a wall", "flooded_building_count", "1", 12.0, 19.0, 7.0, 1.0, 15.0, True, 0, "derived", "n5", True, "Terrain is interpolated: read this as a hint."),
        Claim("c4", "Homes that fit", "homes_placed", "1", None, 1_840.0, 1_840.0, 1_510.0, 2_130.0, True, -1, "derived", "n4"),
        Claim("c5", "Households that can afford the rent where they live", "city_affordable_share", "1", 0.612, 0.598, -0.014, -0.022, -0.006, True, 3, "assumed", "n4"),
        Claim("c6", "Cost of the change", "total_capital_cost", "money", None, float("nan"), None, None, None, None, 0, "assumed", ""),
    )  # fmt: skip
    effects = [
        Effect(
            "place",
            "runoff_volume",
            "m³",
            f"Block {number}",
            210.0 + number,
            210.0 + number + change,
            150.0 + 10 * number,
        )
        for number, change in enumerate(rng.normal(0, 60, 30).round(0))
    ] + [
        Effect("group", "city_affordable_share", "1", name, share, share + change, 900.0)
        for name, share, change in (
            ("lowest fifth", 0.21, -0.03),
            ("second fifth", 0.48, -0.01),
            ("middle fifth", 0.7, 0.0),
            ("highest fifth", 0.99, 0.0),
        )
    ]
    answer = Answer(
        question="What happens to stormwater if we add 5,000 units in Old Town?",
        summary="Building 1,840 of the 5,000 homes in Old Town would work and adds about 680 m³ of runoff in a 20-year storm, 4 % more than today; green roofs on the new buildings would take most of it back. The other 3,160 do not fit under the height rule.",
        findings=("1,840 homes fit, in buildings of 4 to 8 storeys.", "Parking lots give way; the park stays.", "Raising the limit to 10 storeys would make room for 900 more."),
        claims=claims,
        effects=tuple(effects),
        gates=(
            GateResult("Affordable rent", "Lowest fifth pays at most 30 % of income", "pass", "block", 0.92, "28 % of income, against 27 % today."),
            GateResult("Green space", "No park is built on", "block", "warn", 0.4, "The edge of Central Park loses 200 m²."),
            GateResult("Displacement", "At most 2 % of tenants move", "not computable", "warn", None, "Smalltown has no tenancy data."),
        ),
        not_computable={"flooded_basements": "needs sewers; Smalltown has none"},
        attribution=("Storm: City of Smalltown, CC BY 4.0",),
        scenario={"format_version": 1, "edits": [{"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 5000}]},
        **COMMON,
    )  # fmt: skip
    members = {"c1": rng.normal(682, 110, 24), "c2": rng.normal(0.02, 0.03, 24), "c4": rng.normal(1840, 150, 24)}
    return answer, Evidence(town, maps, members)


def access(town: City) -> tuple[Answer, Evidence]:
    zones = [box(280 + 60 * x, 40 + 60 * y, 60, 60) for x in range(16) for y in range(15)]
    far = np.array([abs(zone.centroid.x - LEFT - 700) for zone in zones])
    before = 9_000 - 8 * far
    streets = np.asarray(town.layers["streets"].value.geometry)
    flow = 200.0 + 40 * np.arange(len(streets))
    maps = (
        MapLayer("Jobs within 10 minutes", "jobs_within_10_min", "1", "zones", before, before + 60 * (far < 200) * (200 - far) / 20, zones),
        MapLayer("Cars in the peak hour", "link_flow", "1/h", "links", flow, flow * (1 + 0.1 * np.sin(np.arange(len(streets)))), streets),
    )  # fmt: skip
    claims = tuple(
        Claim(f"j{minutes}", f"Jobs within {minutes} minutes of the average resident", f"mean_jobs_within_{minutes}_min", "1", b, b + c, c, low, high, seen, -1, "derived", "")
        for minutes, b, c, low, high, seen in ((5, 2_100.0, 4.0, -10.0, 20.0, False), (10, 8_450.0, 310.0, 180.0, 440.0, True), (15, 15_900.0, 540.0, 300.0, 800.0, True))
    )  # fmt: skip
    answer = Answer(
        question="How will access to jobs change if tram 7 runs every 5 minutes?",
        summary="Running tram 7 every 5 minutes would bring 310 more jobs within 10 minutes of the average resident, mostly along the line.",
        claims=claims,
        gates=(GateResult("Affordable rent", "Lowest fifth pays at most 30 % of income", "block", "block", 0.83, "33 % of income, against 27 % today."),),
        **COMMON,
    )  # fmt: skip
    return answer, Evidence(town, maps, {"j10": np.random.default_rng(5).normal(310, 60, 24)})


def siting(town: City) -> tuple[Answer, Evidence]:
    spots = [(720, 60, 60, 60), (960, 260, 80, 60), (300, 700, 50, 80), (1080, 660, 90, 60), (420, 160, 60, 50)]
    sites = tuple(
        Site(
            f"Site {number} by Street {number}", number, 400.0 + 90 * number, number < 4, 0.9 - 0.12 * number,
            {"runoff_volume": 20.0 * number, "mean_jobs_within_10_min": 9_000.0 - 300 * number, "total_capital_cost": 61e6 + 4e6 * number},
            "Close to trams and to 9,000 jobs; paved today, so runoff hardly grows." if number < 4 else "Outdone by site 1 on every score.",
            box(*spot),
        )
        for number, spot in enumerate(spots, start=1)
    )  # fmt: skip
    answer = Answer(
        question="Where should we build 2,000 homes?",
        summary="Three sites together hold 2,000 homes with little effect on stormwater: start with site 1.",
        sites=sites,
        claims=(Claim("s1", "Homes on the three best sites", "homes_placed", "1", None, 2_040.0, 2_040.0, 1_900.0, 2_160.0, True, -1, "derived", "n4"),),
        **COMMON,
    )  # fmt: skip
    return answer, Evidence(town)


@pytest.fixture(scope="session")
def town() -> City:
    return make_town()


@pytest.fixture(scope="session")
def items(town):
    return [stormwater(town), access(town), siting(town)]
