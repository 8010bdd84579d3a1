"""Maps and gains by place and group, drawn from a run's two stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import REGISTRY
from synapolis.layers.city import City
from synapolis.scenarios.answer import Effect, Frames, MapLayer
from synapolis.scenarios.plan import BoundEdit
from synapolis.scenarios.telling import hot_day_note
from synapolis.scenarios.views import View, view_of

if TYPE_CHECKING:
    from synapolis.scenarios.rehearse import Outcome

MOST_PLACES = 24
"""Places listed among gains and losses: those that change most."""

GEOMETRY = {"zones": "zones", "links": "streets", "buildings": "buildings"}


def pictures_of(outcome: Outcome) -> tuple[MapLayer, ...]:
    """Maps of every quantity by place behind the claims, the flood, and the sites of new homes."""
    views = {view.by: view for view in (view_of(word, "") for word in reversed(outcome.words))}
    maps = [
        _picture(view, outcome)
        for by, view in reversed(views.items())
        if by and by != "flooded_buildings" and outcome.has(by)  # the flood itself is drawn
    ]
    if outcome.has("flood_depth"):
        maps.append(_flood(outcome))
    if outcome.has("housing_programme"):
        programme = outcome.value("housing_programme")
        sites = programme[programme["kind"] != "unplaced"]
        if len(sites):
            levels = sites["levels"].to_numpy(dtype=float)
            maps.insert(0, MapLayer("Where the new homes fit", "levels", "storeys", "sites", None, levels, sites))
    outside = _outside(outcome.planner.city)
    return tuple(_within(layer, outside) for layer in maps)


def _outside(city: City) -> Any:
    """Cells (row, column) beyond the extent of the data: the grid is the box around it."""
    return city.grid.burn([city.extent], np.array([1]), dtype="uint8") == 0


def _within(layer: MapLayer, outside: Any) -> MapLayer:
    """A map of cells with no value where there is no data; what names classes stays as it is."""
    if layer.kind != "cells" or layer.unit == "class" or not outside.any():
        return layer
    shown = [None if values is None else _known(values, outside) for values in (layer.before, layer.after)]
    frames = layer.frames
    if frames is not None:
        frames = replace(frames, before=_known(frames.before, outside), after=_known(frames.after, outside))
    return replace(layer, before=shown[0], after=shown[1], frames=frames)


def _known(values: Any, outside: Any) -> Any:
    values = np.asarray(values)
    return values if values.dtype == bool else np.where(outside, np.float32(np.nan), values)


def _picture(view: View, outcome: Outcome) -> MapLayer:
    before, after = outcome.pair(view.by)
    geometry = None if view.kind == "cells" else outcome.value(GEOMETRY[view.kind])
    if geometry is not None and np.shape(before) != np.shape(after):
        before = _aligned(before, outcome.value(GEOMETRY[view.kind], 0).index, geometry.index)
    unit = REGISTRY.quantities[view.by].unit
    scale = view.scale if view.scale != 1 else 1.0
    if before is not after and np.shape(before) != np.shape(after):
        after = before
    note = _note(view.by, outcome)
    shown = view.unit if scale != 1 else unit
    title = REGISTRY.quantities[view.by].meaning.rstrip(".")
    before, after = np.asarray(before) * scale, np.asarray(after) * scale
    before, after = _without_roofs(view, outcome, (before, after))
    return MapLayer(title, view.by, shown, view.kind or "cells", before, after, geometry, note, view.illustrative)


def _aligned(before: Any, then: Any, now: Any) -> Any:
    """Values of today in the order of the table after the edits; what an edit adds had none."""
    rows = then.get_indexer(now)
    return np.where(rows >= 0, np.asarray(before, dtype=float)[rows], np.nan)


def _note(word: str, outcome: Outcome) -> str:
    """Say what a map's event is."""
    if word.startswith("flood") or word == "building_flood_damage":
        return flood_note(outcome)
    if word == "runoff_depth":
        return storm_note(outcome)
    return hot_day_note(outcome) if "utci" in word else ""


