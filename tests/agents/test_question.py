"""Plain-English questions: every part understood, or asked back; nothing dropped, nothing guessed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.agents.question import Clarify, Refused, Understood, parse_question
from synapolis.layers.city import City, Layer
from synapolis.layers.grid import Grid

CRS, X, Y = "EPSG:3067", 385_000.0, 6_671_000.0


def box(west, south, east, north):
    return shapely.box(X + west, Y + south, X + east, Y + north)


def line(*points):
    return shapely.LineString([(X + x, Y + y) for x, y in points])


PLACES = [
    ("Kamppi", "Kampen", "district", box(-100, 0, 400, 400), True),
    ("Kluuvi", "Gloet", "district", box(400, 0, 800, 400), False),
    ("Töölönlahden puisto", "Tölöviksparken", "park", box(0, 600, 300, 900), False),
    ("Senaatintori", "Senatstorget", "square", box(700, 500, 800, 600), False),
    ("Hakaniemi", "Hagnäs", "place", shapely.Point(X + 500, Y + 800), False),
    ("Praça Júlio de Castilhos", "", "square", box(850, 850, 950, 950), False),
    ("Bread and Roses", "", "park", box(450, 450, 550, 550), False),
    ("House in the Wood", "", "building", box(900, 0, 950, 50), False),
    ("Mannerheimintie", "", "stop", shapely.Point(X + 200, Y + 500), False),
]
STREETS = [
    ("Mannerheimintie", line((200, 0), (200, 300))),
    ("Mannerheimintie", line((200, 500), (200, 300))),
    ("Mannerheimintie", line((200, 520), (200, 900))),
    ("Bulevardi", line((0, 200), (500, 200))),
    ("Kalevankatu", line((0, 300), (500, 300))),
    ("Rua 24 de Outubro", line((500, 600), (900, 600))),
]
LINES = [
    ("7", "tram"),
    ("7", "tram"),
    ("9", "tram"),
    ("7B", "tram"),
    ("M1", "subway"),
    ("21", "bus"),
    ("3", "bus"),
    ("3", "tram"),
]


@pytest.fixture(scope="module")
def town() -> City:
    places = gpd.GeoDataFrame(
        PLACES,
        columns=["name", "other_names", "kind", "geometry", "closed"],
        index=[f"osm:relation/{n}" for n in range(len(PLACES))],
        crs=CRS,
    )
    n = len(STREETS)
    streets = gpd.GeoDataFrame(
        {
            "name": [name for name, _ in STREETS],
            "from_junction": [f"a{i}" for i in range(n)],
            "to_junction": [f"b{i}" for i in range(n)],
            "road_class": ["residential"] * n,
            "lanes": [2.0] * n,
            "max_speed": [10.0] * n,
            "one_way": [False] * n,
            "drive": [True] * n,
            "walk": [True] * n,
            "bridge": [False] * n,
            "geometry": [shape for _, shape in STREETS],
        },
        index=[f"osm:way/{i}" for i in range(n)],
        crs=CRS,
    )
    lines = gpd.GeoDataFrame(
        {
            "route_name": [number for number, _ in LINES],
            "mode": [mode for _, mode in LINES],
            "name": [""] * len(LINES),
            "geometry": [STREETS[0][1]] * len(LINES),
        },
        index=[f"line{i}" for i in range(len(LINES))],
        crs=CRS,
    )
    buildings = gpd.GeoDataFrame(
        {
            "use": ["residential"],
            "levels": [3.0],
            "height": [9.0],
            "homes": [np.nan],
            "start_year": [np.nan],
            "name": [""],
            "edit": [""],
            "geometry": [box(20, 20, 40, 40)],
        },
        index=["osm:way/100"],
        crs=CRS,
    )
    tables = {"places": places, "streets": streets, "transit_lines": lines, "buildings": buildings}
    return City(
        name="helsinki",
        title="Helsinki centre",
        crs=CRS,
        timezone="Europe/Helsinki",
        reference_year=2019,
        extent=box(0, 0, 1000, 1000),
        grid=Grid(X, Y + 1000, 10.0, 100, 100),
        layers={name: Layer(name, value, "made up", "CC0-1.0", "assumed") for name, value in tables.items()},
    )


def homes(number, place=None, street=None):
    return {"kind": "add_homes", "homes": number, "area": {"place": place} if place else {"street": street}}


def cover(what, place=None, street=None):
    return {"kind": "change_cover", "cover": what, "area": {"place": place} if place else {"street": street}}


def headway(route, minutes):
    return {"kind": "change_headway", "route": route, "headway_minutes": minutes}


UNDERSTOOD = [
    ("What happens to stormwater if we add 5,000 units in Kamppi?", "stormwater", [homes(5000, "Kamppi")]),
    ("How will access to jobs change if tram 7 runs every 5 minutes?", "access", [headway("7", 5)]),
    (
        "How will access to jobs change if we add a tram line along Mannerheimintie?",
        "access",
        [{"kind": "add_line", "mode": "tram", "street": "Mannerheimintie"}],
    ),
    (
        "What happens to traffic if we close Bulevardi to cars?",
        "traffic",
        [{"kind": "close_street", "street": "Bulevardi"}],
    ),
    (
        "What would closing Bulevardi and Kalevankatu to cars do to traffic?",
        "traffic",
        [{"kind": "close_street", "street": "Bulevardi"}, {"kind": "close_street", "street": "Kalevankatu"}],
    ),
    ("In Kamppi, what happens to runoff if we add 500 apartments?", "stormwater", [homes(500, "Kamppi")]),
    ("What happens to stormwater in Kamppi if we add 5 000 homes?", "stormwater", [homes(5000, "Kamppi")]),
    ("add 2.5k homes in toolonlahden puisto", "general", [homes(2500, "Töölönlahden puisto")]),
    ("what happens if we build five thousand homes in kamppi", "general", [homes(5000, "Kamppi")]),
    ("What if 2.5 thousand more dwellings were built in Kampen?", "general", [homes(2500, "Kampen")]),
    ("What does it cost to build 300 homes along Bulevardi?", "cost", [homes(300, street="Bulevardi")]),
    ("What if we add 200 flats in praca julio de castilhos?", "general", [homes(200, "Praça Júlio de Castilhos")]),
    ("What if we add 200 flats in Bread and Roses?", "general", [homes(200, "Bread and Roses")]),
    ("What if we add 200 flats along rua 24 de outubro?", "general", [homes(200, street="Rua 24 de Outubro")]),
    ("What if we add 200 flats at House in the Wood?", "general", [homes(200, "House in the Wood")]),
    (
        "What if we add 500 homes in Bread and Roses and 300 in Kluuvi?",
        "general",
        [homes(500, "Bread and Roses"), homes(300, "Kluuvi")],
    ),
    ("What if we add 500 homes each in Kamppi and Kluuvi?", "general", [homes(500, "Kamppi"), homes(500, "Kluuvi")]),
    ("What if trams 7 and 9 run every 6 minutes?", "general", [headway("7", 6), headway("9", 6)]),
    ("What if tram 7 and bus 21 run every half hour?", "general", [headway("7", 30), headway("21", 30)]),
    ("What if line 7B ran twelve times an hour?", "general", [headway("7B", 5)]),
    ("How would access to jobs change with a 5-minute headway of tram 7?", "access", [headway("7", 5)]),
    ("How many jobs can people reach within 10 minutes if metro M1 runs every 4 min?", "access", [headway("M1", 4)]),
    (
        'What if we add a bus line along Bulevardi every 8 minutes called "Line 12"?',
        "general",
        [{"kind": "add_line", "mode": "bus", "street": "Bulevardi", "headway_minutes": 8, "name": "Line 12"}],
    ),
    (
        "What if we run a tram along Bulevardi with stops every 400 m?",
        "general",
        [{"kind": "add_line", "mode": "tram", "street": "Bulevardi", "stop_spacing": 400}],
    ),
    (
        "What if we take a lane from Mannerheimintie and give two lanes to Bulevardi?",
        "general",
        [
            {"kind": "change_lanes", "street": "Mannerheimintie", "lanes": -1},
            {"kind": "change_lanes", "street": "Bulevardi", "lanes": 2},
        ],
    ),
    (
        "How does traffic change if we remove one lane in each direction from Mannerheimintie?",
        "traffic",
        [{"kind": "change_lanes", "street": "Mannerheimintie", "lanes": -2}],
    ),
    ("Pedestrianise Bulevardi", "general", [{"kind": "close_street", "street": "Bulevardi"}]),
    ("Turn Senaatintori into grass", "general", [cover("grass", "Senaatintori")]),
    (
        "What happens to stormwater if we plant trees in Senaatintori and pave Bulevardi?",
        "stormwater",
        [cover("trees", "Senaatintori"), cover("paved", street="Bulevardi")],
    ),
    ("Permeable paving along Kalevankatu", "general", [cover("permeable_paving", street="Kalevankatu")]),
    (
        "Build a basin of 500 mm in Senaatintori",
        "general",
        [{"kind": "build_storage", "storage": "basin", "depth_mm": 500, "area": {"place": "Senaatintori"}}],
    ),
    (
        "What happens to flooding if we put green roofs on the buildings in Kluuvi?",
        "stormwater",
        [{"kind": "build_storage", "storage": "green_roof", "area": {"place": "Kluuvi"}}],
    ),
]


def matches(edit, wanted):
    for name, value in wanted.items():
        got = getattr(edit, name)
        if isinstance(value, dict):
            matches(got, value)
        else:
            assert got == pytest.approx(value) if isinstance(value, float) else got == value


@pytest.mark.parametrize(("question", "topic", "edits"), UNDERSTOOD, ids=[row[0][:60] for row in UNDERSTOOD])
def test_a_plain_question_is_understood_whole(town, question, topic, edits):
    read = parse_question(question, town)
    assert isinstance(read, Understood), read
    assert read.topic == topic
    assert len(read.scenario.edits) == len(edits)
    for edit, wanted in zip(read.scenario.edits, edits, strict=True):
        matches(edit, wanted)
    assert read.want
    assert read.reading


UNCLEAR = [
    ("What happens to stormwater if we add 5,000 units in Kamppi by 2035 with 20 % social housing?", "2035"),
    ("What happens to stormwater if we add 5,000 units in Kamppi and Atlantis?", "Atlantis"),
    ("What happens to stormwater if we add 5,000 units in Kampi?", "Kamppi"),
    ("What happens to stormwater if we add 5,000 units?", "Where"),
    ("How will access to jobs change if tram 7 runs every 0 minutes?", "0 minutes"),
    ("How will access to jobs change if tram 7 runs twice as often?", "interval"),
    ("How will access to jobs change if tram 77 runs every 5 minutes?", "no transit line"),
    ("How will access to jobs change if bus 7 runs every 5 minutes?", "not a bus"),
    ("What happens if we add -5 homes in Kamppi?", "above 0"),
    ("What happens if we add 0 homes in Kamppi?", "above 0"),
    ("What happens if we add 10^9 homes in Kamppi?", "1,000,000"),
    ("What happens if we add a billion homes in Kamppi?", "1,000,000"),
    ("What happens if we add 5.000 homes in Kamppi?", "5.000"),
    ("What happens if we add 500-800 homes in Kamppi?", "500-800"),
    ("What happens to stormwater if we do not add 500 homes in Kamppi?", "not"),
    ("What happens if we add 500 affordable homes in Kamppi?", "affordable"),
    ("What happens if we add 500 homes north of Kamppi?", "north"),
    ("What happens if we demolish 500 homes in Kamppi?", "demolish"),
    ("What happens if we close Bulevardi to lorries?", "lorries"),
    ("What happens if we close Kamppi to cars?", "not a street"),
    ("What happens if we add a metro line along Bulevardi?", "metro"),
    ("What happens if we plant 500 trees in Kamppi?", "500"),
    ("What happens if we add a tram line along Bulevardi from Kamppi to Kluuvi?", "Kluuvi"),
    ("What happens to stormwater?", "What should change"),
    ("Where should we build homes?", "How many"),
    ("asdf qwer", "asdf"),
    ("", "Ask"),
    ("???", ""),
]


@pytest.mark.parametrize(("question", "says"), UNCLEAR, ids=[row[0][:60] for row in UNCLEAR])
def test_what_is_not_understood_asks_back(town, question, says):
    read = parse_question(question, town)
    assert isinstance(read, Clarify), read
    assert says in read.text
    assert read.options


REFUSED = [
    ("How will air quality change if we add 500 homes in Kamppi?", "air quality"),
    ("What happens to crime if we close Bulevardi to cars?", "crime"),
    ("How will school grades change if we plant trees in Kamppi?", "schools"),
    ("What happens to groundwater if we pave Bulevardi?", "groundwater"),
    ("What happens to rents if we add 500 homes in Kamppi?", "no rents or incomes"),
]


@pytest.mark.parametrize(("question", "says"), REFUSED, ids=[row[0][:60] for row in REFUSED])
def test_what_the_city_cannot_tell_is_refused_with_the_reason(town, question, says):
    read = parse_question(question, town)
    assert isinstance(read, Refused), read
    assert read.reason.startswith("not computable: Helsinki centre has no")
    assert says in read.reason
