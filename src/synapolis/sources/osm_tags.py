"""What OpenStreetMap tags mean here: classes, uses, kinds and the numbers written in them.

Meanings follow the OpenStreetMap wiki's pages on the keys; defaults for lanes are the usual cross-section of a class.
"""

from __future__ import annotations

import re

Tags = dict[str, str]
NAN = float("nan")

LANES_PER_DIRECTION = {
    "motorway": 2,
    "motorway_link": 1,
    "trunk": 2,
    "trunk_link": 1,
    "primary": 1,
    "primary_link": 1,
    "secondary": 1,
    "secondary_link": 1,
    "tertiary": 1,
    "tertiary_link": 1,
    "unclassified": 1,
    "residential": 1,
    "living_street": 1,
    "road": 1,
    "service": 1,
}
"""Classes open to cars, with the lanes per direction taken where none are tagged."""
THROUGH_CLASSES = tuple(name for name in LANES_PER_DIRECTION if name not in {"residential", "living_street", "service"})
"""Classes on which traffic from elsewhere enters a city."""
WALK_CLASSES = frozenset(
    [
        "footway",
        "path",
        "pedestrian",
        "steps",
        "cycleway",
        "corridor",
        "crossing",
        "platform",
        "track",
        "bridleway",
        "trail",
        "elevator",
    ]
)
"""Classes for walkers without cars. `trail` is not in the wiki; Helsinki's extract uses it for stone footpaths."""
NO_WALK_CLASSES = frozenset({"motorway", "motorway_link", "trunk", "trunk_link"})
"""Classes closed to walkers unless tagged otherwise."""

CYCLE_KEYS = ("cycleway", "cycleway:both", "cycleway:left", "cycleway:right")
CYCLE_LANES = frozenset({"lane", "track", "opposite_lane", "opposite_track"})
"""Values that stand for a lane or track of a street; `separate` is drawn as a way of its own."""

_NO = frozenset({"no", "private", "forestry", "agricultural", "emergency", "military"})

_USES = {
    "residential": "apartments residential house detached terrace semidetached_house dormitory bungalow cabin "
    "houseboat farm",
    "office": "office commercial bank government_office",
    "retail": "retail supermarket kiosk shop mall hotel restaurant pavilion guest_house",
    "public": "public school university college kindergarten hospital church cathedral chapel mosque synagogue temple "
    "civic government museum library train_station transportation stadium sports_hall sports_centre theatre "
    "community_centre fire_station religious shrine monastery townhall courthouse clinic arts_centre",
    "industrial": "industrial warehouse factory manufacture depot hangar works",
    "utility": "garage garages shed roof service utility transformer_tower carport hut greenhouse glasshouse parking "
    "toilets container tank silo storage_tank bunker barn stable shelter",
}
BUILDING_USE = {value: use for use, values in _USES.items() for value in values.split()}
NO_BUILDING = frozenset(
    {"no", "entrance", "underpass_entrance", "ship", "demolished", "ruins", "construction", "proposed"}
)

_POINTS = {
    "school": "school university college language_school music_school driving_school",
    "kindergarten": "kindergarten childcare",
    "health": "hospital clinic doctors dentist pharmacy nursing_home",
    "food": "restaurant cafe fast_food pub bar food_court ice_cream biergarten nightclub",
    "office": "bank embassy bureau_de_change coworking_space",
    "culture": "theatre cinema library arts_centre museum gallery community_centre place_of_worship concert_hall "
    "conference_centre exhibition_centre events_venue",
    "public": "townhall courthouse police fire_station post_office social_facility public_building prison customs",
    "other": "fuel marketplace car_rental veterinary gym fitness_centre sports_centre hotel hostel guest_house",
}
POINT_KIND = {value: kind for kind, values in _POINTS.items() for value in values.split()}

LAND_NATURAL = frozenset(
    [
        "wood",
        "scrub",
        "grassland",
        "heath",
        "sand",
        "beach",
        "bare_rock",
        "scree",
        "shingle",
        "wetland",
        "fell",
        "moor",
        "shrubbery",
        "mud",
    ]
)
LAND_AMENITY = frozenset(
    [
        "parking",
        "school",
        "university",
        "college",
        "kindergarten",
        "hospital",
        "grave_yard",
        "marketplace",
        "bicycle_parking",
        "fuel",
    ]
)
LAND_LEISURE = frozenset(
    [
        "park",
        "garden",
        "playground",
        "pitch",
        "golf_course",
        "nature_reserve",
        "common",
        "recreation_ground",
        "dog_park",
        "sports_centre",
        "stadium",
        "marina",
        "miniature_golf",
        "track",
    ]
)
WATER_LANDUSE = frozenset({"basin", "pond", "reservoir"})
RAIL_KINDS = frozenset({"rail", "tram", "light_rail", "subway", "narrow_gauge", "monorail", "funicular"})
ROUTE_MODE = {
    "tram": "tram",
    "light_rail": "tram",
    "bus": "bus",
    "trolleybus": "bus",
    "train": "rail",
    "railway": "",
    "subway": "subway",
    "ferry": "ferry",
}
DISTRICT_NODES = frozenset({"suburb", "quarter", "neighbourhood", "borough", "city_district", "district"})
OTHER_PLACE_NODES = frozenset({"town", "village", "hamlet", "locality", "island", "islet"})


