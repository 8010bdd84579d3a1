"""Bind a scenario to a city: each named place, street and line becomes geometry and ids, or the scenario is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.areas import FoundArea, find_area, find_route, find_street
from synapolis.scenarios.edits import (
    OUTSIDE,
    AddHomes,
    AddLine,
    BuildStorage,
    BusLane,
    ChangeCover,
    ChangeFares,
    ChangeHeadway,
    ChangeLanes,
    CloseStop,
    CloseStreet,
    ExtendService,
    MoveStop,
    PlantTrees,
    Scenario,
)
from synapolis.scenarios.lines import place_line
from synapolis.scenarios.plan import BoundEdit


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file (YAML or JSON).

    Raises
    ------
    ScenarioError
        When the file cannot be read, is not YAML, or an edit has a field missing, unknown or out of range.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"cannot read the scenario {path}: {error}; give a YAML or JSON file") from error
    return parse_scenario(text, where=str(path))


def parse_scenario(text: str, *, where: str = "scenario") -> Scenario:
    """Parse a scenario from YAML or JSON text."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ScenarioError(f"{where} is not YAML or JSON: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(data, dict):
        raise ScenarioError(
            f"{where} must hold fields such as `edits:`, got {type(data).__name__}; see docs/scenarios.md"
        )
    if isinstance(data.get("edits"), list):
        data["edits"] = [_said_off(edit) for edit in data["edits"]]
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(f"{where}: {_first_faults(error)}") from error
    except RecursionError as error:
        raise ScenarioError(f"{where} is nested too deeply to be a scenario") from error


def _said_off(edit: Any) -> Any:
    """YAML reads the bare word `off` as false, also where it names a field."""
    return {"off" if key is False else key: value for key, value in edit.items()} if isinstance(edit, dict) else edit


def _first_faults(error: ValidationError) -> str:
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'scenario'}: {fault['msg']}" for fault in error.errors()[:3]]
    more = error.error_count() - len(faults)
    return (
        "; ".join(faults)
        + (f"; and {more} more" if more > 0 else "")
        + ". See docs/scenarios.md for each edit's fields"
    )


def bind(scenario: Scenario, city: City) -> tuple[BoundEdit, ...]:
    """Resolve every edit that is switched on, in order.

    Raises
    ------
    ScenarioError
        Naming the edit, what it asked for, and the closest names the city has.
    """
    bound: list[BoundEdit] = []
    for edit in scenario.active:
        binder = BINDERS[edit.kind]
        try:
            found = binder(edit, city)
        except ScenarioError as error:
            raise ScenarioError(f"edit {edit.id} ({edit.kind}): {error}") from error
        bound.extend(found if isinstance(found, tuple) else (found,))
    return tuple(bound)


def _where(area: FoundArea) -> str:
    """Say where: some descriptions bring their own preposition."""
    said = area.description
    return said if said.startswith(("within ", "along ")) else f"in {said}"


def _add_homes(edit: AddHomes, city: City) -> BoundEdit:
    area = find_area(edit.area, city)
    massing = {
        "what_fits": "add_homes",
        "as_asked": "add_homes_as_asked",
        "on_other_ground": "add_homes_on_other_ground",
    }
    models = (massing[edit.fit], "add_homes_to_zones")
    values = {"edit_id": edit.id, "edit_area": area.geometry, "edit_homes": float(edit.homes)}
    return BoundEdit(edit.id, edit.kind, models, values, f"adding {edit.homes:,} homes {_where(area)}",
                     {"amount": float(edit.homes), "unit": "home"})  # fmt: skip


def _change_cover(edit: ChangeCover, city: City) -> BoundEdit:
    area = find_area(edit.area, city)
    values = {"edit_id": edit.id, "edit_area": area.geometry, "edit_cover": edit.cover}
    return BoundEdit(edit.id, edit.kind, edit.models, values, f"{edit.cover.replace('_', ' ')} {_where(area)}",
                     {"amount": area.geometry.area, "unit": "m²", "kind": f"change_cover:{edit.cover}"})  # fmt: skip


