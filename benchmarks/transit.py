# ruff: noqa: PLC0415  # this file also runs in the peer's environment, which has no synapolis
"""Transit: stop pairs answered per CPU-second against pynigiri and against a plain scan in Python, on one feed.

The feed is a made-up grid of lines at whole minutes (full size: 1,296 stops, 120,000 connections in six hours). Ours
answers one stop to all within 90 minutes, once, and for every minute of an hour; the plain scan does the same one pass
without numba; pynigiri (RAPTOR, C++) answers stop to stop and returns whole journeys, so that ratio compares unlike
work: it says what a table of travel times costs with each. Arrivals are compared on the pairs that pynigiri is asked.
One thread, CPU time, after a warm-up that also compiles; best of a few.

Run ``python benchmarks/transit.py [--quick]``. The peer is looked for in this interpreter and in `.bench-venv`
beside the checkout's `.venv`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PEER = "0.1.5"
DATE = "2026-03-03"
MIDNIGHT = 29_541_600  # minutes from 1970 to that day (UTC)
LEAVE = 8 * 60  # [min after midnight]
LIMIT = 90  # [min]


def rows(*, quick: bool = False) -> list[tuple[str, str, str, str]]:
    """(case, ours, other, ratio); speeds in stop pairs per CPU-second."""
    side, asked = (8, 40) if quick else (36, 2000)
    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder)
        write_feed(feed, side)
        pairs = np.random.default_rng(0).integers(0, side * side, (asked, 2))
        (feed / "pairs.json").write_text(json.dumps(pairs.tolist()))
        one, hour, plain, arrivals, size = own_speeds(feed, pairs, quick=quick)
        peer = peer_answers(feed)
    table = [
        (f"{size}: one to all, 90 min", speed(one), f"{speed(plain)} (plain Python scan)", f"{one / plain:.0f}"),
        (
            f"{size}: the same, every minute of 8-9 h",
            speed(hour),
            f"{speed(plain)} (plain Python scan)",
            f"{hour / plain:.0f}",
        ),
    ]
    if isinstance(peer, str):
        return [*table, (f"{size}: stop pairs", speed(hour), peer, "-")]
    same = sum(a == b for a, b in zip(arrivals, peer["arrivals"], strict=True))
    told = f"{speed(peer['speed'])} (pynigiri {PEER}, whole journeys; {same} of {asked} arrivals equal)"
    return [*table, (f"{size}: stop pairs", speed(hour), told, f"{hour / peer['speed']:.0f}")]


def speed(pairs: float) -> str:
    return f"{pairs / 1e6:.2f} M pairs/s" if pairs >= 1e5 else f"{pairs:.0f} pairs/s"


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


def own_speeds(feed: Path, pairs: np.ndarray, *, quick: bool) -> tuple[float, float, float, list[int], str]:
    """Pairs per CPU-second once and for an hour, those of a plain scan, our arrivals [min], and the size in words."""
    from synapolis.models.transit.connections import connections, footpaths
    from synapolis.models.transit.scan import UNREACHED, arrival_profile
    from synapolis.models.transit.walk import walks_from_pairs
    from synapolis.sources.gtfs import read_gtfs

    timetable = read_gtfs(feed, feed="g", crs="EPSG:3067")
    found = connections(timetable, date=DATE, start=LEAVE * 60, end=(LEAVE + 60 + LIMIT) * 60)
    changes = footpaths(timetable)
    count = found.stop_count
    place = timetable.stops.index.get_indexer([f"g:S{i}" for i in range(count)])
    origins = np.arange(0, count, 1 if quick else 4)
    entry = walks_from_pairs(
        np.arange(len(origins)), origins, np.zeros(len(origins)), origin_count=len(origins), target_count=count
    )

    def profile(departures: list[int]) -> np.ndarray:
        return arrival_profile(found, changes, entry, departures, LIMIT * 60)

    once, hour = [LEAVE * 60], [(LEAVE + k) * 60 for k in range(60)]
    single = len(origins) * count / best(lambda: profile(once), 1 if quick else 4)
    many = len(hour) * len(origins) * count / best(lambda: profile(hour), 1 if quick else 3)
    rides = list(zip(*(column.tolist() for column in found[:5]), strict=True))
    plain = count / best(lambda: plain_scan(rides, count, int(origins[0]), LEAVE * 60, LIMIT * 60), 1 if quick else 5)
    asked = walks_from_pairs(
        np.arange(len(pairs)), place[pairs[:, 0]], np.zeros(len(pairs)), origin_count=len(pairs), target_count=count
    )
    arrival = arrival_profile(found, changes, asked, once, LIMIT * 60)[np.arange(len(pairs)), 0, place[pairs[:, 1]]]
    minutes = [int(a) // 60 if a != UNREACHED else -1 for a in arrival]
    return single, many, plain, minutes, f"{count:,} stops, {len(found.trip):,} connections"


def best(work: Callable[[], object], turns: int) -> float:
    """CPU seconds of the quickest of some turns, after one that compiles."""
    work()
    spent = []
    for _ in range(turns):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return max(min(spent), 1e-9)


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


def peer_answers(feed: Path) -> dict | str:
    """Pairs per CPU-second and arrivals of pynigiri, or why there are none."""
    for python in (sys.executable, str(ROOT / ".bench-venv" / "bin" / "python")):
        if not Path(python).exists():
            continue
        done = subprocess.run(
            [python, str(Path(__file__)), "--peer", str(feed)], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
    return f"pynigiri {PEER} is absent: make .bench-venv with pynigiri=={PEER}"


def ask_pynigiri(feed: Path) -> dict:
    """Run in the peer's environment: one query a pair, earliest arrival in minutes after midnight (-1: none)."""
    import pynigiri

    timetable = pynigiri.load_timetable([pynigiri.TimetableSource("g", str(feed))], "2026-03-01", "2026-03-31")
    pairs = json.loads((feed / "pairs.json").read_text())
    place = {i: timetable.find_location(f"S{i}") for pair in pairs for i in pair}
    arrivals = []
    begun = time.process_time()
    for source, goal in pairs:
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
        arrivals.append(LEAVE if source == goal else early - MIDNIGHT if early >= 0 else -1)
    spent = time.process_time() - begun
    return {"speed": len(pairs) / spent, "arrivals": arrivals}


def main() -> None:
    if "--peer" in sys.argv:
        print(json.dumps(ask_pynigiri(Path(sys.argv[sys.argv.index("--peer") + 1]))))
        return
    table = [("case", "ours", "other", "ratio"), *rows(quick="--quick" in sys.argv)]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
