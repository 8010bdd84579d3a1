"""Plain-English questions, offline: what is asked becomes a scenario and the quantities wanted, or asks back.

Every word of a question must be taken by a phrase that is understood; a number, a place, a unit or a change that is
left over makes the answer `Clarify`, and nothing is run. Nothing is guessed: a near miss names the closest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyproj
import shapely

from synapolis.agents.gazetteer import Gazetteer, Spot, Token, tokenise
from synapolis.agents.grammar import CHANGES, Change, Part, Trouble, compiled, number_text, places_of, spell
from synapolis.agents.lexicon import Item, Place, lex
from synapolis.agents.subjects import BY_NAME, GENERAL, THRESHOLDS, Unmodelled, lacking, thresholds_of
from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.areas import find_area
from synapolis.scenarios.edits import Area, Scenario
from synapolis.scenarios.names import closest_names, closest_routes, find_route, known_names, route_modes

LONGEST = 1_000  # characters; a what-if question is a sentence or two
WEIGHT = 3.0  # how much more an aim counts that the asker puts first
AIMS: Mapping[str, tuple[str, ...]] = {
    "stormwater": ("runoff_volume",),
    "access": ("mean_jobs_within_10_min", "mean_jobs_within_15_min", "mean_jobs_within_30_min"),
    "traffic": ("vehicle_kilometres",),
    "cost": ("total_capital_cost",),
    "affordability": ("lowest_group_rent_burden",),
}
"""What siting weighs, by topic; the words are those of scenarios/siting.py."""


@dataclass(frozen=True)
class SitingRequest:
    """Where should homes go: how many, the weight of aims (word → weight; those not named count 1), and within which area."""

    homes: int
    weights: Mapping[str, float] = field(default_factory=dict)
    area: Area | None = None


@dataclass(frozen=True)
class Understood:
    """A question taken whole: what to change, what to compute, and how it was read."""

    question: str
    topic: str
    scenario: Scenario
    want: tuple[str, ...]
    thresholds: tuple[int, ...]
    siting: SitingRequest | None
    reading: str
    topics: tuple[str, ...] = ()
    not_computable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Clarify:
    """A question that holds something not understood: what, how the rest was read, and how it could be asked."""

    question: str
    text: str
    unclear: tuple[str, ...]
    reading: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A question that this city's data and models cannot answer, with the reason."""

    question: str
    reason: str
    options: tuple[str, ...] = ()


@dataclass
class _Read:
    """What was read so far."""

    topics: list[str] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    unmodelled: list[Unmodelled] = field(default_factory=list)
    siting: list[tuple[float | None, tuple[Spot, ...]]] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    stray: list[tuple[Place, Item]] = field(default_factory=list)
    whole_city: bool = False
    leftover: list[Item] = field(default_factory=list)


_LIMIT_TAGS = "WITHIN NUM (?:SEP+ NUM)* MINUTES LONG?"
_FRAME = compiled(
    f"(?P<before>(?:TO|PREP|WITH|DIR|RISK)*) TOPIC (?:(?:SEP|PREP|TO|RISK)* TOPIC)* (?P<limit>{_LIMIT_TAGS})? LONG? DIR*"
)
_LIMIT = compiled(_LIMIT_TAGS)
_SITING = compiled(
    "SITING (?:TO|PREP|ADD|IF)* (?P<homes>COUNT MORE? (?:HOMES|HOUSING) DEV?|MORE? HOUSING)"
    "(?:GO|ADD)* AT? (?:GO|ADD)* AT?"
)
_AIMS = (
    compiled("SEP* (?:WITH|SEP)* (?P<few>LEAST) (?P<topic>TOPIC (?:SEP+ TOPIC)*)"),
    compiled("SEP* (?P<many>GREATEST) (?P<topic>TOPIC (?:SEP+ TOPIC)*)"),
    compiled("SEP* (?P<first>FIRST) (?P<topic>TOPIC (?:SEP+ TOPIC)*)"),
    compiled("SEP* IF (?P<topic>TOPIC) (?P<first>MOST)"),
    compiled("SEP* (?:WEIGHT) (?P<pairs>TOPIC NUM (?:SEP+ TOPIC NUM)*)"),
    compiled("SEP* MOST? CHEAPEST"),
)
_IDLE = frozenset({"FILLER", "SEP", "IF", "WH", "AUX", "CITY"})