def number(text: str | None) -> float:
    """Read a number out of a tag; NaN where there is none (`3;4` gives the larger, `~5` and `5?` give 5)."""
    if not text:
        return NAN
    found = [float(part) for part in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", text.replace(",", "."))]
    return max(found) if found else NAN


def metres(text: str | None) -> float:
    """Read a length: `12`, `12.5 m`, `40 ft`, `40'`, `6'4"`; NaN where it is none."""
    if not text:
        return NAN
    feet = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:'|ft)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|in))?\s*", text)
    if feet:
        return (float(feet[1]) + float(feet[2] or 0) / 12) * 0.3048
    plain = re.fullmatch(r"\s*~?(-?\d+(?:[.,]\d+)?)\s*(?:m|metres?|meters?)?\??\s*", text)
    return float(plain[1].replace(",", ".")) if plain else NAN


def positive(value: float) -> float:
    """Return the value, or NaN unless it is above 0: a missing height is never 0."""
    return value if value > 0 else NAN


def speed(text: str | None) -> float:
    """Read a speed limit [m/s]: `50` is km/h, `30 mph`, `8 knots`; NaN for words (`none`, `walk`, `FI:urban`)."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?\s*", text or "")
    if not match:
        return NAN
    per_unit = {"mph": 0.44704, "knots": 0.514444}.get(match[2] or "", 1 / 3.6)
    value = float(match[1]) * per_unit
    return value if 0 < value <= 70 else NAN


def year(text: str | None) -> float:
    """Read the first year named in a start_date (`1936`, `1905..1908`, `before 1939`, `1890s`); NaN where none is."""
    match = re.search(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)", text or "")
    return float(match[1]) if match else NAN


def tagged_yes(tags: Tags, key: str) -> bool:
    """Whether a key is present with a value other than no."""
    return tags.get(key, "no") not in {"no", "0", "false"}


def drivable(tags: Tags) -> bool:
    """Whether the public may drive a car there."""
    if tags.get("highway") not in LANES_PER_DIRECTION or tags.get("area") == "yes":
        return False
    for key in ("motorcar", "motor_vehicle", "vehicle", "access"):  # the closest key decides
        if key in tags:
            return tags[key] not in _NO and not (key != "access" and tags[key] in {"bus", "psv", "delivery"})
    return True


def walkable(tags: Tags) -> bool:
    """Whether the public may walk there."""
    kind = tags.get("highway", "")
    if kind not in WALK_CLASSES and kind not in LANES_PER_DIRECTION:
        return False
    if "foot" in tags:
        return tags["foot"] not in _NO | {"use_sidepath"}
    if tags.get("access") in _NO:
        return False
    return kind not in NO_WALK_CLASSES or tags.get("sidewalk", "no") not in {"no", "none"}


def direction(tags: Tags) -> int:
    """Return 1 where cars may only follow the way, -1 only go against it, 0 both ways."""
    oneway = tags.get("oneway", "")
    if oneway in {"-1", "reverse"}:
        return -1
    if oneway in {"yes", "true", "1"}:
        return 1
    implied = tags.get("junction") in {"roundabout", "circular"} or tags.get("highway") == "motorway"
    return int(implied and oneway not in {"no", "false", "0"})


def lanes(tags: Tags, *, one_way: bool) -> tuple[float, bool]:
    """Lanes of a street open to cars, both directions together, and whether they are tagged."""
    tagged = positive(number(tags.get("lanes")))
    if 0 < tagged <= 24:
        return tagged, True
    per_direction = LANES_PER_DIRECTION[tags["highway"]]
    return float(per_direction if one_way else 2 * per_direction), False


def off_ground(tags: Tags) -> bool:
    """On a bridge, in a tunnel or on another storey; a passage through a building is at ground level."""
    if tagged_yes(tags, "bridge"):
        return True
    if tags.get("tunnel") == "building_passage":
        return False
    return tagged_yes(tags, "tunnel") or tags.get("layer", "0") not in {"0", ""} or tags.get("indoor") == "yes"


def building_use(tags: Tags) -> str:
    """Normalise a building's use: residential, office, retail, public, industrial, utility or unknown."""
    for key in ("building", "building:use", "amenity", "tourism"):
        use = BUILDING_USE.get(tags.get(key, ""))
        if use:
            return use
    if "shop" in tags:
        return "retail"
    return "office" if "office" in tags else "unknown"


def point_kind(tags: Tags) -> str:
    """Kind of a point of interest; empty where it is none."""
    for key in ("amenity", "healthcare", "tourism", "leisure"):
        kind = POINT_KIND.get(tags.get(key, ""))
        if kind:
            return kind
    if "shop" in tags and tags["shop"] not in {"no", "vacant"}:
        return "shop"
    if "office" in tags and tags["office"] != "no":
        return "public" if tags["office"] == "government" else "office"
    return "health" if "healthcare" in tags else ""


def point_type(tags: Tags) -> str:
    """Value of the tag that makes a point of interest one, such as supermarket, fire_station or library."""
    for key in ("amenity", "healthcare", "tourism", "leisure"):
        if tags.get(key, "") in POINT_KIND:
            return tags[key]
    for key in ("shop", "office"):
        if tags.get(key, "no") not in {"no", "vacant"}:
            return tags[key]
    return tags.get("healthcare", "")


def cycle(tags: Tags) -> str:
    """Return path for a way of its own for bicycles, lane where the street has lanes or tracks for them, else empty."""
    if tags.get("highway") == "cycleway":
        return "path"
    if tags.get("highway") in {"path", "footway", "track", "pedestrian"}:
        return "path" if tags.get("bicycle") == "designated" else ""
    return "lane" if any(tags.get(key) in CYCLE_LANES for key in CYCLE_KEYS) else ""


def land_use(tags: Tags) -> str:
    """Use of an area: the value of landuse, leisure, natural or amenity, `square` or `platform`; empty where none."""
    if tags.get("place") == "square" or ("highway" in tags and tags["highway"] in {"pedestrian", "footway"}):
        return "square"
    if "platform" in {tags.get("railway"), tags.get("public_transport"), tags.get("highway")}:
        return "platform"
    if tags.get("man_made") == "pier":
        return "pier"
    if "highway" in tags:
        return "street"
    for key, allowed in (("leisure", LAND_LEISURE), ("amenity", LAND_AMENITY), ("natural", LAND_NATURAL)):
        if tags.get(key) in allowed:
            return tags[key]
    landuse = tags.get("landuse", "")
    return "" if landuse in WATER_LANDUSE else landuse


def water_kind(tags: Tags) -> str:
    """Return lake or river for an area of water, empty for anything else."""
    if tags.get("waterway") == "riverbank" or tags.get("water") in {"river", "canal", "stream", "ditch"}:
        return "river"
    return "lake" if tags.get("natural") == "water" or tags.get("landuse") in WATER_LANDUSE else ""


def place_kind(tags: Tags) -> str:
    """Kind of a named area: district, square, park, stop, building or place; empty where it is none."""
    if tags.get("place") == "square" or tags.get("highway") == "pedestrian":
        return "square"
    if tags.get("place") in DISTRICT_NODES:
        return "district"
    if tags.get("leisure") in {"park", "garden", "playground", "nature_reserve"}:
        return "park"
    if tags.get("railway") == "station" or tags.get("public_transport") in {"station", "platform"}:
        return "stop"
    if "building" in tags:
        return "building"
    return "place"


def is_stop(tags: Tags) -> bool:
    """Whether a node is a stop or station of public transport."""
    return (
        tags.get("highway") == "bus_stop"
        or tags.get("railway") in {"tram_stop", "station", "halt"}
        or tags.get("public_transport") in {"station", "platform", "stop_position"}
        or tags.get("amenity") in {"bus_station", "ferry_terminal"}
    )


def other_names(tags: Tags) -> str:
    """Names beside `name`, without repeats, separated by `;`."""
    keys = [key for key in sorted(tags) if key.startswith("name:") and re.fullmatch(r"name:[a-z]{2,3}", key)]
    keys += [key for key in ("alt_name", "short_name", "official_name", "loc_name") if key in tags]
    names = [part.strip() for key in keys for part in tags[key].split(";")]
    return ";".join(dict.fromkeys(name for name in names if name and name != tags.get("name")))
