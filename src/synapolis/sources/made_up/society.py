"""People of a made-up city: zones with homes, jobs, incomes and rents, services, named places, weather."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.layers.timetable import Timetable
from synapolis.sources.made_up.fabric import Fabric, table
from synapolis.sources.made_up.networks import YEAR
from synapolis.sources.made_up.site import BOTTOM, LEFT, Site, whole_shares

JOBS_PER_PERSON = 0.48
FLOOR_PER_JOB = {"office": 18.0, "retail": 35.0, "industrial": 70.0, "public": 45.0}  # m²
MEAN_INCOME = 42_000.0  # money/a and household
INCOME_SHARES = np.array([0.075, 0.125, 0.17, 0.225, 0.405])  # of the quintiles, lowest first
MEAN_RENT = 720.0  # money/month
GROUPS = ("q1", "q2", "q3", "q4", "q5")
SERVICES = {  # residents a site, use of the building it is in
    "kindergarten": (1_500, "residential"),
    "health": (4_000, "residential"),
    "shop": (170, "retail"),
    "food": (450, "retail"),
    "office": (260, "office"),
    "culture": (5_000, "public"),
    "public": (6_000, "public"),
}
TYPES = {  # what places of a kind are, in turn
    "health": ("hospital", "doctors", "pharmacy"),
    "shop": ("supermarket", "clothes", "bakery", "hairdresser", "convenience", "books"),
    "food": ("restaurant", "cafe"),
    "office": ("company",),
    "culture": ("library", "community_centre", "theatre", "museum"),
    "public": ("fire_station", "townhall", "police", "post_office"),
}
WHEELCHAIR = ("yes", "limited", "", "no")  # in turn
DISTRICTS = """
    Northgate Millfield Eastbank Westhill Harbourside Kingsmead Oakridge Fairview Brookside Stonebridge Elmwood
    Greyfriars Saltmarsh Ferryside Highfields Ashgrove Redcliff Whitehall Moorend Larkrise Thornhill Claypits
    Sandhurst Maplewood Quayside Netherby Overton Ravensworth Summerhill Windmill Holmwood Pinewood Stanmoor
    Cressbrook Deepdale Ironworks Kilnside Lowfield Marshgate Newlands
""".split()  # noqa: SIM905 - names read better so


def make_zones(
    fabric: Fabric, services: gpd.GeoDataFrame, service_blocks: NDArray[np.int64]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Zones of two by two blocks (four by four in a large city), and their households by income group."""
    site = fabric.site
    zone_of, shapes = _zone_shapes(fabric)
    count = len(shapes)
    chance = site.chance(6)
    houses = fabric.buildings
    home_zone = zone_of[fabric.building_blocks]
    homes = np.bincount(home_zone, houses["homes"], minlength=count).astype(float)
    people = whole_shares(homes * chance.uniform(0.93, 1.07, count), site.people)
    floor = houses.geometry.area.to_numpy() * houses["levels"].to_numpy()
    work = floor / houses["use"].map(FLOOR_PER_JOB).fillna(np.inf).to_numpy()
    jobs = whole_shares(
        np.bincount(home_zone, work, minlength=count).astype(float), round(site.people * JOBS_PER_PERSON)
    )
    service_zone = zone_of[service_blocks]
    tilt, pull = _standing(site, shapes, fabric)
    groups, median = _income_groups(homes, tilt)
    rent = MEAN_RENT * (0.82 + 0.3 * pull) * np.exp(0.18 * tilt)
    zones = table(
        shapes,
        "zone",
        name=[f"Zone {n}" for n in range(1, count + 1)],
        population=people.astype(float),
        jobs=jobs.astype(float),
        homes=homes,
        schools=np.bincount(service_zone[services["kind"] == "school"], minlength=count).astype(float),
        health_care=np.bincount(service_zone[services["kind"] == "health"], minlength=count).astype(float),
        median_income=np.where(homes > 0, np.round(median), np.nan),
        monthly_rent=np.where(homes > 0, np.round(rent), np.nan),
        median_home_price=np.where(homes > 0, np.round(12 * 24 * rent), np.nan),
        **_census(people.astype(float), homes, tilt),
    )
    lived_in = np.flatnonzero(homes > 0)
    income_groups = pd.DataFrame(
        {
            "zone": np.repeat(zones.index.to_numpy()[lived_in], len(GROUPS)),
            "group": np.tile(GROUPS, len(lived_in)),
            "households": groups[lived_in].ravel(),
            "income": np.tile(INCOME_SHARES * len(GROUPS) * MEAN_INCOME, len(lived_in)),
        },
        index=[f"made:household/{z + 1}-{g}" for z in lived_in for g in GROUPS],
    )
    return zones, income_groups