def parse_question(
    text: str, city: City, *, computable: Callable[[str], str | None] | None = None
) -> Understood | Clarify | Refused:
    """Read a plain-English question about a city; never raises, whatever the text.

    Parameters
    ----------
    text : str
    city : City
        Its names of places, streets and lines are the ones that are understood.
    computable : callable, optional
        Quantity's word → None where it can be had from this city, else the reason why not. Without it the city's
        layers alone are looked at.

    Returns
    -------
    Understood, Clarify or Refused
        Clarify wherever a part of the question was not understood: nothing may be run then.
    """
    question = " ".join(text.split())
    if not question:
        return _clarify(question, city, [Trouble("", "Ask what would happen if something changed.")])
    if len(question) > LONGEST:
        return _clarify(
            question[:80] + "…",
            city,
            [Trouble("", f"The question is longer than {LONGEST} characters; ask it in a sentence or two.")],
        )
    tokens = tokenise(question)
    if not tokens:
        return _clarify(question, city, [Trouble(question, "There are no words in the question.")])
    read = _scan(tokens, Gazetteer(city), city)
    return _outcome(question, tokens, read, city, computable or (lambda word: lacking(word, city)))


def _scan(tokens: list[Token], gazetteer: Gazetteer, city: City) -> _Read:
    phrases = [readings for readings in lex(tokens, gazetteer) if {item.tag for item in readings} != {"FILLER"}]
    letters, read, at, asking = spell(phrases), _Read(), 0, True
    while at < len(phrases):
        tags = {item.tag for item in phrases[at]}
        if "WH" in tags or ("AUX" in tags and at and _is(phrases[at - 1], "SEP")):
            asking = True
        taken = _take(letters, at, phrases, read, asking=asking)
        if taken:
            at += taken
            continue
        asking = asking and not (tags & {"IF"})
        after = {item.tag for item in phrases[at + 1]} if at + 1 < len(phrases) else {"SEP"}
        idle = bool(after & {"SEP", "IF", "WH", "AUX", "TO"}) or (at > 0 and "TOPIC" in after)
        _single(phrases[at], read, asking=asking, idle=asking and idle)
        at += 1
    return read


def _is(readings: list[Item], tag: str) -> bool:
    return any(item.tag == tag for item in readings)


def _take(letters: str, at: int, phrases: list[list[Item]], read: _Read, *, asking: bool) -> int:
    """Take the longest pattern that starts here; returns how many phrases it took."""
    best, act = 0, None
    for pattern in CHANGES:
        match = pattern.expression.match(letters, at)
        if match and match.end() - at > best:
            best, act = match.end() - at, _changes(pattern.build, Part(match, phrases), read)
    tries: list[tuple[Any, Any]] = [(_SITING, _site), *((aim, _aim) for aim in _AIMS), (_LIMIT, _limit)]
    tries += [(_FRAME, _frame)] if asking else []
    for expression, do in tries:
        match = expression.match(letters, at)
        fits = match and match.end() - at >= max(best, 1) and (do is not _aim or read.siting)
        if match and fits and not (do is _frame and _is_order(match, at, phrases)):
            best, act = match.end() - at, _bind(do, Part(match, phrases), read)
    if act is not None:
        act()
    return best


def _is_order(match: Any, at: int, phrases: list[list[Item]]) -> bool:
    """Whether a topic is something to bring about (`reduce traffic and …`), not something to ask about."""
    verbs = [number for number in range(at, match.end("before")) if _is(phrases[number], "DIR")]
    return bool(verbs) and (at == 0 or _is(phrases[at - 1], "SEP") or _is(phrases[at - 1], "IF"))


def _changes(build: Callable[[Part], list[Change | Trouble]], part: Part, read: _Read) -> Callable[[], None]:
    def act() -> None:
        for built in build(part):
            (read.changes if isinstance(built, Change) else read.troubles).append(built)  # type: ignore[arg-type]

    return act


def _bind(do: Callable[[Part, _Read], None], part: Part, read: _Read) -> Callable[[], None]:
    return lambda: do(part, read)


