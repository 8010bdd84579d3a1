"""Which phrases make which change: patterns over tags, and what each builds.

A pattern is a regular expression whose letters are the tags of lexicon.py. A phrase with several readings matches any
of them. What no pattern takes is left over, and what is left over asks back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from synapolis.agents.gazetteer import Spot
from synapolis.agents.lexicon import LEXICON, Item, Place

_SINGLE = ("NUM", "AT", "NAME", "ROUTE", "CITY", "UNKNOWN", "SEP", "LABEL")
_SETS = sorted(
    {frozenset(tag for tag, _ in tags) for tags in LEXICON.values()} | {frozenset({t}) for t in _SINGLE}, key=sorted
)
_CHARACTER = {tags: chr(0x4E00 + number) for number, tags in enumerate(_SETS)}
_MACROS = {
    "DURATION": "(?:NUM (?:MINUTES|SECONDS|HOURS)|HALFHOUR|QUARTER)",
    "OFTENNESS": (
        "(?:(?:WITH|PREP)? (?:EVERY (?:DURATION|MINUTES|HOURS)|DURATION HEADWAY|"
        "HEADWAY (?:TO|WITH|PREP)? DURATION|NUM PERHOUR))"
    ),
    "DEPTH": "(?:(?:WITH|HOLD)* NUM (?:MM|CM|METRES) DEEP? PREP?)",
    "LANE_COUNT": "(?:MORE? NUM? MORE? (?:LANE|LANES))",
    "SITING": (
        "(?:(?:WH|FIND|BEST|ADD|TO|PREP)* (?:WHERE (?:AUX? BEST? PLACEWORD)?|"
        "PLACEWORD (?=.{0,3}(?:BEST|PREP|TO|ADD|GO))) BEST?)"
    ),
    "COUNT": "(?:ABOUT? NUM)",
    "VERB": "(?:ADD|INSTALL|OPEN|GET|RUN|PLANT)",
}
DAY_MINUTES = 1440.0
MOST_FARE = 10.0  # times today's
EARLY, NOON = 5, 12  # a line that runs until 5 or earlier runs past midnight


class _Tags(dict[str, str]):
    def __missing__(self, tag: str) -> str:
        letters = "".join(letter for tags, letter in _CHARACTER.items() if tag in tags)
        if not letters:
            raise KeyError(tag)
        return f"[{letters}]"


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of tags to a regular expression over `spell`ed phrases."""
    for _ in range(3):
        for name, meaning in _MACROS.items():
            pattern = re.sub(rf"\b{name}\b", meaning.replace("\\", r"\\"), pattern)
    tags = _Tags()
    pattern = re.sub(r"(?<![<?])\b[A-Z_]{2,}\b", lambda match: tags[match.group()], pattern)
    return re.compile(pattern.replace(" ", ""))


def spell(phrases: list[list[Item]]) -> str:
    """Spell phrases as one letter each, so that patterns can be matched."""
    return "".join(_CHARACTER[frozenset(item.tag for item in readings)] for readings in phrases)


@dataclass(frozen=True)
class Change:
    """One change as read: the kind of edit, its fields, and where (none, one or several spots)."""

    kind: str
    fields: dict[str, Any]
    spots: tuple[Spot, ...] = ()
    needs_place: bool = False
    each: bool = False
    whole_city: bool = False


@dataclass(frozen=True)
class Trouble:
    """Something that cannot be taken as said, in words for the asker, with ways to say it."""

    fragment: str
    message: str
    options: tuple[str, ...] = ()


@dataclass
class Part:
    """The phrases a pattern took."""

    match: re.Match[str]
    phrases: list[list[Item]]

    def has(self, group: str) -> bool:
        """Whether a named group of the pattern was there."""
        return group in self.match.re.groupindex and self.match.group(group) is not None

    def all(self, tag: str) -> list[Any]:
        """Values of every phrase with a reading of this tag."""
        span = self.phrases[self.match.start() : self.match.end()]
        return [item.value for readings in span for item in readings if item.tag == tag]

    def count(self, tag: str) -> int:
        """How many phrases have a reading of this tag."""
        return len(self.all(tag))

    def tags(self) -> set[str]:
        """All tags in the span."""
        span = self.phrases[self.match.start() : self.match.end()]
        return {item.tag for readings in span for item in readings}

    def group(self, name: str, tag: str) -> list[Any]:
        """Values of one tag inside a named group."""
        if not self.has(name):
            return []
        span = self.phrases[self.match.start(name) : self.match.end(name)]
        return [item.value for readings in span for item in readings if item.tag == tag]


