"""A city's public transport timetable: frozen tables, and the edits that yield another timetable.

Times are whole seconds after midnight of the service day and may pass 24 h (a night bus of yesterday's service day).
Decoding foreign bytes is for `synapolis.sources.gtfs`; turning the tables into connections is for
`synapolis.models.transit.connections`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from synapolis.core.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MODES = ("tram", "bus", "rail", "subway", "ferry", "cable")
DAY = 86_400  # s
FORBIDDEN = 10 * DAY  # s; a stated transfer that takes this long is not possible
COLUMNS: dict[str, tuple[str, ...]] = {
    "stops": ("name", "geometry"),
    "trips": ("route_id", "route_name", "mode", "service_id", "direction"),
    "stop_times": ("trip_id", "sequence", "stop_id", "arrival", "departure", "boarding", "alighting"),
    "frequencies": ("trip_id", "start", "end", "headway", "exact"),
    "services": ("service_id", "date"),
    "transfers": ("from_stop", "to_stop", "seconds"),
    "fares": ("fare_id", "price", "listed", "currency", "transfers", "route_id", "origin", "destination"),
    "fare_zones": ("stop_id", "zone"),
}
OPTIONAL = ("frequencies", "transfers", "fares", "fare_zones")
_INTEGERS = {
    "trips": ("direction",),
    "stop_times": ("sequence", "arrival", "departure"),
    "frequencies": ("start", "end", "headway"),
    "transfers": ("seconds",),
    "fares": ("transfers",),
}
_FLOATS = {"fares": ("price", "listed")}
_BOOLEANS = {"stop_times": ("boarding", "alighting"), "frequencies": ("exact",)}


class Line(NamedTuple):
    """A line as its riders know it."""

    route_id: str
    name: str
    mode: str


@dataclass(frozen=True)
class Timetable:
    """Stops, trips and calendars of one or several feeds.

    Attributes
    ----------
    stops : GeoDataFrame
        Index: stop id (`FEED:stop`). Columns: name, geometry (points in the city's projected CRS).
    trips : DataFrame
        Index: trip id. Columns: route_id, route_name (the public number), mode, service_id, direction (0 or 1).
    stop_times : DataFrame
        trip_id, sequence, stop_id, arrival, departure [s], boarding, alighting (whether riders may). Ordered by trip
        and sequence, no blanks. For a trip in `frequencies` only the differences to its first departure count.
    frequencies : DataFrame
        trip_id, start, end, headway [s], exact. Departures at start, start + headway, … before end.
    services : DataFrame
        service_id, date (ISO): every day on which a service runs.
    transfers : DataFrame
        from_stop, to_stop, seconds. May be empty. A stop to itself states its minimum change time; `FORBIDDEN` that
        one may not change there.
    fares : DataFrame
        fare_id, price, listed (the price as the feed lists it, whatever an edit makes of it), currency (ISO 4217),
        transfers (changes that one ticket allows, -1 for any number), and where it holds: route_id, origin and
        destination (fare zones), blank for anywhere. May be empty.
    fare_zones : DataFrame
        stop_id, zone. May be empty.
    """

    stops: gpd.GeoDataFrame
    trips: pd.DataFrame
    stop_times: pd.DataFrame
    frequencies: pd.DataFrame
    services: pd.DataFrame
    transfers: pd.DataFrame
    fares: pd.DataFrame
    fare_zones: pd.DataFrame

    @classmethod
    def from_tables(cls, tables: Mapping[str, pd.DataFrame]) -> Timetable:
        """Build from frames by table name; missing optional tables and columns are filled, then all is validated.

        Raises
        ------
        LayerError
            A table or column is missing, or `validate` finds a fault.
        """
        frames: dict[str, pd.DataFrame] = {}
        for name, columns in COLUMNS.items():
            frame = tables[name] if name in tables else _optional(name)
            if name == "stop_times":
                frame = frame.assign(**{c: True for c in ("boarding", "alighting") if c not in frame})
            _require_columns(name, frame)
            frames[name] = _typed(name, frame[list(columns)])
        times = frames["stop_times"].sort_values(["trip_id", "sequence"], kind="stable")
        frames["stop_times"] = times.reset_index(drop=True)
        timetable = cls(**frames)
        timetable.validate()
        return timetable

    @classmethod
    def empty(cls, crs: object) -> Timetable:
        """Return a timetable without stops or trips, on which lines can be added."""
        stops = gpd.GeoDataFrame({"name": pd.Series([], dtype=str)}, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
        stops.index.name = "stop_id"
        frames = {name: pd.DataFrame(columns=list(COLUMNS[name])) for name in COLUMNS if name != "stops"}
        return cls.from_tables({"stops": stops, **frames})

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by name, as `from_tables` takes them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def validate(self) -> None:
        """Check ids, references and times.

        Raises
        ------
        LayerError
            The first fault found, with the table, the number of rows and one of them.
        """
        for name, frame in self.tables().items():
            _require_columns(name, frame)
        _check_references(self)
        _check_values(self)
        _check_order(self.stop_times)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line once, by name, then mode."""
        rows = self.trips[["route_id", "route_name", "mode"]].drop_duplicates()
        found = (Line(str(i), str(n), str(m)) for i, n, m in rows.itertuples(index=False))
        return tuple(sorted(found, key=lambda line: (line.name, line.mode, line.route_id)))

    @property
    def date_range(self) -> tuple[str, str] | None:
        """First and last day with service (ISO), or None without any."""
        if self.services.empty:
            return None
        return str(self.services["date"].min()), str(self.services["date"].max())

    @property
    def time_span(self) -> tuple[int, int] | None:
        """First departure and last arrival of any service day [s after midnight], or None without trips."""
        runs = trip_spans(self)
        return None if runs.empty else (int(runs["start"].min()), int(runs["end"].max()))

    @property
    def busiest_date(self) -> str | None:
        """The day with most departures (the first of equals): a date on which questions make sense."""
        if self.services.empty or self.trips.empty:
            return None
        runs = trip_spans(self).groupby("service_id")["departures"].sum()
        by_date = self.services.assign(departures=self.services["service_id"].map(runs).fillna(0))
        return str(by_date.groupby("date")["departures"].sum().idxmax())


def trip_spans(timetable: Timetable) -> pd.DataFrame:
    """Return for each trip its service_id, start of the first and end of the last run [s], and number of departures."""
    times = timetable.stop_times.groupby("trip_id", sort=False)
    spans = pd.DataFrame({"start": times["departure"].first(), "end": times["arrival"].last()})
    spans["departures"] = 1
    if not timetable.frequencies.empty:
        rows = timetable.frequencies
        runs = -((rows["start"] - rows["end"]) // rows["headway"])  # ceiling: `end` itself does not depart
        last = rows["start"] + (runs - 1) * rows["headway"]
        by_trip = pd.DataFrame({"trip_id": rows["trip_id"], "start": rows["start"], "last": last, "runs": runs})
        grouped = by_trip.groupby("trip_id").agg({"start": "min", "last": "max", "runs": "sum"})
        grouped = grouped[grouped.index.isin(spans.index)]
        duration = (spans["end"] - spans["start"]).loc[grouped.index]
        spans.loc[grouped.index, "start"] = grouped["start"]
        spans.loc[grouped.index, "end"] = grouped["last"] + duration
        spans.loc[grouped.index, "departures"] = grouped["runs"]
    spans["service_id"] = timetable.trips["service_id"].reindex(spans.index)
    return spans


def merge_timetables(timetables: Sequence[Timetable]) -> Timetable:
    """Join several timetables, e.g. the feeds of several operators.

    Raises
    ------
    LayerError
        None given, differing CRS, or an id in two of them.
    """
    if not timetables:
        raise LayerError("at least one timetable is wanted to merge, got none; read a feed first")
    first = timetables[0]
    for other in timetables[1:]:
        if other.stops.crs != first.stops.crs:
            raise LayerError(
                f"timetables must share one CRS, got {first.stops.crs} and {other.stops.crs}; reproject one"
            )
    tables: dict[str, pd.DataFrame] = {}
    for name in COLUMNS:
        keyed = name in ("stops", "trips")
        frames = [getattr(t, name) for t in timetables]
        kept = [f for f in frames if not f.empty] or frames[:1]
        tables[name] = pd.concat(kept, ignore_index=not keyed)
    return Timetable.from_tables(tables)


def line_trips(timetable: Timetable, route_name: str, mode: str | None = None) -> pd.DataFrame:
    """Return the trips of a line by its public number.

    Raises
    ------
    ScenarioError
        No line of that number, or several modes share it and none was named.
    """
    trips = timetable.trips
    found = trips[trips["route_name"].str.casefold() == str(route_name).casefold()]
    if mode is not None:
        found = found[found["mode"] == mode]
    kind = mode or "line"
    if found.empty:
        names = ", ".join(dict.fromkeys(line.name for line in timetable.lines)) or "none"
        raise ScenarioError(f"no {kind} {route_name!r} in the timetable; its lines are: {_short(names)}")
    modes = sorted(found["mode"].unique())
    if len(modes) > 1:
        raise ScenarioError(f"line {route_name!r} is run as {' and '.join(modes)}; say which mode is meant")
    return found


# --- frames -----------------------------------------------------------------------------------------------------------


def _optional(name: str) -> pd.DataFrame:
    if name not in OPTIONAL:
        raise LayerError(f"a timetable needs the table {name}, got none; give all but {', '.join(OPTIONAL)}")
    return pd.DataFrame(columns=list(COLUMNS[name]))


def _require_columns(name: str, frame: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS[name] if column not in frame]
    if missing:
        raise LayerError(f"timetable table {name} lacks {', '.join(missing)}; it must have {', '.join(COLUMNS[name])}")


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the columns their one dtype: int64, bool, or Python-readable strings."""
    types: dict[str, object] = dict.fromkeys(_INTEGERS.get(name, ()), np.int64)
    types |= dict.fromkeys(_FLOATS.get(name, ()), np.float64)
    types |= dict.fromkeys(_BOOLEANS.get(name, ()), np.bool_)
    types |= {c: "str" for c in frame.columns if c not in types and c != "geometry"}
    try:
        typed = frame.astype(types)
    except (ValueError, TypeError) as error:
        raise LayerError(
            f"timetable table {name} has a value of the wrong kind ({error}); fill or correct it"
        ) from error
    if name in ("stops", "trips"):
        typed.index = typed.index.astype("str")
        typed.index.name = "stop_id" if name == "stops" else "trip_id"
        return typed
    return typed.reset_index(drop=True)


def stacked(frames: Sequence[pd.DataFrame], *, keyed: bool = False) -> pd.DataFrame:
    """Put tables under each other, empty ones left out; `keyed` keeps their ids."""
    kept = [frame for frame in frames if len(frame)] or [frames[0]]
    return pd.concat(kept, ignore_index=not keyed)


def _check_references(timetable: Timetable) -> None:
    for name in ("stops", "trips"):
        index = getattr(timetable, name).index
        if index.has_duplicates:
            raise LayerError(
                f"timetable {name} must have unique ids, got {index[index.duplicated()][0]!r} twice; rename one"
            )
    stops, trips = timetable.stops.index, timetable.trips.index
    links = [
        ("stop_times", "stop_id", stops, "stops"),
        ("stop_times", "trip_id", trips, "trips"),
        ("frequencies", "trip_id", trips, "trips"),
        ("transfers", "from_stop", stops, "stops"),
        ("transfers", "to_stop", stops, "stops"),
        ("fare_zones", "stop_id", stops, "stops"),
    ]
    for table, column, known, target in links:
        values = getattr(timetable, table)[column]
        strange = values[~values.isin(known)]
        if len(strange):
            raise LayerError(
                f"timetable {table}.{column} names {strange.iloc[0]!r} ({len(strange)} rows), "
                f"which is not in {target}; add it or drop the rows"
            )


def _check_values(timetable: Timetable) -> None:
    rules = [
        ("trips", ~timetable.trips["mode"].isin(MODES), f"mode must be one of {', '.join(MODES)}"),
        ("trips", ~timetable.trips["direction"].isin([0, 1]), "direction must be 0 or 1"),
        ("frequencies", timetable.frequencies["headway"] <= 0, "headway must be above 0 s"),
        ("frequencies", timetable.frequencies["start"] < 0, "start must be at least 0 s"),
        (
            "frequencies",
            timetable.frequencies["end"] < timetable.frequencies["start"],
            "end must not come before start",
        ),
        ("transfers", timetable.transfers["seconds"] < 0, "seconds must be at least 0"),
        ("fares", ~(timetable.fares["price"] >= 0), "price must be at least 0"),
        ("fares", ~(timetable.fares["listed"] >= 0), "listed must be at least 0"),
        ("stop_times", timetable.stop_times["arrival"] < 0, "arrival must be at least 0 s"),
        ("stop_times", timetable.stop_times["arrival"] > 10 * DAY, "arrival must lie within 10 days"),
    ]
    for table, wrong, rule in rules:
        if wrong.any():
            row = getattr(timetable, table)[wrong].iloc[0]
            raise LayerError(f"timetable {table}: {rule}; {int(wrong.sum())} rows differ, the first is {dict(row)}")
    geometry = timetable.stops.geometry
    if len(geometry) and not ((geometry.geom_type == "Point") & ~geometry.is_empty).all():
        raise LayerError("timetable stops must be points; drop the stops without a place")
    if len(geometry) and not np.isfinite(shapely.get_coordinates(geometry.to_numpy())).all():
        raise LayerError("timetable stops must have finite coordinates; check their CRS")


def _check_order(times: pd.DataFrame) -> None:
    """Within a trip sequences rise and times never go back."""
    trip = times["trip_id"].to_numpy()
    same = trip[1:] == trip[:-1]
    sequence, arrival, departure = (times[c].to_numpy() for c in ("sequence", "arrival", "departure"))
    changes = int(np.count_nonzero(~same)) + (1 if len(trip) else 0)
    if changes != times["trip_id"].nunique() or (same & (np.diff(sequence) <= 0)).any():
        raise LayerError("timetable stop_times must be ordered by trip and rising sequence; sort them with from_tables")
    back = np.flatnonzero(departure < arrival)
    if len(back):
        raise LayerError(
            f"timetable stop_times leave before they arrive on {len(back)} rows, first in trip {trip[back[0]]!r}"
        )
    jump = np.flatnonzero(same & (arrival[1:] < departure[:-1]))
    if len(jump):
        raise LayerError(f"timetable stop_times go back in time on {len(jump)} rows, first in trip {trip[jump[0]]!r}")


def _short(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[:limit] + " …"