def _frame(part: Part, read: _Read) -> None:
    read.topics += [topic for topic in part.all("TOPIC") if topic not in read.topics]
    read.minutes += [float(value) for value in part.group("limit", "NUM")]


def _limit(part: Part, read: _Read) -> None:
    read.minutes += [float(value) for value in part.all("NUM")]


def _site(part: Part, read: _Read) -> None:
    counts = part.group("homes", "NUM")
    read.siting.append((float(counts[0]) if counts else None, places_of(part.all("AT"))))


def _aim(part: Part, read: _Read) -> None:
    if part.has("pairs"):
        for topic, value in zip(part.all("TOPIC"), part.all("NUM"), strict=True):
            read.weights[topic] = float(value)
        return
    topics = part.group("topic", "TOPIC") or ["cost"]
    wrong = (
        {"access", "affordability"}
        if part.has("few")
        else {"stormwater", "traffic", "cost"}
        if part.has("many")
        else set()
    )
    for topic in topics:
        if topic in wrong or topic not in AIMS:
            read.troubles.append(Trouble(topic, f"I cannot weigh that for {topic}; the aims are {', '.join(AIMS)}."))
        read.weights[topic] = WEIGHT


def _single(readings: list[Item], read: _Read, *, asking: bool, idle: bool) -> None:
    """Take a phrase that no pattern took: let it pass if it says nothing, else keep it as left over."""
    item = readings[0]
    if _is(readings, "CITY"):
        read.whole_city = True
    elif _is(readings, "AT"):
        read.stray.append((item.value, item))
    elif _is(readings, "UNMODELLED") and asking:
        read.unmodelled.append(item.value)
    elif (
        not {reading.tag for reading in readings} & _IDLE
        and not (idle and _is(readings, "DIR"))
        and not _is(readings, "TO")
    ):
        read.leftover.append(item)


def _outcome(
    question: str, tokens: list[Token], read: _Read, city: City, computable: Callable[[str], str | None]
) -> Understood | Clarify | Refused:
    if read.unmodelled:
        return _unmodelled(question, read, city)
    changes = _attach(read)
    troubles = [*_leftovers(question, tokens, read, city), *read.troubles]
    unread = bool(read.leftover)
    siting = _siting(read, city, troubles)
    thresholds = _thresholds(read, city, troubles)
    edits = [edit for change in changes for edit in _edits(change, city, troubles, unread=unread)]
    if not edits and siting is None and not troubles:
        troubles.append(
            Trouble(
                "what changes",
                "What should change? Name it after “if”: homes, a street, a line, the ground or storage for rain.",
            )
        )
    if siting is not None and edits:
        troubles.append(
            Trouble("two questions", "This asks where to build and changes something else at once; ask one at a time.")
        )
    reading = _reading(read, changes, siting)
    if troubles:
        plain = [] if siting or len(edits) < len(changes) or not edits else [_said_again(read, changes)]
        return _clarify(question, city, troubles, reading, plain)
    return _understood(question, read, edits, thresholds, siting, reading, city, computable)


def _unmodelled(question: str, read: _Read, city: City) -> Refused:
    reasons = [
        f"not computable: {city.title} has no {item.lacks}. It would need {item.needs}."
        for item in dict.fromkeys(read.unmodelled)
    ]
    rest = tuple(f"Ask about {BY_NAME[name].title}" for name in GENERAL)
    return Refused(question, " ".join(reasons), rest)


def _attach(read: _Read) -> list[Change]:
    """Give a place that stands apart (`In Kamppi, what happens if …`) to the one change that lacks one."""
    changes = list(read.changes)
    lacking_place = [number for number, change in enumerate(changes) if change.needs_place and not change.spots]
    if len(lacking_place) == 1 and len(read.stray) == 1 and read.stray[0][0].preposition in {"in", "along"}:
        number = lacking_place[0]
        changes[number] = replace(changes[number], spots=read.stray[0][0].spots)
        read.stray.clear()
    elif len(read.siting) == 1 and not read.siting[0][1] and len(read.stray) == 1:
        read.siting[0] = (read.siting[0][0], read.stray[0][0].spots)
        read.stray.clear()
    if len(lacking_place) == 1 and read.whole_city and not changes[lacking_place[0]].spots:
        changes[lacking_place[0]] = replace(changes[lacking_place[0]], whole_city=True)
    for place, _ in read.stray:
        names = " and ".join(spot.name for spot in place.spots)
        read.troubles.append(
            Trouble(
                names,
                f"What should happen at {names}? Say it with the change; figures are for the whole city and by place.",
            )
        )
    return changes