Built = list[Change | Trouble]
Builder = Callable[[Part], Built]


@dataclass(frozen=True)
class Pattern:
    """A pattern of tags with what it builds."""

    expression: re.Pattern[str]
    build: Builder = field(compare=False)


def _whole(value: float) -> bool:
    return float(value).is_integer()


def number_text(value: float) -> str:
    """Write a number for people: 5,000; 2.5."""
    return f"{int(value):,}" if _whole(value) and abs(value) < 1e15 else f"{value:,.12g}"


def places_of(values: Iterable[Place]) -> tuple[Spot, ...]:
    """Return all spots of several places."""
    return tuple(spot for place in values for spot in place.spots)


def _homes(part: Part) -> Built:
    counts = [float(value) for value in part.all("NUM")]
    places: list[Place] = part.all("AT") + part.all("NAME")
    wrong = _wrong_prepositions(places, {"in", "along", "to", "for", ""})
    if wrong:
        return wrong
    if len(counts) > 1 and len(counts) != len(places):
        said = " and ".join(map(number_text, counts))
        return [Trouble(said, f"I read {said} homes for {len(places)} places; say for each place how many.")]
    if len(counts) > 1:
        return [
            built
            for count, place in zip(counts, places, strict=True)
            for built in _homes_at(count, place.spots, each=False)
        ]
    return _homes_at(counts[0], places_of(places), each="EACH" in part.tags())


def _homes_at(count: float, spots: tuple[Spot, ...], *, each: bool) -> Built:
    said = f"{number_text(count)} homes"
    if count <= 0:
        return [
            Trouble(
                said,
                f"The number of homes must be above 0; I read {number_text(count)}. Taking homes away is not modelled.",
            )
        ]
    if not _whole(count):
        return [Trouble(said, f"The number of homes must be whole; I read {number_text(count)}.")]
    if count > 1_000_000:
        return [Trouble(said, f"{number_text(count)} homes is more than a city holds; I take at most 1,000,000.")]
    return [Change("add_homes", {"homes": int(count)}, spots, needs_place=True, each=each)]


def _wrong_prepositions(places: list[Place], allowed: set[str]) -> Built:
    said = [
        f"{place.preposition} {' and '.join(spot.name for spot in place.spots)}"
        for place in places
        if place.preposition not in allowed
    ]
    return [Trouble(part, f"I do not know what “{part}” means here.") for part in said]


def _headway(part: Part) -> Built:
    minutes = _minutes(part)
    if isinstance(minutes, Trouble):
        return [minutes]
    return [
        Change("change_headway", {"mode": mode, "route": route, "headway_minutes": minutes})
        for routes in part.all("ROUTE")
        for mode, route in routes
    ]


def _minutes(part: Part) -> float | Trouble:
    """Interval that a part of the question says [minutes]."""
    tags = part.tags()
    number = float(part.group("often", "NUM")[0]) if part.group("often", "NUM") else 1.0
    often = part.phrases[part.match.start("often") : part.match.end("often")]
    tags = {item.tag for readings in often for item in readings}
    if "PERHOUR" in tags:
        value = 60 / number if number > 0 else 0.0
    elif "HALFHOUR" in tags:
        value = 30.0
    elif "QUARTER" in tags:
        value = 15.0
    else:
        value = number * (60.0 if "HOURS" in tags else 1 / 60 if "SECONDS" in tags else 1.0)
    if not 0 < value <= DAY_MINUTES:
        said = f"every {number_text(value)} minutes"
        return Trouble(
            said, f"A line can run every 1 to 1,440 minutes; I read {number_text(value)} minutes.", ("every 5 minutes",)
        )
    return value


def _vague_headway(part: Part) -> Built:
    names = ", ".join(f"line {route}" for routes in part.all("ROUTE") for _, route in routes) or "the line"
    return [
        Trouble(
            "as often",
            f"How often should {names} run? I need the interval in minutes: today's is not always known.",
            (f"{names} runs every 5 minutes",),
        )
    ]


