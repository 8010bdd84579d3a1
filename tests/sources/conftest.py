"""A tiny town as an OpenStreetMap file, made on the spot: streets, a clipped district, a coast, houses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import osmium
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests/cities.py

Nodes = dict[int, tuple[float, float] | tuple[float, float, dict[str, str]]]
Ways = dict[int, tuple[list[int], dict[str, str]]]
Relations = dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]]
Writer = Callable[..., Path]

WEST, SOUTH, EAST, NORTH = 25.0, 60.0, 25.01, 60.01


def write_osm(
    path: Path,
    nodes: Nodes,
    ways: Ways | None = None,
    relations: Relations | None = None,
    *,
    box: tuple[float, float, float, float] | None = (WEST, SOUTH, EAST, NORTH),
) -> Path:
    header = osmium.io.Header()
    if box is not None:
        header.add_box(osmium.osm.Box(*box))
    with osmium.SimpleWriter(str(path), 4096, header, overwrite=True) as writer:
        for key, (lon, lat, *tags) in sorted(nodes.items()):
            writer.add_node(
                osmium.osm.mutable.Node(id=key, location=(lon, lat), tags=tags[0] if tags else {}, version=1)
            )
        for key, (refs, tags) in sorted((ways or {}).items()):
            writer.add_way(
                osmium.osm.mutable.Way(id=key, nodes=refs, tags=tags, version=1, timestamp="2020-05-01T00:00:00Z")
            )
        for key, (members, tags) in sorted((relations or {}).items()):
            writer.add_relation(osmium.osm.mutable.Relation(id=key, members=members, tags=tags, version=1))
    return path


def square(first: int, lon: float, lat: float, size: float = 0.0005) -> Nodes:
    """Four nodes first … first + 3 around a square."""
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    return {first + i: (lon + x * size, lat + y * size / 2) for i, (x, y) in enumerate(corners)}


def ring(first: int) -> list[int]:
    return [first, first + 1, first + 2, first + 3, first]


@pytest.fixture(scope="session")
def osm_writer() -> Writer:
    return write_osm


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One main street east-west, a one-way street drawn backwards, a footpath, houses, a coast, a clipped district."""
    nodes: Nodes = {
        # 1-3 main street, leaving in the east (node 4 is outside and not in the file)
        1: (25.001, 60.005),
        2: (25.005, 60.005),
        3: (25.0099, 60.005),
        # 5-6 side street through node 2
        5: (25.005, 60.002),
        6: (25.005, 60.008),
        # 7 footpath from 6 to 7
        7: (25.002, 60.008),
        # 8-11 district border, cut in the west and in the south
        8: (25.0001, 60.004),
        9: (25.003, 60.004),
        10: (25.003, 60.0001),
        # 12-14 coast in the east, water on its right hand when drawn southwards... see the ways
        12: (25.008, 60.0099),
        13: (25.008, 60.0075),
        14: (25.0099, 60.0075),
        20: (25.004, 60.0041, {"place": "suburb", "name": "Westend"}),
        21: (25.0071, 60.001, {"highway": "bus_stop", "name": "Market"}),
        22: (25.0072, 60.001, {"highway": "bus_stop", "name": "Market", "name:sv": "Torget"}),
        23: (25.0061, 60.0031, {"amenity": "school", "name": "Old School", "wheelchair": "limited"}),
        24: (25.0062, 60.0032, {"natural": "tree"}),
        25: (25.0063, 60.0033, {"ele": "12.5"}),
        26: (25.0064, 60.0034, {"ele": "about ten"}),
        **square(30, 25.006, 60.006),
        **square(40, 25.007, 60.006),
        **square(50, 25.0071, 60.00605, 0.0002),
        **square(60, 25.006, 60.0015),
        **square(90, 25.0061, 60.00155, 0.0002),
        **square(70, 25.0098, 60.002),
        **square(80, 25.0001, 60.006, 0.001),
    }
    for outside in (71, 72):
        del nodes[outside]
    ways: Ways = {
        100: ([1, 2, 3, 4], {"highway": "primary", "name": "Main Street", "name:sv": "Storgatan", "maxspeed": "50"}),
        101: ([5, 2, 6], {"highway": "residential", "oneway": "-1", "maxspeed": "20 mph", "lanes": "1"}),
        102: ([6, 7], {"highway": "footway", "bridge": "yes"}),
        103: ([80, 81, 82, 83, 80], {"highway": "pedestrian", "area": "yes", "name": "Town Square"}),
        110: (ring(30), {"building": "apartments", "building:levels": "4", "height": "12.5 m", "start_date": "1890s"}),
        111: (ring(40), {"building": "yes", "building:levels": "0"}),
        112: (ring(50), {}),
        113: (ring(60), {"building": "yes", "office": "company", "name": "Works"}),
        114: (ring(70), {"building": "house"}),
        115: (ring(90), {"building": "tower"}),
        120: ([8, 9, 10], {"boundary": "administrative"}),
        130: ([14, 13, 12], {"natural": "coastline"}),
    }
    relations: Relations = {
        200: ([("w", 111, "outer"), ("w", 112, "inner")], {"type": "multipolygon"}),
        201: (
            [("w", 120, "outer"), ("w", 121, "outer")],
            {
                "type": "boundary",
                "boundary": "administrative",
                "admin_level": "10",
                "name": "Corner",
                "name:fi": "Kulma",
            },
        ),
        202: (
            [("n", 21, "platform"), ("n", 99, "platform"), ("n", 23, "platform"), ("w", 100, ""), ("w", 999, "")],
            {"type": "route", "route": "tram", "ref": "7", "name": "Tram 7"},
        ),
    }
    return write_osm(tmp_path_factory.mktemp("town") / "town.osm.pbf", nodes, ways, relations)