def _leftovers(question: str, tokens: list[Token], read: _Read, city: City) -> list[Trouble]:
    """Say what no pattern took: neighbouring phrases together, with the names nearest to the unknown words."""
    groups: list[list[Item]] = []
    for item in read.leftover:
        between = tokens[groups[-1][-1].after : item.first] if groups else []
        if groups and len(between) <= 1 and not any(token.kind == "mark" for token in between):
            groups[-1].append(item)
        else:
            groups.append([item])
    return [_leftover(question, tokens, group, city) for group in groups]


def _leftover(question: str, tokens: list[Token], group: list[Item], city: City) -> Trouble:
    fragment = question[tokens[group[0].first].start : tokens[group[-1].after - 1].end]
    odd = [token.text for item in group for token in tokens[item.first : item.after] if token.kind == "odd"]
    if odd:
        return Trouble(
            odd[0], f"I cannot be sure of the number “{odd[0]}”: write it plainly, for example 5,000 or 2.5."
        )
    near = _near(question, [tokens[item.first] for item in group if item.tag == "UNKNOWN"], city)
    if near is None:
        return Trouble(fragment, f"I did not understand “{fragment}”.")
    said, names = near
    options = tuple(question.replace(said, name) for name in names)
    return Trouble(said, f"I know no “{said}” in {city.title}. Did you mean {' or '.join(names)}?", options)


def _near(question: str, unknown: list[Token], city: City) -> tuple[str, tuple[str, ...]] | None:
    """Longest run of unknown words that is close to a name, with the closest names."""
    for taken in range(min(4, len(unknown)), 0, -1):
        for start in range(len(unknown) - taken + 1):
            said = question[unknown[start].start : unknown[start + taken - 1].end]
            names = closest_names(said, city) if len(said) > 3 else ()
            if names:
                return said, names
    return None


def _siting(read: _Read, city: City, troubles: list[Trouble]) -> SitingRequest | None:
    if not read.siting:
        return None
    count, spots = read.siting[0]
    if len(read.siting) > 1:
        troubles.append(Trouble("where", "This asks twice where to build; ask once."))
    if count is None:
        options = tuple(f"Where should we build {number} homes?" for number in ("500", "2,000"))
        troubles.append(Trouble("how many homes", "How many homes should be built?", options))
        return None
    if not (float(count).is_integer() and 1 <= count <= 1_000_000):
        troubles.append(
            Trouble(
                f"{number_text(count)} homes",
                f"The number of homes must be whole, from 1 to 1,000,000; I read {number_text(count)}.",
            )
        )
        return None
    for topic, weight in read.weights.items():
        if weight < 0 or weight > 100 or topic not in AIMS:
            troubles.append(
                Trouble(f"{topic} {number_text(weight)}", f"A weight is 0 to 100, for one of {', '.join(AIMS)}.")
            )
    weights = {word: weight for topic, weight in read.weights.items() for word in AIMS.get(topic, ())}
    try:
        for spot in spots:
            _check_radius(spot, city)
            find_area(_spot_area(spot), city)
    except ScenarioError as error:
        troubles.append(Trouble(_where(spot), str(error)))
        return None
    return SitingRequest(int(count), weights, _area(spots, city) if spots else None)


def _area(spots: tuple[Spot, ...], city: City) -> Area:
    return _spot_area(spots[0]) if len(spots) == 1 else _union(spots, city)


def _spot_area(spot: Spot) -> Area:
    if spot.radius is not None:
        return Area(place=spot.name, radius=spot.radius)
    return Area(street=spot.name) if spot.street else Area(place=spot.name)


def _union(spots: tuple[Spot, ...], city: City) -> Area:
    shape = shapely.union_all([find_area(_spot_area(spot), city).geometry for spot in spots])
    return _drawn(shape, " and ".join(_where(spot) for spot in spots), city)