def _line(part: Part) -> Built:
    mode, spots = (part.all("LINE") + part.all("VEHICLE"))[0], places_of(part.all("AT"))
    troubles = _line_troubles(part, mode, spots)
    if troubles:
        return troubles
    fields: dict[str, Any] = {"mode": mode, "street": spots[0].name}
    if part.has("often"):
        minutes = _minutes(part)
        if isinstance(minutes, Trouble):
            return [minutes]
        fields["headway_minutes"] = minutes
    if part.has("spacing"):
        spacing = float(part.group("spacing", "NUM")[0]) * (1000 if "KM" in part.tags() else 1)
        if not 100 <= spacing <= 5_000:
            return [Trouble(f"stops every {spacing:g} m", f"Stops can be 100 to 5,000 m apart; I read {spacing:g} m.")]
        fields["stop_spacing"] = spacing
    if part.has("called"):
        fields["name"] = part.group("called", "LABEL")[0][:40] or "new line"
    return [Change("add_line", fields)]


def _line_troubles(part: Part, mode: str, spots: tuple[Spot, ...]) -> Built:  # noqa: PLR0911 - a list of checks
    if mode == "metro":
        return [Trouble("metro", "Only tram and bus lines can be added; a metro, train or ferry line is not modelled.")]
    if not mode:
        return [Trouble("line", "Is the new line a tram or a bus?", ("a tram line", "a bus line"))]
    wrong = _wrong_prepositions(part.all("AT"), {"along", "in"})
    if wrong:
        return wrong
    every = f"{mode} 1 runs every 5 minutes"
    made = bool(part.match["made"] or part.match["making"])
    if spots and not made and (part.match["run"] or part.all("VEHICLE")):
        options = (f"add a {mode} line along {spots[0].name}", every)
        return [Trouble(f"{mode} along {spots[0].name}", "Is this a new line, or one that runs today?", options)]
    if not spots and part.has("often"):
        return [Trouble(f"{mode} line", f"Which {mode} line should run so often? Name it.", (every,))]
    if len(spots) != 1 or not (spots[0].street or spots[0].also_street):
        named = " and ".join(spot.name for spot in spots) or "no street"
        return [Trouble(named, f"A new line runs along one street; I read {named}. Name one street.")]
    numbers = len(part.group("often", "NUM")) + len(part.group("spacing", "NUM"))
    if len(part.all("NUM")) > numbers or len(part.all("LABEL")) > 1 or part.count("EVERY") > 1:
        return [
            Trouble("said twice", "The interval, the stops or the name of the new line are said twice; say each once.")
        ]
    return []


def _lanes(sign: int) -> Builder:
    def build(part: Part) -> Built:
        lane_words = "LANES" in part.tags()
        counts = part.all("NUM")
        if lane_words and not counts:
            return [Trouble("lanes", "How many lanes?", ("one lane", "two lanes"))]
        count = float(counts[0]) if counts else 1.0
        if not _whole(count) or not 1 <= count <= 6 * (1 if "EACHWAY" in part.tags() else 2):
            return [
                Trouble(
                    f"{number_text(count)} lanes",
                    f"Lanes are taken or given in whole numbers from 1 to 12; I read {number_text(count)}.",
                )
            ]
        lanes = sign * int(count) * (2 if "EACHWAY" in part.tags() else 1)
        wrong = _wrong_prepositions(
            part.all("AT"), {"from", "in", "along", ""} if sign < 0 else {"to", "in", "along", "for", ""}
        )
        return wrong or _on_streets("change_lanes", {"lanes": lanes}, places_of(part.all("AT") + part.all("NAME")))

    return build


def _on_streets(kind: str, fields: dict[str, Any], spots: tuple[Spot, ...]) -> Built:
    for spot in spots:
        if not spot.street and not spot.also_street:
            return [Trouble(spot.name, f"{spot.name} is a {spot.kind}, not a street. Name one or more streets.")]
    if not spots:
        return [Trouble("which street", "Which street? Name one of the city's streets.")]
    return [Change(kind, {**fields, "street": spot.name}) for spot in spots]


