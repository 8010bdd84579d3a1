"""Transit: stop pairs answered per second against pynigiri and against a plain scan in Python, on one feed.

The feed is a made-up grid of lines at whole minutes (full size: 1,296 stops, 120,000 connections in six hours). Ours
answers one stop to all within 90 minutes, once, and for every minute of an hour; the plain scan does the same one pass
without numba; pynigiri (RAPTOR, C++) answers stop to stop and returns whole journeys, so that ratio compares unlike
work: it says what a table of travel times costs with each. Arrivals are compared on the pairs that pynigiri is asked.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks import Row, absent, peer_named, quickest, silence
from synapolis.layers.timetable import Timetable
from synapolis.models.transit.connections import connections, footpaths
from synapolis.models.transit.reach import Ask, doors, reach
from synapolis.models.transit.scan import UNREACHED, arrival_profile
from synapolis.models.transit.walk import Walks, walks_from_pairs
from synapolis.sources.gtfs import read_gtfs

DATE = "2026-03-03"
MIDNIGHT = 29_541_600  # minutes from 1970 to that day (UTC)
LEAVE = 8 * 60  # [min after midnight]
LIMIT = 90  # [min]
PLAIN = "plain Python scan"


def rows(*, quick: bool = False) -> list[Row]:
    """Speeds in stop pairs per millisecond, and in one-to-all scans per second."""
    side, asked = (8, 40) if quick else (36, 2000)
    seconds = 0.0 if quick else 1.0
    pairs = np.random.default_rng(0).integers(0, side * side, (asked, 2))
    pynigiri, name = peer_named("pynigiri")
    with tempfile.TemporaryDirectory() as folder:
        write_feed(Path(folder), side)
        ours = Ours(read_gtfs(Path(folder), feed="g", crs="EPSG:3067"))
        with silence():
            peer = None if pynigiri is None else ask_pynigiri(pynigiri, Path(folder), pairs)
    one, hour, plain = ours.one_to_all(seconds), ours.hour_to_all(seconds), ours.plain_scan(seconds)
    town = f"transit {ours.stop_count:,} stops"
    scans = ours.stop_count / 1000  # pairs per ms over this are scans per s
    batch = ours.hour_batch(seconds)
    if peer is None:
        note = absent(name)
    else:
        same = int((ours.arrivals(pairs) == peer[1]).sum())
        note = f"the peer returns whole journeys; {same} of {asked} arrivals equal"
    return [
        Row(
            f"{town}, {len(ours.found.trip):,} rides: door to door, every minute of an hour",
            batch / scans,
            "scans/s",
            PLAIN,
            plain / scans,
            "to all stops within 90 min, mean times and counts within 5 thresholds",
        ),
        Row(f"{town}: one to all, 90 min", one, "pairs/ms", PLAIN, plain),
        Row(f"{town}: the same, every minute of an hour", hour, "pairs/ms", PLAIN, plain),
        Row(f"{town}: stop pairs", hour, "pairs/ms", name, peer and peer[0], note),
    ]


class Ours:
    """The timetable made ready for our scan."""

    def __init__(self, timetable: Timetable) -> None:
        self.found = connections(timetable, date=DATE, start=LEAVE * 60, end=(LEAVE + 60 + LIMIT) * 60)
        self.changes = footpaths(timetable)
        self.stop_count = self.found.stop_count
        self.place = timetable.stops.index.get_indexer([f"g:S{i}" for i in range(self.stop_count)])
        self.origins = np.arange(0, self.stop_count, 4)

    def from_stops(self, stops: np.ndarray) -> Walks:
        count = len(stops)
        return walks_from_pairs(
            np.arange(count), stops, np.zeros(count), origin_count=count, target_count=self.stop_count
        )

    def profile(self, stops: np.ndarray, departures: list[int]) -> np.ndarray:
        return arrival_profile(self.found, self.changes, self.from_stops(stops), departures, LIMIT * 60)

    def one_to_all(self, seconds: float) -> float:
        spent, _ = quickest(lambda: self.profile(self.origins, [LEAVE * 60]), seconds=seconds)
        return len(self.origins) * self.stop_count / spent / 1e3

    def hour_to_all(self, seconds: float) -> float:
        departures = [(LEAVE + k) * 60 for k in range(60)]
        spent, _ = quickest(lambda: self.profile(self.origins, departures), seconds=seconds)
        return len(departures) * len(self.origins) * self.stop_count / spent / 1e3

    def hour_batch(self, seconds: float) -> float:
        """Pairs per millisecond of the pass over many origins, each stop a door."""
        everywhere = self.from_stops(np.arange(self.stop_count))
        ask = Ask(np.arange(60, dtype=np.int32) * 60 + LEAVE * 60, LIMIT * 60, np.array([5, 10, 15, 30, 45]) * 60)
        ask = ask._replace(thresholds=ask.thresholds.astype(np.int32))
        to_goal = doors(everywhere, everywhere)
        spent, _ = quickest(lambda: reach(self.found, self.changes, everywhere, to_goal, ask), seconds=seconds)
        return 60 * self.stop_count**2 / spent / 1e3

    def plain_scan(self, seconds: float) -> float:
        rides = list(zip(*(column.tolist() for column in self.found[:5]), strict=True))
        spent, _ = quickest(lambda: plain_scan(rides, self.stop_count, 0, LEAVE * 60, LIMIT * 60), seconds=seconds)
        return self.stop_count / spent / 1e3

    def arrivals(self, pairs: np.ndarray) -> np.ndarray:
        """Minutes after midnight for each pair; -1 where the limit is passed."""
        profile = self.profile(self.place[pairs[:, 0]], [LEAVE * 60])
        arrival = profile[np.arange(len(pairs)), 0, self.place[pairs[:, 1]]]
        return np.where(arrival == UNREACHED, -1, arrival // 60)


def write_feed(folder: Path, side: int) -> None:
    """A grid of stops 500 m apart; a line along each row and column, both ways, every 15 min at its own minute."""
    stops = ["stop_id,stop_name,stop_lat,stop_lon"]
    stops += [f"S{i},S{i},{60 + 0.0045 * (i // side):.4f},{24 + 0.009 * (i % side):.4f}" for i in range(side * side)]
    routes, trips, times = (
        ["route_id,agency_id,route_short_name,route_long_name,route_type"],
        ["route_id,service_id,trip_id"],
        ["trip_id,arrival_time,departure_time,stop_id,stop_sequence"],
    )
    for line in range(2 * side):
        along = [line * side + i if line < side else i * side + line - side for i in range(side)]
        for direction in (0, 1):
            routes.append(f"R{line}:{direction},A,{line},L{line},3")
            order = along[:: 1 - 2 * direction]
            hop = 1 + (line + direction) % 3
            for first in range(6 * 60 + (7 * line + 3 * direction) % 15, 12 * 60, 15):
                trip = f"T{line}:{direction}:{first}"
                trips.append(f"R{line}:{direction},WK,{trip}")
                clocks = [first + hop * i for i in range(side)]
                times += [
                    f"{trip},{c // 60:02d}:{c % 60:02d}:00,{c // 60:02d}:{c % 60:02d}:00,S{s},{i}"
                    for i, (c, s) in enumerate(zip(clocks, order, strict=True))
                ]
    week = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    tables = {
        "agency": ["agency_id,agency_name,agency_url,agency_timezone", "A,Made up,http://example.org,UTC"],
        "calendar": [f"service_id,{week},start_date,end_date", "WK,1,1,1,1,1,1,1,20260301,20260331"],
        "stops": stops,
        "routes": routes,
        "trips": trips,
        "stop_times": times,
        "transfers": [  # without them pynigiri takes 2 min to change
            "from_stop_id,to_stop_id,transfer_type,min_transfer_time",
            *(f"S{i},S{i},2,0" for i in range(side * side)),
        ],
    }
    for name, lines in tables.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


def plain_scan(rides: list[tuple[int, ...]], stops: int, source: int, departure: int, limit: int) -> list[float]:
    """The textbook connection scan, one start to all, in plain Python."""
    arrival = [float("inf")] * stops
    arrival[source] = departure
    aboard: set[int] = set()
    for from_stop, to_stop, leave, arrive, run in rides:
        if leave > departure + limit:
            break
        if run in aboard or arrival[from_stop] <= leave:
            aboard.add(run)
            arrival[to_stop] = min(arrival[to_stop], arrive)
    return arrival


def ask_pynigiri(pynigiri: ModuleType, feed: Path, pairs: np.ndarray) -> tuple[float, np.ndarray]:
    """Pairs per millisecond and arrivals in minutes after midnight (-1: none); one query a pair."""
    timetable = pynigiri.load_timetable([pynigiri.TimetableSource("g", str(feed))], "2026-03-01", "2026-03-31")
    place = {int(i): timetable.find_location(f"S{i}") for i in np.unique(pairs)}

    def earliest(source: int, goal: int) -> int:
        query = pynigiri.Query()
        query.start_time = MIDNIGHT + LEAVE
        query.start = [pynigiri.Offset(place[source], 0, 0)]
        query.destination = [pynigiri.Offset(place[goal], 0, 0)]
        query.start_match_mode = query.dest_match_mode = pynigiri.LocationMatchMode.EXACT
        query.max_transfers = 14
        query.max_travel_time = LIMIT
        found = [journey.arrival_time() for journey in pynigiri.route(timetable, query)]
        early = min((getattr(a, "count", a) for a in found), default=-1)
        early = early() if callable(early) else early
        return LEAVE if source == goal else early - MIDNIGHT if early >= 0 else -1

    spent, arrivals = quickest(lambda: [earliest(*pair) for pair in pairs.tolist()], seconds=0.0)
    return len(pairs) / spent / 1e3, np.array(arrivals)