def _drawn(shape: Any, name: str, city: City) -> Area:
    to_degrees = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    degrees = shapely.transform(shape, lambda xy: np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])))
    geometry = shapely.geometry.mapping(shapely.set_precision(degrees, 1e-7))
    return Area(geojson={"type": "Feature", "properties": {"name": name}, "geometry": geometry})


def _edits(change: Change, city: City, troubles: list[Trouble], *, unread: bool) -> list[dict[str, Any]]:
    """Edits that carry a change out, as plain fields; what is wrong with it joins the troubles."""
    try:
        if change.kind == "change_headway":
            return _headway(change, city, troubles)
        if not change.needs_place:
            return [{"kind": change.kind, **change.fields}]
        if change.whole_city:
            return [{"kind": change.kind, **change.fields, "area": _drawn(city.extent, city.title, city)}]
        if not change.spots:
            if not unread:  # else the place is likely what was not read
                troubles.append(_no_place(change, city))
            return []
        split = change.each or change.kind != "add_homes"
        for spot in change.spots:
            _check_radius(spot, city)
        areas = [_spot_area(spot) for spot in change.spots] if split else [_area(change.spots, city)]
        for area in areas:
            find_area(area, city)
    except ScenarioError as error:
        troubles.append(Trouble(_change_text(change), str(error)))
        return []
    return [{"kind": change.kind, **change.fields, "area": area} for area in areas]


def _check_radius(spot: Spot, city: City) -> None:
    """Raise ScenarioError where a radius was asked for around something that has an outline of its own."""
    if spot.radius is None:
        return
    if not 0 < spot.radius <= 20_000:
        raise ScenarioError(f"a radius is 1 m to 20 km; I read {spot.radius:g} m.")
    if "only a point" not in find_area(_spot_area(spot), city).description:
        raise ScenarioError(
            f"{spot.name} has an outline in the data, so a distance around it is not modelled; name it alone."
        )


def _headway(change: Change, city: City, troubles: list[Trouble]) -> list[dict[str, Any]]:
    mode, said = change.fields["mode"], change.fields["route"]
    try:
        number = find_route(said, city)
    except ScenarioError as error:
        near = closest_routes(said, city)
        options = tuple(
            f"{mode or 'line'} {other} every {change.fields['headway_minutes']:g} minutes" for other in near
        )
        troubles.append(Trouble(f"{mode or 'line'} {said}", f"I know {error}.", options))
        return []
    modes = route_modes(number, city)
    if mode and modes and mode not in modes:
        troubles.append(
            Trouble(
                f"{mode} {number}",
                f"Line {number} of {city.title} is a {' and a '.join(modes)}, not a {mode}.",
                tuple(f"{other} {number}" for other in modes),
            )
        )
        return []
    if len(modes) > 1:
        troubles.append(
            Trouble(
                f"line {number}",
                f"Line {number} is both a {' and a '.join(modes)} here, and I cannot change one alone yet.",
            )
        )
        return []
    return [{"kind": "change_headway", "route": number, "headway_minutes": change.fields["headway_minutes"]}]


def _no_place(change: Change, city: City) -> Trouble:
    some = [known.name for known in known_names(city) if known.main and known.kind in {"district", "square", "park"}][
        :3
    ]
    options = tuple(f"{_change_text(change)} in {name}" for name in some)
    return Trouble(
        "where", f"Where? Name a place, square or street of {city.title} for: {_change_text(change)}.", options
    )


def _thresholds(read: _Read, city: City, troubles: list[Trouble]) -> tuple[int, ...]:
    """Minutes to count jobs within: as asked, else those that suit the city's size."""
    if not read.minutes:
        return thresholds_of(city)
    if read.topics and not {"access", "schools", "health care"} & set(read.topics):
        troubles.append(
            Trouble(
                f"{read.minutes[0]:g} minutes",
                f"Within {read.minutes[0]:g} minutes of what? Minutes go with access to jobs.",
            )
        )
    allowed: tuple[int, ...] = THRESHOLDS if not {"schools", "health care"} & set(read.topics) else (15,)
    for minutes in read.minutes:
        if minutes not in allowed:
            known = ", ".join(map(str, allowed))
            troubles.append(
                Trouble(
                    f"{minutes:g} minutes",
                    f"I count what is in reach within {known} minutes, not {minutes:g}.",
                    (f"within {allowed[-1]} minutes",),
                )
            )
    return tuple(sorted({int(minutes) for minutes in read.minutes if minutes in allowed}))


