"""The GTFS reader: what a feed may hold, and that every fault is one clear error."""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapolis.core.errors import SourceError
from synapolis.layers.timetable import FORBIDDEN
from synapolis.models.transit.connections import connections, footpaths
from synapolis.models.transit.walk import walks_from_pairs
from synapolis.sources.gtfs import merge_timetables, read_gtfs
from synapolis.sources.gtfs_shapes import along_shape

CRS = "EPSG:3067"
FEED = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,Made up,http://example.org,UTC\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
        'a,"Square, north",60.170,24.930,,st\nb,B,60.171,24.930,0,\n'
        "c,C,60.174,24.930,,\nd,D,60.175,24.930,,\nst,Station,60.17,24.93,1,\n"
    ),
    "routes.txt": "route_id,route_short_name,route_long_name,route_type\nr7,7,Ring,0\nx,,Express,701\n",
    "trips.txt": "route_id,service_id,trip_id,direction_id,shape_id\nr7,wk,t1,0,\nr7,wk,t2,1,\nx,we,t3,,\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type\n"
        "t1,8:00:00,8:00:00,a,1,\nt1,,,b,2,\nt1,,,c,5,\nt1,08:10:00,08:11:00,d,9,1\n"
        "t2,23:50:00,23:50:00,d,1,\nt2,24:05:00,24:06:30,c,2,\nt2,25:00:00,25:00:00,a,3,\n"
        "t3,10:00:00,10:00:00,a,1,\nt3,10:00:00,10:00:00,b,2,\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "wk,1,1,1,1,1,0,0,20260302,20260313\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nwk,20260304,2\nwk,20260307,1\nwe,20260308,1\n",
    "frequencies.txt": "trip_id,start_time,end_time,headway_secs,exact_times\nt3,10:00:00,10:30:00,600,1\n",
    "transfers.txt": "from_stop_id,to_stop_id,transfer_type,min_transfer_time\nst,b,2,90\nb,c,3,\nb,b,2,30\n",
}


def write(folder, **changes):
    """A feed as a zip; a change of None leaves the file out."""
    files = FEED | {name.replace("_txt", ".txt"): text for name, text in changes.items()}
    path = folder / "feed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return path


def read(folder, **changes):
    return read_gtfs(write(folder, **changes), feed="f", crs=CRS)


def test_reads_the_whole_feed(tmp_path):
    timetable = read(tmp_path)
    assert list(timetable.stops.index) == ["f:a", "f:b", "f:c", "f:d"]
    assert timetable.stops["name"]["f:a"] == "Square, north"
    assert [(line.name, line.mode) for line in timetable.lines] == [("7", "tram"), ("Express", "bus")]
    assert timetable.date_range == ("2026-03-02", "2026-03-13")
    wk = timetable.services[timetable.services["service_id"] == "f:wk"]["date"].tolist()
    assert "2026-03-04" not in wk
    assert "2026-03-07" in wk
    assert len(wk) == 10
    assert timetable.frequencies.iloc[0].tolist() == ["f:t3", 36000, 37800, 600, True]
    assert timetable.transfers.to_numpy().tolist() == [
        ["f:a", "f:b", 90],
        ["f:b", "f:c", FORBIDDEN],
        ["f:b", "f:b", 30],
    ]
    assert timetable.stop_times["boarding"].tolist().count(False) == 1


def test_blank_times_follow_the_distance_between_stops(tmp_path):
    times = read(tmp_path).stop_times.iloc[:4]
    assert times["arrival"].tolist() == [28800, 28920, 29280, 29400]  # 1 : 3 : 1
    assert times["departure"].tolist() == [28800, 28920, 29280, 29460]


def test_blank_times_follow_stated_distances_first(tmp_path):
    text = (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,shape_dist_traveled\n"
        "t1,8:00:00,8:00:00,a,1,0\nt1,,,b,2,5\nt1,,,c,5,5\nt1,08:10:00,08:10:00,d,9,10\n"
    )
    assert read(tmp_path, stop_times_txt=text, frequencies_txt=None).stop_times["arrival"].tolist() == [
        28800,
        29100,
        29100,
        29400,
    ]


def test_blank_times_follow_the_shape(tmp_path):
    detour = "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n" + "\n".join(
        f"s,{lat},{lon},{i}"
        for i, (lat, lon) in enumerate(
            [(60.17, 24.93), (60.171, 24.93), (60.171, 24.95), (60.174, 24.95), (60.174, 24.93), (60.175, 24.93)]
        )
    )
    trips = FEED["trips.txt"].replace("t1,0,", "t1,0,s")
    times = read(tmp_path, shapes_txt=detour, trips_txt=trips).stop_times.iloc[:4]
    # 111 m, then 1109 + 334 + 1109 m, then 111 m
    assert np.diff(times["arrival"]).tolist() == pytest.approx([24, 552, 24], abs=2)