def _close(part: Part) -> Built:
    wrong = _wrong_prepositions(part.all("AT"), {"from", "in", "along", ""})
    spots = places_of(part.all("NAME") + part.all("AT"))
    if spots and not wrong and all(spot.kind == "stop" and not spot.also_street for spot in spots):
        return [Change("close_stop", {"stop": spot.name}) for spot in spots]
    return wrong or _on_streets("close_street", {}, spots)


def _move_stop(part: Part) -> Built:
    stops, to = places_of(part.all("NAME")), places_of(part.all("AT"))
    wrong = _wrong_prepositions(part.all("AT"), {"to", "in"})
    if wrong or len(stops) != 1 or len(to) != 1 or stops[0].kind != "stop":
        named = " and ".join(spot.name for spot in stops) or "nothing"
        return wrong or [Trouble(named, f"One stop can be moved, to one place; I read {named}.")]
    return [Change("move_stop", {"stop": stops[0].name}, to)]


def _bus_lane(part: Part) -> Built:
    wrong = _wrong_prepositions(part.all("AT"), {"to", "in", "along", "for", "on", ""})
    return wrong or _on_streets("bus_lane", {}, places_of(part.all("NAME") + part.all("AT")))


def _fares(part: Part) -> Built:
    tags, numbers = part.tags(), [float(value) for value in part.all("NUM")]
    if "FREE" in tags:
        factor = 0.0
    elif "PERCENT" in tags and numbers:
        factor = 1 + numbers[0] / 100 * (1 if "RISE" in tags else -1)
    else:
        factor = 0.5 if "HALVE" in tags else 2.0
    if not 0 <= factor <= MOST_FARE:
        return [Trouble("fares", f"Fares can be 0 to {MOST_FARE:g} times today's; I read {factor:g} times.")]
    return [Change("change_fares", {"factor": round(factor, 6)})]


def _until(part: Part) -> Built:
    tags, numbers = part.tags(), [float(value) for value in part.group("hour", "NUM")]
    hour = 24.0 if "MIDNIGHT" in tags or not numbers else numbers[0]
    hour += 24 if hour <= EARLY else 12 if "PM" in tags and hour < NOON else 0
    if not 0 < hour <= 2 * 24:
        return [Trouble(f"until {hour:g}", f"A line can run until an hour from 0 to 48; I read {hour:g}.")]
    return [
        Change("extend_service", {"mode": mode or None, "route": route, "last_hour": hour})
        for routes in part.all("ROUTE")
        for mode, route in routes
    ]


def _cover(part: Part) -> Built:
    covers = part.all("COVER") or ["paved"]
    spots = places_of(part.all("NAME") + part.all("AT"))
    if not covers[-1]:
        return [Trouble("green", "What should grow there: grass or trees?", ("into grass", "into trees"))]
    wrong = _wrong_prepositions(part.all("AT"), {"in", "along", "to", ""})
    if covers[-1] == "trees" and "TURN" not in part.tags() and spots and all(spot.street for spot in spots):
        return wrong or [Change("plant_trees", {}, (spot,), needs_place=True) for spot in spots]
    return (
        wrong
        or [Change("change_cover", {"cover": covers[-1]}, (spot,), needs_place=True) for spot in spots]
        or [Change("change_cover", {"cover": covers[-1]}, needs_place=True)]
    )


def _storage(part: Part) -> Built:
    fields: dict[str, Any] = {"storage": part.all("STORAGE")[0]}
    numbers = part.all("NUM")
    if len(numbers) > 1:
        return [Trouble(" and ".join(map(number_text, numbers)), "One depth of storage is needed; I read several.")]
    if numbers:
        depth = float(numbers[0]) * (1 if "MM" in part.tags() else 10 if "CM" in part.tags() else 1000)
        if not 0 < depth <= 5_000:
            return [
                Trouble(f"{number_text(depth)} mm", f"Storage is 1 to 5,000 mm deep; I read {number_text(depth)} mm.")
            ]
        fields["depth_mm"] = depth
    wrong = _wrong_prepositions(part.all("AT"), {"in", "along", "to", "for", ""})
    spots = places_of(part.all("AT"))
    return (
        wrong
        or [Change("build_storage", fields, (spot,), needs_place=True) for spot in spots]
        or [Change("build_storage", fields, needs_place=True)]
    )