def _where(spot: Spot) -> str:
    if spot.radius is not None:
        return f"within {spot.radius:g} m of {spot.name}"
    return f"along {spot.name}" if spot.street else f"in {spot.name}"


_COVER_TEXT = {
    "grass": "grass",
    "trees": "trees",
    "paved": "paving",
    "permeable_paving": "permeable paving",
    "bare": "bare ground",
}
_STORAGE_TEXT = {"basin": "a rain basin", "green_roof": "green roofs", "infiltration_strip": "infiltration strips"}


def _change_text(change: Change) -> str:
    """Say a change in plain words."""
    fields = change.fields
    where = "anywhere in the city" if change.whole_city else " and ".join(_where(spot) for spot in change.spots)
    each = " each" if change.each else " together" if len(change.spots) > 1 else ""
    said = {
        "add_homes": lambda: f"{fields['homes']:,} more homes{each} {where}",
        "change_cover": lambda: f"{_COVER_TEXT[fields['cover']]} {where}",
        "build_storage": lambda: (
            f"{_STORAGE_TEXT[fields['storage']]} for {fields.get('depth_mm', 50):g} mm {where}"
            + ("" if "depth_mm" in fields else " (50 mm is the usual depth here)")
        ),
        "change_lanes": lambda: (
            f"{abs(fields['lanes'])} {'lane' if abs(fields['lanes']) == 1 else 'lanes'} "
            f"{'more on' if fields['lanes'] > 0 else 'fewer on'} {fields['street']}, both directions together"
        ),
        "close_street": lambda: f"{fields['street']} closed to cars",
        "change_headway": lambda: (
            f"{fields['mode'] or 'line'} {fields['route']} every {fields['headway_minutes']:g} minutes"
        ),
        "add_line": lambda: (
            f"a new {fields['mode']} line along {fields['street']} every {fields.get('headway_minutes', 10):g} minutes"
            + ("" if "headway_minutes" in fields else " (10 is assumed)")
        ),
    }[change.kind]()
    return said.strip()


def _topic_text(read: _Read) -> str:
    names = list(read.topics) or list(GENERAL)
    titles = [BY_NAME[name].title for name in names]
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def _reading(read: _Read, changes: list[Change], siting: SitingRequest | None) -> str:
    if siting is not None:
        where = f", {' and '.join(_where(spot) for spot in read.siting[0][1])}" if siting.area else ""
        first = [f"{topic} {number_text(weight)}" for topic, weight in read.weights.items()]
        counting = f", with weights {' and '.join(first)} (others 1)" if first else ""
        return f"The best places for {siting.homes:,} homes{where}{counting}."
    if not changes:
        return f"What happens to {_topic_text(read)}." if read.topics else ""
    return f"What happens to {_topic_text(read)}, against today, with {'; '.join(_change_text(change) for change in changes)}."


def _said_again(read: _Read, changes: list[Change]) -> str:
    """Put what was understood as a question that will be understood whole."""
    asks = {"": "What happens", "access": "How will access to jobs change"}
    topic = read.topics[0] if len(read.topics) == 1 else ""
    first = asks.get(topic, f"What happens to {BY_NAME[topic].phrases[0] if topic else ''}")
    return f"{first} if we {' and '.join(_change_order(change) for change in changes)}?"


def _change_order(change: Change) -> str:
    fields, where = change.fields, " and ".join(_where(spot) for spot in change.spots)
    return {
        "add_homes": lambda: f"add {fields['homes']:,} homes{' each' if change.each else ''} {where}",
        "change_cover": lambda: f"put {_COVER_TEXT[fields['cover']]} {where}",
        "build_storage": lambda: (
            f"build {_STORAGE_TEXT[fields['storage']]} of {fields.get('depth_mm', 50):g} mm {where}"
        ),
        "change_lanes": lambda: (
            f"{'give' if fields['lanes'] > 0 else 'take'} {abs(fields['lanes'])} "
            f"{'lane' if abs(fields['lanes']) == 1 else 'lanes'} {'to' if fields['lanes'] > 0 else 'from'} {fields['street']}"
        ),
        "close_street": lambda: f"close {fields['street']} to cars",
        "change_headway": lambda: (
            f"run {fields['mode'] or 'line'} {fields['route']} every {fields['headway_minutes']:g} minutes"
        ),
        "add_line": lambda: (
            f"add a {fields['mode']} line along {fields['street']} every {fields.get('headway_minutes', 10):g} minutes"
        ),
    }[change.kind]()