def _plant_trees(edit: PlantTrees, city: City) -> BoundEdit:
    area = find_area(edit.area, city)
    values = {
        "edit_id": edit.id, "edit_area": area.geometry, "edit_spacing": edit.spacing, "edit_tree_height": edit.height,
    }  # fmt: skip
    return BoundEdit(edit.id, edit.kind, edit.models, values, f"trees every {edit.spacing:g} m {_where(area)}",
                     {"amount": area.geometry.area, "unit": "m²", "kind": "plant_trees"})  # fmt: skip


def _build_storage(edit: BuildStorage, city: City) -> BoundEdit:
    area = find_area(edit.area, city)
    values = {
        "edit_id": edit.id, "edit_area": area.geometry, "edit_storage": edit.storage, "edit_depth": edit.depth_mm,
        "edit_share": edit.share,
    }  # fmt: skip
    part = f" on {edit.share:.0%} of the ground for it" if edit.share < 1 else ""
    says = f"{edit.storage.replace('_', ' ')} holding {edit.depth_mm:g} mm{part} {_where(area)}"
    return BoundEdit(edit.id, edit.kind, edit.models, values, says,
                     {"amount": area.geometry.area, "unit": "m²", "kind": f"build_storage:{edit.storage}"})  # fmt: skip


def _segments(edit: ChangeLanes | CloseStreet, city: City) -> tuple[tuple[str, ...], str, float]:
    if edit.street:
        ids = tuple(find_street(edit.street, city))
        says = edit.street
    else:
        ids, says = tuple(edit.ids or ()), f"{len(edit.ids or ())} segments"
        streets = city.layers.get("streets")
        unknown = [name for name in ids if streets is None or name not in streets.value.index]
        if unknown:
            raise ScenarioError(f"no street segment has the id {unknown[0]!r}; ids look like osm:way/123#2")
    named = city.layers["streets"].value.loc[list(dict.fromkeys(ids))]
    open_to_cars = named[named["drive"]]
    if open_to_cars.empty:
        raise ScenarioError(f"{says} is not open to cars in the data, so nothing would change; name another street")
    return ids, says, float(open_to_cars.geometry.length.sum())


def _change_lanes(edit: ChangeLanes, city: City) -> BoundEdit:
    ids, street, length = _segments(edit, city)
    act, way = ("giving", "to") if edit.lanes > 0 else ("taking", "from")
    count = abs(edit.lanes)
    says = f"{act} {count} lane{'s' * (count > 1)} {way} {street}"
    return BoundEdit(edit.id, edit.kind, edit.models, {"edit_streets": ids, "edit_lanes": float(edit.lanes)}, says,
                     {"amount": length * edit.lanes / 1000, "unit": "lane-km"})  # fmt: skip


def _close_street(edit: CloseStreet, city: City) -> BoundEdit:
    ids, street, length = _segments(edit, city)
    return BoundEdit(edit.id, edit.kind, edit.models, {"edit_streets": ids}, f"closing {street} to cars",
                     {"amount": length / 1000, "unit": "km"})  # fmt: skip


def _change_headway(edit: ChangeHeadway, city: City) -> BoundEdit:
    route = find_route(edit.route, city)
    span = () if edit.from_hour is None or edit.to_hour is None else (edit.from_hour * 3600, edit.to_hour * 3600)
    values = {"edit_route": route, "edit_headway": edit.headway_minutes * 60, "edit_mode": edit.mode or "",
              "edit_span": span}  # fmt: skip
    says = f"{edit.mode or 'line'} {route} every {edit.headway_minutes:g} minutes"
    says += f" from {edit.from_hour:g} to {edit.to_hour:g} h" if span else ""
    return BoundEdit(edit.id, edit.kind, edit.models, values, says,
                     {"amount": edit.headway_minutes, "unit": "min"})  # fmt: skip


def _extend_service(edit: ExtendService, city: City) -> BoundEdit:
    route = find_route(edit.route, city)
    span = tuple(-1.0 if hour is None else hour * 3600 for hour in (edit.first_hour, edit.last_hour))
    hours = [f"{word} {hour:g} h" for word, hour in (("from", edit.first_hour), ("until", edit.last_hour))
             if hour is not None]  # fmt: skip
    values = {"edit_route": route, "edit_mode": edit.mode or "", "edit_span": span}
    return BoundEdit(edit.id, edit.kind, edit.models, values, f"{edit.mode or 'line'} {route} {' '.join(hours)}",
                     {"amount": 1.0, "unit": "line"})  # fmt: skip


