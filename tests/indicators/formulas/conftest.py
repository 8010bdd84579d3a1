"""A toy city small enough to count by hand: 200 people, 10 stops, 3 routes, 4 parks, on one square kilometre.

Zones are 10 x 10 squares of 100 m with 2 residents, 1 home and 1 job each; a house of 100 m² and two storeys stands in
the middle of each. Line A (bus, every 10 min) stops five times along y = 50; line B (bus, every 20 min) three times
along x = 950; line C (rail, every 30 min) joins the two upper corners.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from synapolis.layers.city import City, Layer
from synapolis.layers.grid import Grid, Raster
from synapolis.layers.land_cover import Cover
from synapolis.layers.timetable import Timetable
from synapolis.models import load_models

load_models()
CRS = "EPSG:32635"
HOURS = 3600
STOPS = {
    **{f"A{n}": (50 + 200 * n, 50) for n in range(5)},
    **{f"B{n}": (950, 250 + 200 * n) for n in range(3)},
    "C0": (50, 950),
    "C1": (950, 950),
}
LINES = {"A": ("bus", 10), "B": ("bus", 20), "C": ("rail", 30)}  # mode, minutes between departures
PARKS = {  # use, box: 1 ha + 2 ha + 0.5 ha + 0.5 ha
    "p1": ("park", (0, 900, 100, 1000)),
    "p2": ("park", (400, 400, 600, 500)),
    "p3": ("playground", (800, 800, 850, 900)),
    "p4": ("garden", (200, 100, 300, 150)),
    "square": ("square", (700, 500, 800, 600)),
}


def table(rows, geometry, index):
    return gpd.GeoDataFrame(rows, geometry=geometry, index=index, crs=CRS)


def make_zones():
    boxes = [shapely.box(100 * i, 100 * j, 100 * (i + 1), 100 * (j + 1)) for j in range(10) for i in range(10)]
    ids = [f"z{i}{j}" for j in range(10) for i in range(10)]
    counts = {"population": 2.0, "jobs": 1.0, "homes": 1.0, "schools": np.nan, "health_care": np.nan}
    money = {"median_income": 30_000.0, "monthly_rent": 500.0}
    return table({"name": ids, **{k: np.full(100, v) for k, v in {**counts, **money}.items()}}, boxes, ids)


def make_buildings(zones):
    middles = shapely.get_coordinates(shapely.centroid(zones.geometry.to_numpy()))
    houses = shapely.box(middles[:, 0] - 5, middles[:, 1] - 5, middles[:, 0] + 5, middles[:, 1] + 5)
    facts = {"levels": 2.0, "height": np.nan, "homes": 1.0, "start_year": 1960.0}
    rows = {"use": "residential", **{k: np.full(100, v) for k, v in facts.items()}, "name": "", "edit": ""}
    return table(rows, houses, [f"h{n}" for n in range(100)])


def make_streets():
    lines = {
        "lane": ([(0, 605), (300, 605)], "residential", True, "lane"),
        "high": ([(0, 705), (1000, 705)], "primary", True, ""),
        "path": ([(0, 805), (500, 805)], "cycleway", False, "path"),
        "up": ([(0, 605), (0, 705)], "residential", True, ""),
    }
    rows = [
        {
            "from_junction": f"j{line[0][0]}-{line[0][1]}", "to_junction": f"j{line[-1][0]}-{line[-1][1]}",
            "name": "High Street" if key == "high" else "", "road_class": road, "lanes": 2.0 if drive else 0.0,
            "max_speed": np.nan, "one_way": False, "drive": drive, "walk": True, "bridge": False, "cycle": cycle,
        }
        for key, (line, road, drive, cycle) in lines.items()
    ]  # fmt: skip
    streets = table(rows, [shapely.LineString(line) for line, *_ in lines.values()], list(lines))
    ends = {f"j{x}-{y}": shapely.Point(x, y) for line, *_ in lines.values() for x, y in (line[0], line[-1])}
    junctions = table({"gateway": [key == "j1000-705" for key in ends]}, list(ends.values()), list(ends))
    return streets, junctions


def make_timetable():
    trips, times, frequencies = [], [], []
    for line, (mode, minutes) in LINES.items():
        stops = [stop for stop in STOPS if stop[0] == line]
        for direction, order in ((0, stops), (1, stops[::-1])):
            trip = f"{line}-{direction}"
            trips.append((trip, line, line, mode, "daily", direction))
            times += [(trip, n, stop, 60 * n, 60 * n) for n, stop in enumerate(order)]
            frequencies.append((trip, 6 * HOURS, 20 * HOURS, 60 * minutes, True))
    columns = ["id", "route_id", "route_name", "mode", "service_id", "direction"]
    return Timetable.from_tables(
        {
            "stops": table({"name": list(STOPS)}, [shapely.Point(*xy) for xy in STOPS.values()], list(STOPS)),
            "trips": pd.DataFrame(trips, columns=columns).set_index("id"),
            "stop_times": pd.DataFrame(times, columns=["trip_id", "sequence", "stop_id", "arrival", "departure"]),
            "frequencies": pd.DataFrame(frequencies, columns=["trip_id", "start", "end", "headway", "exact"]),
            "services": pd.DataFrame({"service_id": ["daily"], "date": ["2025-05-05"]}),
        }
    )


def make_land_cover(grid):
    """Paved, but for 1 ha of water, 1 ha of street, 2.5 ha of grass, 1 ha of trees and 0.5 ha of bare ground."""
    cover = np.full(grid.shape, Cover.PAVED, dtype=np.uint8)
    for key, what in (("p1", Cover.GRASS), ("p2", Cover.GRASS), ("p3", Cover.BARE), ("p4", Cover.GRASS)):
        cover[grid.mask(shapely.box(*PARKS[key][1]))] = what
    cover[grid.mask(shapely.box(400, 400, 500, 500))] = Cover.TREES
    cover[grid.mask(shapely.box(0, 600, 1000, 610))] = Cover.STREET
    cover[grid.mask(shapely.box(0, 300, 1000, 310))] = Cover.WATER
    return cover


def make_services():
    kinds = [("school", "school"), ("health", "doctors"), ("shop", "supermarket"), ("culture", "library")]
    rows = {"kind": [kind for kind, _ in kinds], "type": [what for _, what in kinds], "wheelchair": "", "name": ""}
    return table(rows, [shapely.Point(450, 450)] * 4, [f"s{n}" for n in range(4)])


def make_toy():
    grid = Grid(0, 1000, 10, 100, 100)
    zones = make_zones()
    streets, junctions = make_streets()
    land = table({"use": [use for use, _ in PARKS.values()], "name": ""}, [shapely.box(*b) for _, b in PARKS.values()],
                 list(PARKS))  # fmt: skip
    water = table({"kind": ["river"]}, [shapely.box(0, 300, 1000, 310)], ["w"])
    layers = {
        "zones": zones,
        "buildings": make_buildings(zones),
        "streets": streets,
        "junctions": junctions,
        "timetable": make_timetable(),
        "land_use": land,
        "water": water,
        "points_of_interest": make_services(),
        "land_cover_map": Raster(make_land_cover(grid), tuple(grid.transform)[:6], CRS),
    }
    return City(
        name="toy", title="Toy", crs=CRS, timezone="Etc/UTC", reference_year=2025, extent=shapely.box(0, 0, 1000, 1000),
        grid=grid, layers={name: Layer(name, value, "by hand", "CC0-1.0", "assumed") for name, value in layers.items()},
    )  # fmt: skip


@pytest.fixture(scope="session")
def toy():
    return make_toy()


@pytest.fixture
def people():
    """Four residents in a row, 100 m apart: 1, 2, 3 and 4 people."""
    return pd.DataFrame({"x": [0.0, 100.0, 200.0, 300.0], "y": np.zeros(4), "people": [1.0, 2.0, 3.0, 4.0]})