def make_services(fabric: Fabric) -> tuple[gpd.GeoDataFrame, NDArray[np.int64]]:
    """Points of interest, each inside a building, and the block each is in."""
    chance = fabric.site.chance(7)
    houses = fabric.buildings
    uses = houses["use"].to_numpy()
    kinds: list[str] = []
    places: list[int] = []
    for kind, word in (("school", "School"), ("health", "Hospital")):
        found = np.flatnonzero(houses["name"].str.startswith(word))
        kinds += [kind] * len(found)
        places += found.tolist()
    for kind, (people, use) in SERVICES.items():
        homes = np.flatnonzero(uses == use)
        size = min(max(1, round(fabric.site.people / people)), len(homes))
        places += chance.choice(homes, size=size, replace=False).tolist() if size else []
        kinds += [kind] * size
    names = [
        str(houses["name"].iloc[p]) or f"{k.title()} {n}" for n, (k, p) in enumerate(zip(kinds, places, strict=True), 1)
    ]
    points = shapely.point_on_surface(houses.geometry.to_numpy()[places])
    access = [WHEELCHAIR[n % len(WHEELCHAIR)] for n in range(len(kinds))]
    services = table(points, "service", kind=kinds, name=names, type=_types(kinds), wheelchair=access)
    return services, fabric.building_blocks[places]


def make_places(fabric: Fabric, timetable: Timetable) -> gpd.GeoDataFrame:
    """Districts, parks, squares, campuses and stops by name."""
    site = fabric.site
    size = 4 if site.columns < 20 else 8
    keys = (fabric.places + 2) // size
    groups: dict[tuple[int, int], list[int]] = {}
    for block, key in enumerate(keys.tolist()):
        groups.setdefault((key[0], key[1]), []).append(block)
    blocks = shapely.polygons(fabric.corners)
    land = [shapely.difference(shapely.union_all(blocks[b]), site.sea) for _, b in sorted(groups.items())]
    land = [shape for shape in land if shape.area > 20_000 and shape.geom_type in ("Polygon", "MultiPolygon")]
    order = site.chance(8).permutation(len(DISTRICTS))
    names = [
        f"{('', 'Upper ', 'Lower ', 'New ', 'Old ')[n // len(DISTRICTS) % 5]}{DISTRICTS[order[n % len(DISTRICTS)]]}"
        for n in range(len(land))
    ]
    heart = int(np.argmin([shapely.distance(shape, shapely.Point(site.centre)) for shape in land]))
    names[heart] = "Old Town"
    parks = fabric.land_use[fabric.land_use["name"] != ""].dissolve(by="name", aggfunc="first").reset_index()
    campuses = fabric.buildings[fabric.buildings["name"] != ""]
    stops = timetable.stops
    kinds = (
        ["district"] * len(land)
        + ["park" if use == "park" else "square" for use in parks["use"]]
        + ["building"] * len(campuses)
        + ["stop"] * len(stops)
    )
    return table(
        [*land, *parks.geometry, *campuses.geometry, *stops.geometry],
        "place",
        name=[*names, *parks["name"], *campuses["name"], *stops["name"]],
        other_names="",
        kind=kinds,
        closed=False,
    )


def make_weather(site: Site) -> pd.DataFrame:
    """A mild maritime year by the hour: seasons, days, passing clouds and showers, from seeded chance."""
    chance = site.chance(9)
    hours = pd.date_range(f"{YEAR}-01-01", periods=8760, freq="h")
    day, hour = hours.day_of_year.to_numpy(), hours.hour.to_numpy()
    cloud = _drifting(chance, 8760, memory=0.96)
    warmth = _drifting(chance, 8760, memory=0.985)
    season = -np.cos(2 * np.pi * (day - 20) / 365)
    temperature = 10.5 + 7.5 * season - 2.5 * np.cos(2 * np.pi * (hour - 3) / 24) + 2.2 * warmth
    height = _sun(day, hour, latitude=45.0)
    clear = np.clip(0.72 - 0.22 * cloud, 0.15, 0.8)
    total = 1361 * height * clear * (height > 0)
    diffuse = total * np.clip(1.1 - 1.1 * clear, 0.18, 1)
    wet = (cloud > 0.9) & (chance.uniform(size=8760) < 0.6)
    return pd.DataFrame(
        {
            "temperature": np.round(temperature, 1),
            "humidity": np.round(np.clip(0.75 + 0.08 * cloud - 0.004 * (temperature - 10), 0.25, 1), 2),
            "global_radiation": np.round(total, 1),
            "diffuse_radiation": np.round(diffuse, 1),
            "direct_radiation": np.round(np.where(height > 0.05, (total - diffuse) / np.maximum(height, 0.05), 0), 1),
            "wind_speed": np.round(np.abs(4.5 + 2 * _drifting(chance, 8760, memory=0.95)), 1),
            "rain": np.round(np.where(wet, chance.gamma(0.7, 1.5, 8760), 0), 1),
        },
        index=hours.strftime("%Y-%m-%dT%H:%M"),
    )