def test_a_stop_beside_a_crossing_is_placed_where_its_order_says():
    """The second stop lies nearer to the line's last leg than to its first."""
    line = np.array([[0.0, 0], [1000, 0], [1000, 500], [500, 500], [500, -500]])
    stops = np.array([[100.0, 3], [501, 3], [1000, 250], [700, 500], [500, -400]])
    assert along_shape(line, stops).tolist() == [100, 501, 1250, 1800, 2900]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=8), st.integers(2, 7))
def test_places_along_a_line_never_go_back(vertices, count):
    line = np.array(vertices)
    points = np.random.default_rng(count).uniform(0, 100, (count, 2))
    assert (np.diff(along_shape(line, points)) >= 0).all()


def test_times_past_midnight_belong_to_the_service_day_before(tmp_path):
    timetable = read(tmp_path, frequencies_txt=None)
    late = connections(timetable, date="2026-03-03", start=0, end=4000)
    assert late.departure_time.tolist() == [390]  # 24:06:30 of Monday
    assert late.arrival_time.tolist() == [3600]
    assert len(connections(timetable, date="2026-03-05", start=0, end=4000).trip) == 0  # nothing ran on the 4th


def test_reads_a_folder_a_byte_order_mark_blank_lines_and_a_nested_zip(tmp_path):
    folder = tmp_path / "feed"
    folder.mkdir()
    for name, text in FEED.items():
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n\r\n").encode())
    assert read_gtfs(folder, feed="f", crs=CRS).time_span == (28800, 90000)
    with zipfile.ZipFile(tmp_path / "nested.zip", "w") as archive:
        for name, text in FEED.items():
            archive.writestr(f"export/{name}", text)
    assert read_gtfs(tmp_path / "nested.zip", feed="f", crs=CRS).time_span == (28800, 90000)


def test_directions_left_blank_are_told_from_the_way(tmp_path):
    trips = FEED["trips.txt"].replace("t1,0,", "t1,,").replace("t2,1,", "t2,,")
    assert read(tmp_path, trips_txt=trips).trips["direction"].tolist() == [0, 1, 0]


def test_several_feeds_are_merged_under_their_names(tmp_path):
    path = write(tmp_path)
    merged = merge_timetables([read_gtfs(path, feed=feed, crs=CRS) for feed in ("one", "two")])
    assert len(merged.trips) == 6
    assert {i.split(":")[0] for i in merged.stops.index} == {"one", "two"}


def times_with(old, new):
    return {"stop_times_txt": FEED["stop_times.txt"].replace(old, new)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop_times_txt": None}, r"lacks stop_times.txt"),
        ({"stops_txt": None}, r"lacks stops.txt"),
        ({"calendar_txt": None, "calendar_dates_txt": None}, "calendar"),
        (times_with("t1,,,b", "t1,,,nowhere"), r"stop_times.txt line 3: .*nowhere"),
        (times_with("t1,,,b", "t9,,,b"), r"stop_times.txt line 3: .*t9"),
        (times_with("t2,24:05:00", "t2,-1:05:00"), r"stop_times.txt line 7: .*-1:05:00"),
        (times_with("t2,24:05:00", "t2,soon"), r"stop_times.txt line 7: .*soon"),
        (times_with("t2,24:05:00", "t2,24:65:00"), r"stop_times.txt line 7: .*24:65:00"),
        (times_with("t2,24:05:00,24:06:30", "t2,23:05:00,23:06:30"), r"stop_times.txt line 7: .*go back"),
        (times_with("t1,8:00:00,8:00:00", "t1,,"), r"stop_times.txt line 2: .*first and last"),
        (times_with("c,5", "c,2"), r"stop_times.txt line 4: .*stop_sequence once"),
        (times_with("c,5", "c,-5"), r"stop_times.txt line 4"),
        (times_with("c,5", "st,5"), r"platform"),
        (times_with(FEED["stop_times.txt"].split("\n", 1)[1], ""), "no rows"),
        ({"routes_txt": FEED["routes.txt"].replace("Ring,0", "Ring,99")}, r"routes.txt line 2"),
        ({"trips_txt": FEED["trips.txt"].replace("t2,1", "t1,1")}, r"trips.txt line 3: .*once"),
        ({"trips_txt": FEED["trips.txt"].replace("r7,wk,t2", "r8,wk,t2")}, r"trips.txt line 3: .*r8"),
        ({"trips_txt": FEED["trips.txt"].replace("r7,wk,t2", "r7,su,t2")}, r"trips.txt line 3: .*su"),
        ({"stops_txt": FEED["stops.txt"].replace("60.171", "160.171")}, r"stops.txt line 3: .*160.171"),
        ({"stops_txt": FEED["stops.txt"].replace("60.171", "nan")}, r"stops.txt line 3"),
        ({"calendar_txt": FEED["calendar.txt"].replace("20260313", "20260230")}, r"calendar.txt line 2: .*20260230"),
        ({"calendar_txt": FEED["calendar.txt"].replace("20260313", "20260301")}, r"calendar.txt line 2"),
        (
            {"frequencies_txt": FEED["frequencies.txt"].replace(",600,", ",0,")},
            r"frequencies.txt line 2: .*headway_secs",
        ),
        ({"frequencies_txt": FEED["frequencies.txt"].replace("10:30", "09:30")}, r"frequencies.txt line 2: .*end_time"),
        ({"stops_txt": FEED["stops.txt"].encode("utf-8").replace(b"C,60", b"\xff,60")}, r"stops.txt line 4: .*UTF-8"),
        ({"stops_txt": ""}, r"stops.txt line 1"),
        ({"stops_txt": "stop_id,stop_id\n"}, r"stops.txt line 1"),
        ({"stops_txt": FEED["stops.txt"] + "x,X,60.1,24.9,,,extra\n"}, r"stops.txt line 7"),
    ],
)
def test_each_fault_names_file_line_and_next_step(tmp_path, changes, message):
    with pytest.raises(SourceError, match=message):
        read(tmp_path, **changes)