def _without_roofs(view: View, outcome: Outcome, values: tuple[Any, Any]) -> tuple[Any, Any]:
    """Felt temperature on the ground alone, for nobody walks on roofs; other quantities as they are."""
    if view.by != "utci" or not outcome.has("built_height"):
        return values
    before, after = (np.where(s > 0, np.nan, v) for s, v in zip(outcome.pair("built_height"), values, strict=True))
    return before, after


def _flood(outcome: Outcome) -> MapLayer:
    before, after = outcome.pair("flood_depth")
    interpolated = "terrain" not in outcome.planner.city.layers
    note = flood_note(outcome)
    if interpolated:
        note += " Terrain is interpolated from spot heights (error about 2 m): depths are illustrative."
    return MapLayer(
        "Deepest surface water during the storm", "flood_depth", "m", "cells", before, after, None, note, interpolated,
        _frames(outcome),
    )  # fmt: skip


def _frames(outcome: Outcome) -> Frames | None:
    """Depth over the storm, where the run that made its maxima kept it at the same moments in both stages."""
    if not (outcome.has("flood_depth_by_time") and outcome.has("flood_frame_times")):
        return None
    moments, then = outcome.pair("flood_frame_times")
    before, after = outcome.pair("flood_depth_by_time")
    if len(moments) != len(then) or not np.allclose(moments, then) or before.shape != after.shape:
        return None
    return Frames(np.asarray(moments, dtype=float), before, after)


def flood_note(outcome: Outcome) -> str:
    """Name what a flood map rests on: the event, the drains or sewers, the level of sea or river, the border."""
    sea, drains = (_assumed(outcome, name) for name in ("sea_level", "drain_capacity"))
    method = outcome.planner.want("flood_depth", 0).node.name
    if method == "flood_with_sewers":
        carried = "Mapped sewers, coupled at gullies and manholes."
    elif method == "flood_with_synthetic_sewers":
        carried = "Sewers are made up along the streets (assumed)."
    else:
        carried = f"Drains take {drains:g} mm/h from hard ground, no pipes."
    return f"{storm_note(outcome)} {carried} Sea, lake or river at {sea:g} m; border open."


def storm_note(outcome: Outcome) -> str:
    """Name the event: depth, length, return period, climate factor; or that it was measured."""
    value = {name: _assumed(outcome, name) for name in
             ("storm_depth", "storm_duration", "storm_return_period", "climate_factor")}  # fmt: skip
    factor = "" if value["climate_factor"] == 1 else f", climate factor {value['climate_factor']:g}"
    made_by = outcome.planner.want("storm_intensity", 0).node.name
    if made_by == "measured_storm_intensity":
        return f"Event: a measured storm (layer rain_series), no return period{factor}."
    even = ", evenly spread" if made_by == "uniform_storm_intensity" else ""
    return (
        f"Event: {value['storm_depth'] * value['climate_factor']:g} mm in {value['storm_duration']:g} minutes{even}, "
        f"return period {value['storm_return_period']:g} years{factor}."
    )


def _assumed(outcome: Outcome, name: str) -> float:
    return float(outcome.planner.overrides.get(name, outcome.planner.assumption(name).value))


def edited_areas(city: City, edits: Sequence[BoundEdit]) -> Any:
    """Outlines of the areas that edits name, for the maps; None without any."""
    areas = [(edit.says, edit.values["edit_area"]) for edit in edits if "edit_area" in edit.values]
    if not areas:
        return None
    return gpd.GeoDataFrame({"name": [says for says, _ in areas]}, geometry=[area for _, area in areas], crs=city.crs)


def effects_of(outcome: Outcome) -> tuple[Effect, ...]:
    """Who gains and who loses: by place for every claim that has places, by income group where known."""
    effects: list[Effect] = []
    for word in outcome.words:
        view = view_of(word, "")
        if not view.by or not outcome.has(view.by):
            continue
        if view.kind == "zones":
            effects += _by_zone(word, view, outcome) + _by_group(word, view, outcome)
        elif view.kind == "cells":
            effects += _by_district(word, view, outcome)
    return tuple(effects)