def _census(people: NDArray[np.float64], homes: NDArray[np.float64], tilt: NDArray[np.float64]) -> dict[str, Any]:
    """Counts that a census, utilities and registers would give by zone: shares of people and homes."""
    poorer = np.clip(1 - 0.5 * tilt, 0.2, 2.0)
    shares: dict[str, Any] = {
        "commuters": 0.45,
        "commuters_not_by_car": 0.27,
        "transit_boardings": 210.0,  # a year
        "domestic_water_use": 44.0,  # m³ a year: 120 L a day
        "total_water_use": 66.0,
        "end_use_energy": 58.0,  # GJ a year
        "renewable_energy": 14.0,
        "electric_vehicles": 0.03,
        "ev_chargers": 0.004,
        "vulnerable_residents": 0.24 * poorer,
        "poor_residents": 0.11 * poorer,
        "inadequate_housing_residents": 0.04 * poorer,
    }
    of_people = {name: np.round(people * share, 1) for name, share in shares.items()}
    return of_people | {"vacant_homes": np.round(0.04 * homes, 1), "rental_homes": np.round(0.45 * homes, 1)}


def _types(kinds: list[str]) -> list[str]:
    """What each place is: the types of its kind in turn."""
    turn = pd.Series(kinds).groupby(kinds).cumcount()
    types = [TYPES.get(kind, (kind,)) for kind in kinds]
    return [types[n][at % len(types[n])] for n, at in enumerate(turn)]


def _zone_shapes(fabric: Fabric) -> tuple[NDArray[np.int64], list[shapely.Polygon]]:
    """The zone of each block (dry or wet), and the zones' shapes; a group of blocks all in water joins the nearest."""
    site = fabric.site
    size = 2 if site.people <= 50_000 else 4
    keys = fabric.places // size
    wet = np.isin(fabric.kinds, ("water",))
    label = keys[:, 0] * 10_000 + keys[:, 1]
    dry_labels = np.unique(label[~wet])
    middles = np.array([fabric.corners[(label == k) & ~wet].mean(axis=(0, 1)) for k in dry_labels])
    blocks = shapely.polygons(fabric.corners)
    zone_of = np.searchsorted(dry_labels, label)
    zone_of[zone_of >= len(dry_labels)] = 0
    lost = np.flatnonzero(dry_labels[zone_of] != label)
    for block in lost:
        zone_of[block] = np.argmin(np.hypot(*(middles - fabric.corners[block].mean(axis=0)).T))
    shapes = [shapely.union_all(blocks[(zone_of == z) & ~wet]) for z in range(len(dry_labels))]
    return zone_of, shapes


def _standing(site: Site, shapes: list[Any], fabric: Fabric) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How well-off a zone is (mean about 0), and how near the centre (0 to 1)."""
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    hill = np.exp(
        -((np.hypot(*((middle - (LEFT + 0.22 * site.width, BOTTOM + 0.68 * site.depth)) / (0.25 * site.width)).T)) ** 2)
    )
    shore = np.exp(-np.maximum(middle[:, 1] - site.coast(middle[:, 0]), 0) / 250)
    works = shapely.polygons(fabric.corners[fabric.kinds == "industrial"])
    near_works = np.zeros(len(shapes))
    if len(works):
        near_works = np.exp(-shapely.distance(shapely.points(middle), shapely.union_all(works)) / 250)
    tilt = 0.9 * hill + 0.5 * shore - 1.0 * near_works + site.chance(10).normal(0, 0.35, len(shapes))
    away = np.hypot(*((middle - site.centre) / (site.width / 2, site.depth / 2)).T)
    return tilt - tilt.mean(), np.exp(-((away / 0.6) ** 2))


def _income_groups(
    homes: NDArray[np.float64], tilt: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Households (zone, group) whose rows add up to the homes and whose columns are fifths; median income by zone."""
    lived_in = homes > 0
    groups = np.exp(0.45 * tilt[:, None] * (np.arange(5) - 2)[None, :]) * lived_in[:, None]
    for _ in range(60):  # iterative proportional fitting
        groups *= homes.sum() / 5 / groups.sum(axis=0)
        groups *= np.divide(homes, groups.sum(axis=1), out=np.zeros_like(homes), where=lived_in)[:, None]
    below = np.cumsum(groups, axis=1) / np.maximum(homes, 1)[:, None]
    income = INCOME_SHARES * 5 * MEAN_INCOME
    middle = (np.arange(5) + 0.5) / 5  # city-wide rank of a group's mean income
    ranks = np.concatenate([np.zeros((len(homes), 1)), below], axis=1)
    rank = np.array([np.interp(0.5, row, np.linspace(0, 1, 6)) for row in ranks])
    return groups, np.interp(rank, middle, income)


def _drifting(chance: np.random.Generator, count: int, *, memory: float) -> NDArray[np.float64]:
    """A series that wanders about 0 with unit spread."""
    steps = chance.normal(0, np.sqrt(1 - memory**2), count)
    series = np.empty(count)
    value = 0.0
    for n, step in enumerate(steps):
        value = memory * value + step
        series[n] = value
    return series


def _sun(day: NDArray[np.int64], hour: NDArray[np.int64], *, latitude: float) -> NDArray[np.float64]:
    """Sine of the sun's height at half past each hour, 0 below the horizon."""
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365)
    angle = np.radians(15 * (hour + 0.5 - 12))
    phi = np.radians(latitude)
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    return np.asarray(np.maximum(height, 0))
