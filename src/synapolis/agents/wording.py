"""How a question was read, and what was not understood, in plain words for the asker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from synapolis.agents.gazetteer import Spot, Token
from synapolis.agents.grammar import Change, Trouble, number_text
from synapolis.agents.lexicon import Item
from synapolis.agents.reader import Read
from synapolis.agents.subjects import BY_NAME, GENERAL
from synapolis.layers.city import City
from synapolis.scenarios.edits import USUAL_STORAGE
from synapolis.scenarios.names import closest_names, known_names, names_of
from synapolis.scenarios.pictures import district_areas

_COVER_TEXT = {
    "grass": "grass",
    "trees": "trees",
    "paved": "paving",
    "permeable_paving": "permeable paving",
    "bare": "bare ground",
}
_STORAGE_TEXT = {
    "basin": "a rain basin",
    "green_roof": "green roofs",
    "infiltration_strip": "infiltration strips",
    "rain_garden": "rain gardens",
}


def _storage_depth(fields: Mapping[str, Any]) -> float:
    usual = USUAL_STORAGE.get(fields["storage"], {"depth_mm": 50.0})
    return float(fields.get("depth_mm", usual["depth_mm"]))


def _storage_share(fields: Mapping[str, Any]) -> str:
    usual = USUAL_STORAGE.get(fields["storage"])
    return f", on {usual['share']:.0%} of the paving" if usual else ""


def where_text(spot: Spot) -> str:
    """Say where a spot is: `in Kamppi`, `along Bulevardi`."""
    if spot.radius is not None:
        return f"within {spot.radius:g} m of {spot.name}"
    return f"along {spot.name}" if spot.street else f"in {spot.name}"


def change_text(change: Change) -> str:
    """Say a change in plain words."""
    fields = change.fields
    where = "anywhere in the city" if change.whole_city else " and ".join(where_text(spot) for spot in change.spots)
    each = " each" if change.each else " together" if len(change.spots) > 1 else ""
    said = {
        "add_homes": lambda: f"{fields['homes']:,} more homes{each} {where}",
        "change_cover": lambda: f"{_COVER_TEXT[fields['cover']]} {where}",
        "plant_trees": lambda: f"a tree every {fields.get('spacing', 10):g} m {where}",
        "build_storage": lambda: (
            f"{_STORAGE_TEXT[fields['storage']]} for {_storage_depth(fields):g} mm {where}"
            + (
                ""
                if "depth_mm" in fields
                else f" ({_storage_depth(fields):g} mm is usual here{_storage_share(fields)})"
            )
        ),
        "change_lanes": lambda: (
            f"{abs(fields['lanes'])} {'lane' if abs(fields['lanes']) == 1 else 'lanes'} "
            f"{'more on' if fields['lanes'] > 0 else 'fewer on'} {fields['street']}, both directions together"
        ),
        "close_street": lambda: f"{fields['street']} closed to cars",
        "close_stop": lambda: f"the stop {fields['stop']} closed",
        "move_stop": lambda: f"the stop {fields['stop']} moved to {change.spots[0].name}",
        "bus_lane": lambda: f"a bus lane on {fields['street']}, which cars lose",
        "change_fares": lambda: f"fares at {fields['factor']:.0%} of today's",
        "extend_service": lambda: f"{fields['mode'] or 'line'} {fields['route']} until {fields['last_hour']:g} h",
        "change_headway": lambda: (
            f"{fields['mode'] or 'line'} {fields['route']} every {fields['headway_minutes']:g} minutes"
        ),
        "add_line": lambda: (
            f"a new {fields['mode']} line along {fields['street']} every {fields.get('headway_minutes', 10):g} minutes"
            + ("" if "headway_minutes" in fields else " (10 is assumed)")
        ),
    }[change.kind]()
    return said.strip()


def _change_order(change: Change) -> str:
    fields, where = change.fields, " and ".join(where_text(spot) for spot in change.spots)
    return {
        "add_homes": lambda: f"add {fields['homes']:,} homes{' each' if change.each else ''} {where}",
        "change_cover": lambda: f"put {_COVER_TEXT[fields['cover']]} {where}",
        "plant_trees": lambda: f"plant trees {where}",
        "build_storage": lambda: f"build {_STORAGE_TEXT[fields['storage']]} of {_storage_depth(fields):g} mm {where}",
        "change_lanes": lambda: (
            f"{'give' if fields['lanes'] > 0 else 'take'} {abs(fields['lanes'])} "
            f"{'lane' if abs(fields['lanes']) == 1 else 'lanes'} "
            f"{'to' if fields['lanes'] > 0 else 'from'} {fields['street']}"
        ),
        "close_street": lambda: f"close {fields['street']} to cars",
        "close_stop": lambda: f"close the stop {fields['stop']}",
        "move_stop": lambda: f"move the stop {fields['stop']} to {change.spots[0].name}",
        "bus_lane": lambda: f"give {fields['street']} a bus lane",
        "change_fares": lambda: f"{_fare_order(fields['factor'])}",
        "extend_service": lambda: f"run {fields['mode'] or 'line'} {fields['route']} until {fields['last_hour']:g}",
        "change_headway": lambda: (
            f"run {fields['mode'] or 'line'} {fields['route']} every {fields['headway_minutes']:g} minutes"
        ),
        "add_line": lambda: (
            f"add a {fields['mode']} line along {fields['street']} every {fields.get('headway_minutes', 10):g} minutes"
        ),
    }[change.kind]()


def _fare_order(factor: float) -> str:
    if not factor:
        return "make public transport free"
    return f"{'raise' if factor > 1 else 'lower'} fares by {abs(factor - 1) * 100:g} percent"


def _topic_text(read: Read) -> str:
    names = list(read.topics) or list(GENERAL)
    titles = [BY_NAME[name].title for name in names]
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def reading_text(read: Read, changes: list[Change], siting: int | None) -> str:
    """Say how a question was read, in one sentence; `siting` is the number of homes to find places for."""
    if siting is not None:
        where = f", {' and '.join(where_text(spot) for spot in read.siting[0][1])}" if read.siting[0][1] else ""
        first = [f"{topic} {number_text(weight)}" for topic, weight in read.weights.items()]
        counting = f", with weights {' and '.join(first)} (others 1)" if first else ""
        return f"The best places for {siting:,} homes{where}{counting}."
    if not changes:
        return f"What happens to {_topic_text(read)}." if read.topics else ""
    said = "; ".join(change_text(change) for change in changes)
    return f"What happens to {_topic_text(read)}, against today, with {said}."


def said_again(read: Read, changes: list[Change]) -> str:
    """Put what was understood as a question that will be understood whole."""
    asks = {"": "What happens", "access": "How will access to jobs change"}
    topic = read.topics[0] if len(read.topics) == 1 else ""
    first = asks.get(topic, f"What happens to {BY_NAME[topic].phrases[0] if topic else ''}")
    return f"{first} if we {' and '.join(_change_order(change) for change in changes)}?"


def example_questions(city: City) -> list[str]:
    """Return questions about this city that are understood: of its busiest district, longest road and first tram."""
    place, street, tram = _busiest_place(city), _longest_road(city), _first_tram(city)
    examples = ["Where should we build 2,000 homes?"]
    if tram:
        examples.insert(0, f"How will access to jobs change if tram {tram} runs every 5 minutes?")
    if place:
        examples.insert(0, f"What happens to stormwater if we add 500 units in {place}?")
    if street:
        examples.append(f"How will traffic change if we close {street} to cars?")
    return examples


def _busiest_place(city: City) -> str:
    """The district with most buildings, else the first place with a name."""
    areas = district_areas(city)
    if areas and "buildings" in city.layers:
        middles = shapely.centroid(np.asarray(city.layers["buildings"].value.geometry))
        counts = {name: int(shapely.contains(area, middles).sum()) for name, area in areas.items()}
        return max(counts, key=lambda name: counts[name])
    names = [known for known in known_names(city) if known.main]
    kinds = ("district", "square", "park", "place")
    return next((known.name for kind in kinds for known in names if known.kind == kind), "")


def _longest_road(city: City) -> str:
    """The street with a name that is longest for cars."""
    if "streets" not in city.layers:
        return ""
    streets = city.layers["streets"].value
    streets = streets[streets["drive"] & (streets["name"].fillna("") != "")]
    lengths = streets.geometry.length.groupby(streets["name"]).sum()
    return str(lengths.idxmax()) if len(lengths) else ""


def _first_tram(city: City) -> str:
    """The lowest public number of a tram."""
    routes = names_of(city).routes.values()
    trams = [number for numbers in routes for number, modes in numbers.items() if "tram" in modes and number.isdigit()]
    return min(trams, key=int, default="")


def no_place(change: Change, city: City) -> Trouble:
    """Ask where a change is to happen."""
    some = [known.name for known in known_names(city) if known.main and known.kind in {"district", "square", "park"}][
        :3
    ]
    options = tuple(f"{change_text(change)} in {name}" for name in some)
    return Trouble(
        "where", f"Where? Name a place, square or street of {city.title} for: {change_text(change)}.", options
    )


def leftover_troubles(question: str, tokens: list[Token], read: Read, city: City) -> list[Trouble]:
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
