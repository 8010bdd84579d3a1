"""Access of a whole city: from zero, after one headway edit, and walking; and how scans grow with the timetable.

Porto Alegre where its files lie beside the checkout: every minute from 13:00 to 15:00 between all 1,227 zones, trips of
up to an hour. Cold counts everything from streets, zones and timetable to jobs within reach; an edit of one line's
headway counts the edit, the times that it changes and the jobs within reach. Without the files, and in quick runs, a
made-up town stands in. Both clocks are taken after compiling.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import DATA, Row, growth_chart, quickest
from benchmarks.transit import Ours, write_feed
from synapolis.layers.city import City
from synapolis.layers.timetable_edits import with_headway
from synapolis.models.transit.access import access
from synapolis.models.transit.connections import connections
from synapolis.models.transit.travel import travel_times, update_travel_times
from synapolis.models.transit.walking import transit_walks, walk_network
from synapolis.sources.build import BuildSpec, LayerFile, build_city
from synapolis.sources.generate import generate_city
from synapolis.sources.gtfs import read_gtfs

WINDOW = {"departure_hour": 13.0, "departure_window": 120.0, "departure_count": 120.0, "longest_trip": 60.0,
          "walking_speed": 1.34}  # fmt: skip
NEAR, FAR = 1000.0, 4000.0  # [m] longest walks to stops and from door to door
SHORT = 2000.0  # [m]
FILES = DATA / "porto-alegre"


def rows(*, quick: bool = False) -> list[Row]:
    """Seconds from zero and after an edit, walks per second, and a chart of growth."""
    note = "" if FILES.is_dir() else "a made-up town: the files of Porto Alegre are not beside the checkout"
    city = generate_city(people=1500, seed=5) if quick or note else porto_alegre()
    return [*whole_city(Chain(city), seconds=0.0 if quick else 1.0, note=note), growth(quick=quick)]


def porto_alegre() -> City:
    zones = LayerFile(file=FILES / "poa_hexgrid.csv", mapping="id=id,population=population,jobs=jobs")
    feeds = (LayerFile(file=FILES / "poa_eptc.zip", name="eptc"),
             LayerFile(file=FILES / "poa_trensurb.zip", name="trensurb"))  # fmt: skip
    return build_city(BuildSpec(name="porto-alegre", title="Porto Alegre", timezone="America/Sao_Paulo", year=2019,
                                country="BR", currency="BRL", osm=LayerFile(file=FILES / "poa_osm.pbf"),
                                gtfs=feeds, zones=zones))  # fmt: skip


class Chain:
    """Access of a city, step by step."""

    def __init__(self, city: City) -> None:
        self.layers = {name: city.layers[name].value for name in ("streets", "junctions", "zones", "timetable")}
        self.title, self.jobs = city.title, self.layers["zones"]["jobs"].fillna(0).to_numpy(dtype=float)
        self.before: dict[str, Any] = {}
        self.found: Mapping[str, Any] = {}
        timetable = self.layers["timetable"]
        found = connections(timetable, date=str(timetable.busiest_date), start=13 * 3600, end=15 * 3600)
        busy = timetable.trips["route_name"].iloc[found.trip_row].value_counts()
        self.line = str(busy.index[len(busy) // 10])  # busier in the window than nine lines of ten

    def walks(self, direct: float = FAR) -> Any:
        links = walk_network(self.layers["streets"], self.layers["junctions"])
        return transit_walks(links, self.layers["zones"], self.layers["timetable"].stops, NEAR, direct)

    def cold(self) -> np.ndarray:
        self.before = {"timetable": self.layers["timetable"], "transit_walks": self.walks(), **WINDOW}
        self.found = travel_times(**self.before)._asdict()
        return self.jobs_within(self.found)

    def edited(self) -> np.ndarray:
        changed = with_headway(self.layers["timetable"], self.line, 600)
        inputs = {**self.before, "timetable": changed}
        return self.jobs_within(update_travel_times(self.found, self.before, inputs)._asdict())

    def jobs_within(self, found: Mapping[str, Any]) -> np.ndarray:
        return np.asarray(access(found["departures_within"], self.jobs, WINDOW["departure_count"]))


def whole_city(chain: Chain, *, seconds: float, note: str) -> list[Row]:
    zones = len(chain.jobs)
    cold, before = quickest(chain.cold, seconds=seconds)
    again, after = quickest(chain.edited, seconds=seconds)
    walking, _ = quickest(partial(chain.walks, SHORT), seconds=seconds)
    places = zones + len(chain.layers["timetable"].stops)
    window = f"{chain.title}, {zones:,} zones, every minute of two hours"
    differ = np.abs(after - before).max(axis=0) > 0
    said = f"cold beside the edit of line {chain.line}, which changes access in {differ.mean():.0%} of zones"
    return [
        Row(f"{window}: cold", cold, "s", note=note or "the aim is 10 s"),
        Row(f"{window}: one headway edited", again, "s", "ours, cold", cold, said),
        Row(f"{chain.title}: walks of 2 km", places / walking, "origins/s",
            note="from zones and, up to 1 km, from stops, the network's making included"),
    ]  # fmt: skip


def growth(*, quick: bool) -> Row:
    """CPU time of a one-to-all scan on grids of lines of several sizes."""
    curves: dict[str, list[tuple[float, float]]] = {"ours, all departures at once": [], "plain Python scan": []}
    for side in (6, 8) if quick else (9, 13, 18, 25, 36):
        with tempfile.TemporaryDirectory() as folder:
            write_feed(Path(folder), side)
            ours = Ours(read_gtfs(Path(folder), feed="g", crs="EPSG:3067"))
        size = len(ours.found.trip)
        for name, speed in zip(curves, (ours.hour_batch(0.0), ours.plain_scan(0.0)), strict=True):
            curves[name].append((size, ours.stop_count / speed))  # pairs a scan over pairs a millisecond
    picture = growth_chart("access", "One stop to all within 90 minutes, a departure", "rides", "CPU time [ms]", curves)
    rides, spent = next(iter(curves.values()))[-1]
    return Row("scan growth", spent, "ms", "plain Python scan", curves["plain Python scan"][-1][1],
               f"{rides:,} rides; chart: build/benchmarks/{picture.name}")  # fmt: skip