def _by_zone(word: str, view: View, outcome: Outcome) -> list[Effect]:
    before, after = (np.asarray(value) * view.scale for value in outcome.pair(view.by))
    zones = outcome.value("zones")
    people = (
        np.asarray(outcome.value("zone_population")) if outcome.has("zone_population") else np.full(len(zones), np.nan)
    )
    names = zone_names(outcome.planner.city, zones)
    order = np.argsort(-np.abs(after - before), kind="stable")[:MOST_PLACES]
    return [
        Effect(
            "place",
            word,
            view.unit or outcome_unit(view.by),
            names[i],
            float(before[i]),
            float(after[i]),
            _finite(people[i]),
        )
        for i in order
        if abs(after[i] - before[i]) >= view.grain
    ]


def _by_group(word: str, view: View, outcome: Outcome) -> list[Effect]:
    """The mean over each income group's households of their zone's value."""
    layer = outcome.planner.city.layers.get("income_groups")
    if layer is None:
        return []
    before, after = (np.asarray(value) * view.scale for value in outcome.pair(view.by))
    rows = outcome.value("zones").index.get_indexer(layer.value["zone"])
    households = layer.value["households"].to_numpy(dtype=float)
    groups = layer.value["group"].to_numpy()
    found = []
    for group in dict.fromkeys(groups):
        mine = (groups == group) & (rows >= 0)
        if households[mine].sum() > 0:
            today, then = (float(np.average(x[rows[mine]], weights=households[mine])) for x in (before, after))
            unit, people = view.unit or outcome_unit(view.by), float(households[mine].sum())
            found.append(Effect("group", word, unit, f"income group {group}", today, then, people))
    return found


def _by_district(word: str, view: View, outcome: Outcome) -> list[Effect]:
    """Cell values over the named districts: depths of runoff summed as volume, others averaged."""
    city = outcome.planner.city
    districts = district_areas(city)
    pair = _without_roofs(view, outcome, outcome.pair(view.by))
    volume = view.by == "runoff_depth"
    found = []
    for name, area in districts.items():
        inside = city.grid.mask([area])
        if volume:
            told = [float(np.nansum(values[inside]) * city.grid.cell_area / 1000) for values in pair]
        elif all(np.isfinite(values[inside]).any() for values in pair):
            told = [float(np.nanmean(values[inside])) for values in pair]
        else:
            continue
        found.append(Effect("place", word, view.unit or ("m³" if volume else outcome_unit(view.by)), name, *told))
    return sorted(found, key=lambda effect: -abs(effect.change))[:MOST_PLACES]


def outcome_unit(word: str) -> str:
    """Unit of a word."""
    return REGISTRY.quantities[word].unit


def district_areas(city: City) -> dict[str, Any]:
    """Named districts as polygons, without those that smaller ones make up; empty where the city has none."""
    if "places" not in city.layers:
        return {}
    places = city.layers["places"].value
    districts = places[(places["kind"] == "district") & places.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    areas = {name: shapely.union_all(rows.geometry.to_numpy()) for name, rows in districts.groupby("name") if name}
    kept: dict[str, Any] = {}
    for name, area in sorted(areas.items(), key=lambda item: item[1].area):
        if shapely.difference(area, shapely.union_all(list(kept.values()))).area > area.area / 2:
            kept[name] = area
    return kept


def zone_names(city: City, zones: Any) -> list[str]:
    """A name for each zone: its own, else "near" the closest named place, numbered where several share one."""
    own = zones["name"].fillna("").astype(str).to_numpy() if "name" in zones.columns else np.full(len(zones), "")
    if "places" not in city.layers or not len(city.layers["places"].value):
        return [name or f"zone {zone}" for name, zone in zip(own, zones.index, strict=True)]
    places = city.layers["places"].value
    places = places[places["name"].astype(str).str.len() > 0]
    tree = shapely.STRtree(shapely.centroid(places.geometry.to_numpy()))
    nearest = tree.nearest(shapely.centroid(zones.geometry.to_numpy()))
    labels: list[str] = []
    seen: dict[str, int] = {}
    for name, place in zip(own, places["name"].to_numpy()[nearest], strict=True):
        label = name or f"near {place}"
        seen[label] = seen.get(label, 0) + 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


def _finite(value: NDArray[Any] | float) -> float | None:
    return float(value) if np.isfinite(value) else None