_HOMES = "VERB* MORE? DEV? COUNT MORE? (?:HOMES|HOUSING) DEV? MORE? ADD* AT* ADD? AT* EACH?"
_EXTRAS = "(?:SEP? (?:(?P<often>OFTENNESS)|(?P<spacing>STOPS NUM (?:METRES|KM))|(?P<called>CALLED LABEL)|AT))"
CHANGES: tuple[Pattern, ...] = tuple(
    Pattern(compiled(expression), build)
    for expression, build in (
        (
            f"{_HOMES}(?:SEP+ ADD? COUNT MORE? HOMES? ADD? AT)*",
            _homes,
        ),
        ("(?:NAME|AT) GET MORE? COUNT MORE? (?:HOMES|HOUSING)", _homes),
        ("(?:RUN|SET|MAKE)? ROUTE (?:SEP? RUN)* TO? RUN* (?P<often>OFTENNESS)", _headway),
        ("SET? HEADWAY ROUTE (?:TO|WITH|PREP)? (?P<often>DURATION)", _headway),
        ("(?P<often>OFTENNESS) ROUTE RUN?", _headway),
        ("(?:RUN|SET|MAKE)? ROUTE RUN* OFTEN ROUTE?", _vague_headway),
        (f"(?P<made>VERB* MORE?) (?:LINE|VEHICLE) (?P<run>RUN*) (?P<making>ADD?) {_EXTRAS}+", _line),
        ("TAKE AWAY? LANE_COUNT AWAY? EACHWAY? AT EACHWAY?", _lanes(-1)),
        ("(?:NAME|AT) TAKE LANE_COUNT EACHWAY?", _lanes(-1)),
        ("NARROW NAME WITH LANE_COUNT EACHWAY?", _lanes(-1)),
        ("(?:GIVE|ADD|INSTALL) LANE_COUNT EACHWAY? ADD? AT EACHWAY?", _lanes(1)),
        ("GIVE NAME LANE_COUNT EACHWAY?", _lanes(1)),
        ("(?:NAME|AT) GET LANE_COUNT EACHWAY?", _lanes(1)),
        ("WIDEN NAME WITH LANE_COUNT EACHWAY?", _lanes(1)),
        ("(?:RUN|SET|MAKE)? ROUTE (?:SEP? RUN)* UNTIL (?P<hour>MIDNIGHT|NUM (?:AM|PM)?)", _until),
        ("MOVE NAME AT", _move_stop),
        ("(?:NAME|AT) GET BUSLANE|GIVE NAME BUSLANE|(?:VERB|MAKE)* BUSLANE ADD? AT", _bus_lane),
        ("FARES (?:FALL|RISE) BY? NUM PERCENT|(?:FALL|RISE) FARES BY? NUM PERCENT", _fares),
        ("FARES FALL? BY? (?:HALVE|DOUBLE|FREE)|(?:HALVE|DOUBLE|FALL) FARES HALVE?", _fares),
        ("FREE TRANSIT|TRANSIT FREE|MAKE TRANSIT FREE", _fares),
        ("CLOSE (?:NAME|AT) TOCARS?", _close),
        ("CLOSE TOCARS NAME", _close),
        ("(?:NAME|AT) CLOSE TOCARS?", _close),
        ("PEDESTRIANISE NAME|NAME PEDESTRIANISE|MAKE? NAME CARFREE|BAN CARS AT|CARS BAN AT", _close),
        ("(?:VERB|PLANT) MORE? COVER (?:ADD|PLANT)? AT?|COVER (?:ADD|PLANT|INSTALL)? AT|AT COVER PLANT", _cover),
        ("TURN (?:NAME|AT) (?:INTO|TO|WITH|PREP) COVER|NAME TURN (?:INTO|TO|PREP) COVER", _cover),
        ("REPLACE NAME WITH COVER|MAKE NAME COVER|NAME BECOME COVER", _cover),
        ("PAVE (?:NAME|AT) (?:WITH COVER)?|NAME PAVE|VERB PAVE AT", _cover),
        ("(?:VERB|MAKE)* MORE? DEPTH? STORAGE DEPTH? ADD? ROOFS? AT? DEPTH?", _storage),
    )
)