def test_a_truncated_zip_a_missing_path_and_other_bytes_are_refused(tmp_path):
    whole = write(tmp_path).read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 5):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        with pytest.raises(SourceError, match="zip"):
            read_gtfs(tmp_path / "cut.zip", feed="f", crs=CRS)
    with pytest.raises(SourceError, match="check the path"):
        read_gtfs(tmp_path / "absent.zip", feed="f", crs=CRS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds none"):
        read_gtfs(tmp_path / "empty", feed="f", crs=CRS)


def read_or_refuse(data):
    """The reader yields a valid timetable or a SourceError, and nothing else."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, text in data.items():
            target.writestr(name, text)
    read_bytes_or_refuse(archive.getvalue())


def read_bytes_or_refuse(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feed.zip"
        path.write_bytes(data)
        with contextlib.suppress(SourceError):
            read_gtfs(path, feed="f", crs=CRS).validate()


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FEED)), st.integers(0, 2**32), st.integers(1, 4), st.binary(min_size=1, max_size=4))
def test_fuzz_changed_bytes_of_one_file(name, seed, count, junk):
    text = bytearray(FEED[name].encode())
    chance = random.Random(seed)
    for _ in range(count):
        at = chance.randrange(len(text))
        text[at : at + chance.randrange(3)] = junk
    read_or_refuse(FEED | {name: bytes(text)})


cells = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "b",
            "t1",
            "t2",
            "wk",
            "r7",
            "0",
            "1",
            "-1",
            "2",
            "8:00:00",
            "25:00:00",
            "9e99",
            "nan",
            "20260303",
            '"',
            "٣",
            "1e5",
            "99999999999",
        ]
    ),
    st.text(max_size=5),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(set(FEED) - {"agency.txt"})), st.integers(0, 20), st.integers(0, 8), cells)
def test_fuzz_changed_cells(name, row, column, cell):
    lines = [line.split(",") for line in FEED[name].splitlines()]
    line = lines[row % len(lines)]
    line[column % len(line)] = cell
    read_or_refuse(FEED | {name: "\n".join(",".join(line) for line in lines)})


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**32))
@pytest.mark.slow
def test_fuzz_random_and_damaged_archives(noise, seed):
    read_bytes_or_refuse(noise)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in FEED.items():
            target.writestr(name, text)
    whole = bytearray(archive.getvalue())
    chance = random.Random(seed)
    for _ in range(3):
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    read_bytes_or_refuse(bytes(whole))


@pytest.mark.slow
def test_porto_alegre_as_it_is(shared_data):
    folder = shared_data / "porto-alegre"
    buses = read_gtfs(folder / "poa_eptc.zip", feed="eptc", crs="EPSG:31982")
    trains = read_gtfs(folder / "poa_trensurb.zip", feed="trensurb", crs="EPSG:31982")
    both = merge_timetables([buses, trains])
    assert len(both.lines) == 117
    assert (len(buses.stops), len(buses.trips), len(buses.stop_times)) == (3986, 2374, 130_019)
    assert buses.time_span == (11 * 3600 + 20 * 60, pytest.approx(17 * 3600 + 50 * 60, abs=900))
    assert trains.trips["direction"].value_counts().to_dict() == {0: 627, 1: 621}
    assert (buses.stop_times["departure"] >= buses.stop_times["arrival"]).all()
    monday = trains.services[trains.services["date"] == "2019-05-13"]["service_id"]
    assert trains.trips["service_id"].isin(monday).sum() == 529


def test_a_forbidden_transfer_overrules_the_walk_by_street(tmp_path):
    timetable = read(tmp_path)
    b, c = (timetable.stops.index.get_loc(f"f:{stop}") for stop in "bc")
    count = len(timetable.stops)
    street = walks_from_pairs([b, c], [c, b], [50, 50], origin_count=count, target_count=count)
    walks = footpaths(timetable, street)
    reached = [set(walks.target[walks.start[i] : walks.start[i + 1]].tolist()) for i in (b, c)]
    assert c not in reached[0]
    assert b in reached[1]