def _close_stop(edit: CloseStop, city: City) -> BoundEdit:
    stops = _stops_named(edit.stop, city)
    return BoundEdit(edit.id, edit.kind, edit.models, {"edit_stop": stops}, f"closing the stop {edit.stop}",
                     {"amount": float(len(stops)), "unit": "stop"})  # fmt: skip


def _move_stop(edit: MoveStop, city: City) -> BoundEdit:
    stops, area = _stops_named(edit.stop, city), find_area(edit.to, city)
    values = {"edit_stop": stops, "edit_area": area.geometry}
    return BoundEdit(edit.id, edit.kind, edit.models, values, f"moving the stop {edit.stop} to {area.description}",
                     {"amount": float(len(stops)), "unit": "stop"})  # fmt: skip


def _stops_named(name: str, city: City) -> tuple[str, ...]:
    """Ids of the platforms of a stop, by its id or its name."""
    if "timetable" in city.layers:
        stops = city.layers["timetable"].value.stops
    elif "transit_line_stops" in city.layers:
        mapped = city.layers["transit_line_stops"].value
        stops = mapped.drop_duplicates("stop").set_index("stop")
    else:
        raise ScenarioError(f"no stop {name!r}: {city.title} has no timetable; build it with --gtfs")
    if name in stops.index:
        return (name,)
    found = stops.index[stops["name"].str.casefold() == name.casefold()]
    if found.empty:
        near = [other for other in dict.fromkeys(stops["name"]) if name.casefold() in other.casefold()][:5]
        raise ScenarioError(
            f"no stop {name!r} in the timetable of {len(stops)} stops"
            + (
                f"; names with it: {', '.join(near)}"
                if near
                else "; give a stop's id or its name as the timetable has it"
            )
        )
    return tuple(map(str, found))


def _bus_lane(edit: BusLane, city: City) -> tuple[BoundEdit, ...]:
    """Two models carry it out: buses get quicker, and cars lose the lanes."""
    ids = tuple(find_street(edit.street, city))
    quicker = BoundEdit(edit.id, edit.kind, edit.models[:1], {"edit_streets": ids}, f"a bus lane on {edit.street}",
                        {"amount": float("nan"), "unit": ""})  # fmt: skip
    if not edit.lanes:
        return (quicker,)
    taken = ChangeLanes(id=edit.id, street=edit.street, lanes=-edit.lanes)
    return quicker, _change_lanes(taken, city)


def _change_fares(edit: ChangeFares, city: City) -> BoundEdit:
    _ = city
    flat = edit.price is not None
    values = {"edit_fare_factor": 1.0 if flat else edit.factor, "edit_fare_price": edit.price if flat else -1.0}
    says = f"fares of {edit.price:g} for every ride" if flat else f"fares at {edit.factor:.0%} of today's"
    return BoundEdit(edit.id, edit.kind, edit.models, values, says, {"amount": float("nan"), "unit": ""})


def _add_line(edit: AddLine, city: City) -> BoundEdit:
    line = place_line(edit, city)
    values = {"edit_id": edit.id, "edit_line": line, "edit_mode": edit.mode, "edit_headway": edit.headway_minutes * 60}
    length = sum(line.distances) / 1000
    says = (
        f"a {edit.mode} line along {edit.street or 'the drawn line'} every {edit.headway_minutes:g} minutes, "
        f"{len(line.stops)} stops on {length:.1f} km"
    )
    return BoundEdit(edit.id, edit.kind, edit.models, values, says,
                     {"amount": length, "unit": "km", "kind": f"add_line:{edit.mode}"})  # fmt: skip


BINDERS: dict[str, Callable[[Any, City], BoundEdit | tuple[BoundEdit, ...]]] = {
    "add_homes": _add_homes,
    "change_cover": _change_cover,
    "plant_trees": _plant_trees,
    "build_storage": _build_storage,
    "change_lanes": _change_lanes,
    "close_street": _close_street,
    "change_headway": _change_headway,
    "add_line": _add_line,
    "extend_service": _extend_service,
    "close_stop": _close_stop,
    "move_stop": _move_stop,
    "bus_lane": _bus_lane,
    "change_fares": _change_fares,
    **{str(kind.edit.model_fields["kind"].default): kind.bind for kind in OUTSIDE},
}
"""How each kind of edit is bound; those from outside bring their own."""
