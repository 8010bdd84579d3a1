"""What each layer of a city holds: columns, types, units and whether a value may be missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from synapolis.core.errors import LayerError

POLYGON = ("Polygon", "MultiPolygon")
LINE = ("LineString",)
LINES = ("LineString", "MultiLineString")
POINT = ("Point",)
ANY = (*POLYGON, *LINES, "Point", "MultiPoint", "GeometryCollection")

ORIGINS = ("observed", "derived", "assumed")


@dataclass(frozen=True)
class Column:
    """One column: `kind` is text, number, whole or flag; a missing number is NaN, a missing text is empty.

    An optional column may be absent as a whole.
    """

    kind: str
    meaning: str
    unit: str = ""
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    optional: bool = False


@dataclass(frozen=True)
class Schema:
    """The promise of one layer. `geometry` empty: a plain table; `raster`: a GeoTIFF in `unit`."""

    name: str
    meaning: str
    geometry: tuple[str, ...] = ()
    columns: MappingProxyType[str, Column] = field(default_factory=lambda: MappingProxyType({}))
    raster: bool = False
    unit: str = ""
    open_columns: bool = False

    def check(self, table: Any) -> None:
        """Raise LayerError unless a table keeps this schema: unique text ids, columns, types, ranges, geometry."""
        _check_ids(self, table)
        missing = [name for name, column in self.columns.items() if name not in table and not column.optional]
        if missing:
            raise LayerError(
                f"layer {self.name!r} needs column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}"
            )
        if self.geometry:
            _check_geometry(self, table)
        for name, column in self.columns.items():
            if name in table:
                _check_column(self, table, name, column)


def _check_ids(schema: Schema, table: Any) -> None:
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][:3].tolist()
        raise LayerError(f"layer {schema.name!r} needs unique ids; {twice} appear more than once")


def _check_geometry(schema: Schema, table: Any) -> None:
    if "geometry" not in table.columns or table.crs is None or not table.crs.is_projected:
        raise LayerError(
            f"layer {schema.name!r} needs a geometry column in a projected CRS in metres; reproject it first"
        )
    kinds = set(table.geometry.geom_type.dropna().unique())
    if not kinds <= set(schema.geometry):
        raise LayerError(f"layer {schema.name!r} holds {', '.join(schema.geometry)}; got {', '.join(sorted(kinds))}")
    if table.geometry.isna().any() or table.geometry.is_empty.any():
        raise LayerError(f"layer {schema.name!r} has features without geometry; drop or mend them")


def _check_column(schema: Schema, table: Any, name: str, column: Column) -> None:
    values = table[name]
    if column.kind in {"number", "whole"}:
        if values.dtype.kind not in "iuf":
            raise LayerError(f"layer {schema.name!r}: column {name!r} must be numeric, got {values.dtype}")
        if not column.nullable and values.isna().any():
            raise LayerError(
                f"layer {schema.name!r}: column {name!r} has {int(values.isna().sum())} missing values; "
                "it may have none"
            )
        _check_range(schema, values, name, column)
    elif column.kind == "flag" and values.dtype != bool:
        raise LayerError(f"layer {schema.name!r}: column {name!r} must be true or false, got {values.dtype}")


def _check_range(schema: Schema, values: Any, name: str, column: Column) -> None:
    for limit, outside, word in (
        (column.low, values < column.low if column.low is not None else None, "at least"),
        (column.high, values > column.high if column.high is not None else None, "at most"),
    ):
        if outside is not None and bool(outside.any()):
            where = values.index[outside][:3].tolist()
            raise LayerError(
                f"layer {schema.name!r}: {name} must be {word} {limit:g} {column.unit}, "
                f"got {values[outside].iloc[0]:g} on {int(outside.sum())} features (first: {where}); "
                "correct the source or map another column"
            )


def _text(meaning: str, *, optional: bool = False) -> Column:
    return Column("text", meaning, optional=optional)


def _number(
    meaning: str,
    unit: str,
    *,
    nullable: bool = True,
    low: float | None = 0,
    high: float | None = None,
    optional: bool = False,
) -> Column:
    return Column("number", meaning, unit, nullable, low, high, optional)


def _flag(meaning: str) -> Column:
    return Column("flag", meaning)


def _schema(
    name: str,
    meaning: str,
    geometry: tuple[str, ...] = (),
    /,
    *,
    open_columns: bool = False,
    **columns: Column,
) -> Schema:
    return Schema(name, meaning, geometry, MappingProxyType(columns), open_columns=open_columns)


LAYERS: dict[str, Schema] = {
    schema.name: schema
    for schema in (
        _schema(
            "streets",
            "Street segments between junctions, for driving and walking.",
            LINE,
            from_junction=_text("id of the junction at the line's start"),
            to_junction=_text("id of the junction at its end"),
            name=_text("street name"),
            road_class=_text("OSM highway value"),
            lanes=_number("lanes open to cars, both directions together", "1", high=24),
            max_speed=_number("speed limit", "m/s", high=70),
            one_way=_flag("cars may only go from start to end"),
            drive=_flag("open to cars"),
            walk=_flag("open to walkers"),
            bridge=_flag("on a bridge or in a tunnel, so not at ground level"),
            cycle=_text("path of its own for bicycles, lane on or beside the street, or empty", optional=True),
            toll=Column("number", "what a vehicle pays to drive along it", "EUR", nullable=True, low=0, optional=True),
            goods=_text("no where goods vehicles may not drive, else empty", optional=True),
        ),
        _schema(
            "junctions",
            "Ends of street segments.",
            POINT,
            gateway=_flag("lies on the extent's border, where through traffic enters"),
        ),
        _schema(
            "turn_bans",
            "Turns that cars may not make from one street into another.",
            (),
            from_street=_text("id of the street that cars come from"),
            junction=_text("id of the junction at which they turn"),
            to_street=_text("id of the street that they turn into; the same street for a turn back"),
            only=_flag("all other turns from that street are banned instead, this one is not"),
        ),
        _schema(
            "buildings",
            "Building footprints.",
            POLYGON,
            use=_text("residential, office, retail, public, industrial, utility or unknown"),
            levels=_number("storeys above ground", "1", high=200),
            height=_number("height above ground", "m", high=900),
            homes=_number("dwellings", "1"),
            start_year=_number("year of completion", "a", low=None),
            name=_text("name"),
            edit=_text("id of the edit that made it, empty if it stands today"),
        ),
        _schema(
            "land_use",
            "Areas by use.",
            POLYGON,
            use=_text(
                "OSM value of landuse, leisure, natural or amenity: grass, park, forest, railway, square, parking ..."
            ),
            name=_text("name"),
        ),
        _schema("water", "Sea, lakes and rivers, closed at the extent.", POLYGON, kind=_text("sea, lake or river")),
        _schema("trees", "Single trees.", POINT),
        _schema(
            "rail",
            "Railway and tramway tracks at ground level.",
            LINES,
            kind=_text("OSM railway value: rail, tram, subway ..."),
        ),
        _schema(
            "spot_heights",
            "Points of known ground elevation.",
            POINT,
            elevation=_number("elevation above the vertical datum", "m", nullable=False, low=-500, high=9000),
        ),
        _schema(
            "places",
            "Everything with a name: districts, squares, parks, stops; streets are found in `streets`.",
            ANY,
            name=_text("name"),
            other_names=_text("names in other languages, separated by ;"),
            kind=_text("district, square, park, stop, building or place"),
            closed=_flag("an area cut at the extent's border and closed against it"),
        ),
        _schema(
            "points_of_interest",
            "Shops, schools, health care, offices and other services.",
            POINT,
            kind=_text("school, kindergarten, health, shop, food, office, culture, public or other"),
            name=_text("name"),
            type=_text("what it is in the words of OSM: supermarket, fire_station, library ...", optional=True),
            wheelchair=_text("access for wheelchairs: yes, limited, no, or empty where nobody says", optional=True),
        ),
        _schema(
            "zones",
            "Areas with counted or estimated people, jobs and services.",
            POLYGON,
            open_columns=True,
            name=_text("name"),
            population=_number("residents", "1"),
            jobs=_number("jobs", "1"),
            homes=_number("dwellings", "1"),
            schools=_number("schools", "1"),
            health_care=_number("health-care sites", "1"),
            median_income=_number("median household income", "money/a"),
            monthly_rent=_number("rent of a typical home", "money/month"),
        ),
        _schema(
            "income_groups",
            "Households by income group and zone.",
            (),
            zone=_text("id of the zone"),
            group=_text("name of the group, lowest first: q1 ..."),
            households=_number("households", "1", nullable=False),
            income=_number("mean household income of the group", "money/a", nullable=False),
        ),
        _schema(
            "population_grid",
            "Counted residents on a grid, used to check estimates.",
            POLYGON,
            population=_number("residents", "1", nullable=False),
        ),
        _schema(
            "traffic_counts",
            "Cars counted on streets in the morning peak hour.",
            (),
            street=_text("id of the street segment"),
            direction=_text("along the segment's line, against it, or both (also where empty)", optional=True),
            vehicles_per_hour=_number("cars counted in the hour", "veh/h", nullable=False),
            screenline=_text("name of the screen line the count belongs to, or empty", optional=True),
        ),
        _schema(
            "transit_lines",
            "Transit lines as mapped, without a timetable.",
            LINES,
            route_name=_text("public number"),
            mode=_text("tram, bus, rail, subway or ferry"),
            name=_text("name"),
        ),
        _schema(
            "transit_line_stops",
            "Stops of mapped lines in order.",
            POINT,
            line=_text("id of the line"),
            sequence=Column("whole", "order along the line", low=0),
            stop=_text("id of the stop"),
            name=_text("stop name"),
        ),
        _schema(
            "rain_series",
            "A measured storm: each intensity stands until the next moment.",
            (),
            minute=_number("minutes from the storm's start", "min", nullable=False),
            intensity=_number("rain", "mm/h", nullable=False, high=2000),
        ),
        _schema(
            "sewer_nodes",
            "Manholes, inlets and outfalls.",
            POINT,
            kind=_text("manhole or outfall"),
            invert=_number("invert elevation", "m", nullable=False, low=-500, high=9000),
            ground=_number("cover elevation", "m", nullable=False, low=-500, high=9000),
        ),
        _schema(
            "sewer_pipes",
            "Sewer pipes.",
            LINE,
            from_node=_text("upper node"),
            to_node=_text("lower node"),
            diameter=_number("inner diameter", "m", nullable=False, high=20),
            length=_number("length where surveyed, else that of the line", "m", optional=True),
            roughness=_number("Manning's n where known", "s/m^(1/3)", high=1, optional=True),
            upper_offset=_number("height of its invert above that of the upper node", "m", optional=True),
            lower_offset=_number("height of its invert above that of the lower node", "m", optional=True),
            shape=_text("cross-section in SWMM's words where not CIRCULAR", optional=True),
            height=_number("inner height where it is not round", "m", high=20, optional=True),
            width=_number("inner width where it is not round", "m", high=50, optional=True),
            barrels=_number("pipes side by side", "1", high=50, optional=True),
        ),
        _schema(
            "weather",
            "Hourly weather of a typical year, in local standard time.",
            (),
            temperature=_number("dry-bulb temperature", "°C", low=-90, high=60),
            humidity=_number("relative humidity", "1", high=1.2),
            global_radiation=_number("global horizontal irradiance", "W/m²", high=1500),
            diffuse_radiation=_number("diffuse horizontal irradiance", "W/m²", high=1500),
            direct_radiation=_number("direct normal irradiance", "W/m²", high=1500),
            wind_speed=_number("wind speed at 10 m", "m/s", high=120),
            rain=_number("rain in the hour", "mm", high=500),
        ),
        Schema("terrain", "Bare-ground elevation.", raster=True, unit="m"),
        Schema("heights", "Building height above ground.", raster=True, unit="m"),
        Schema("canopy", "Tree canopy height above ground.", raster=True, unit="m"),
        Schema("land_cover_map", "Mapped land cover, by class code.", raster=True, unit="class"),
    )
}
"""Every layer a city may have. The timetable is several tables under one name: see layers/timetable.py."""