def _clarify(
    question: str, city: City, troubles: list[Trouble], reading: str = "", plain: Sequence[str] = ()
) -> Clarify:
    options = [*(option for trouble in troubles for option in trouble.options), *plain]
    so_far = f" So far I read: {reading}" if reading else ""
    text = f"{' '.join(dict.fromkeys(trouble.message for trouble in troubles))}{so_far} Nothing was run."
    unclear = tuple(dict.fromkeys(trouble.fragment for trouble in troubles if trouble.fragment))
    return Clarify(question, text, unclear, reading, tuple(dict.fromkeys(options or _examples(city))))


def _examples(city: City) -> list[str]:
    names = [known for known in known_names(city) if known.main]
    place = next(
        (known.name for kind in ("district", "square", "park", "place") for known in names if known.kind == kind), ""
    )
    street = next((known.name for known in names if known.kind == "street"), "")
    examples = ["Where should we build 2,000 homes?"]
    if place:
        examples.insert(0, f"What happens to stormwater if we add 500 units in {place}?")
    if street:
        examples.append(f"How will traffic change if we close {street} to cars?")
    return examples


def _words_of(name: str, thresholds: tuple[int, ...]) -> tuple[str, ...]:
    jobs = tuple(f"mean_jobs_within_{minutes}_min" for minutes in thresholds) if name == "access" else ()
    return (*jobs, *BY_NAME[name].want)


def _want(read: _Read, edits: list[dict[str, Any]], thresholds: tuple[int, ...]) -> tuple[str, ...]:
    words = [word for name in read.topics or GENERAL for word in _words_of(name, thresholds)]
    if any(edit["kind"] == "add_homes" for edit in edits):
        words += ["homes_placed", "homes_unplaced"]
    return tuple(dict.fromkeys(words))


def _understood(
    question: str,
    read: _Read,
    edits: list[dict[str, Any]],
    thresholds: tuple[int, ...],
    siting: SitingRequest | None,
    reading: str,
    city: City,
    computable: Callable[[str], str | None],
) -> Understood | Refused:
    asked = _want(read, edits, thresholds)
    reasons = {word: reason for word in asked if (reason := _why_not(word, city, computable))}
    core = [word for word in asked if word not in {"homes_placed", "homes_unplaced"} or "housing" in read.topics]
    weighed = [
        word for topic in read.weights for word in AIMS.get(topic, ()) if siting and _why_not(word, city, computable)
    ]
    whole = {name: [word for word in asked if word in _words_of(name, thresholds)] for name in read.topics}
    lost = [name for name, words in whole.items() if words and all(word in reasons for word in words)]
    if weighed or lost or (core and all(word in reasons for word in core)):
        words = weighed or [word for name in lost for word in whole[name]] or core
        said = dict.fromkeys(_why_not(word, city, computable) or "" for word in words)
        return Refused(question, f"not computable: {'; '.join(said)}.", tuple(_examples(city)))
    if reasons and siting is None:
        reading += f" Left out, not computable: {'; '.join(dict.fromkeys(reasons.values()))}."
    topics = tuple(read.topics)
    topic = "siting" if siting is not None else topics[0] if len(topics) == 1 else "general"
    scenario = Scenario.model_validate({"title": reading[:200], "city": city.name[:200], "edits": edits})
    want = tuple(word for word in asked if word not in reasons)
    return Understood(question, topic, scenario, want, thresholds, siting, reading, topics, reasons)


def _why_not(word: str, city: City, computable: Callable[[str], str | None]) -> str | None:
    """Say why a quantity cannot be had; plainly (`Helsinki centre has no rents`) where the layers alone tell it."""
    reason = computable(word)
    if not reason:
        return None
    plain = lacking(word, city)
    return plain or f"{word.replace('_', ' ')}: {city.title} {reason.rstrip('.')}"
