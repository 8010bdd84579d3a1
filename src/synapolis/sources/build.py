"""Builds a city from its files: reads each, brings all to one CRS and extent, and says of each where it is from."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pyproj import Transformer

from synapolis.core.declare import Assumption
from synapolis.core.errors import SourceError
from synapolis.layers.city import City, Layer
from synapolis.layers.grid import Grid
from synapolis.layers.schemas import LAYERS
from synapolis.layers.timetable import Timetable, merge_timetables
from synapolis.sources.osm import ATTRIBUTION, LICENCE, read_osm
from synapolis.sources.rasters import read_raster
from synapolis.sources.samples import read_income_sample
from synapolis.sources.service_hours import departure_hour, timetable_notes
from synapolis.sources.tables import read_table, split_mapping

CELL_SIZES = (4.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
MOST_CELLS = 500_000
UNKNOWN_LICENCE = "unknown (not stated by the builder)"
UNKNOWN_SOURCE = "stated by the builder"
RASTER_LAYERS = ("terrain", "heights", "canopy", "land_cover_map")
SINGLE_ZONE_COUNTRIES = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "CH": "Europe/Zurich",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "IE": "Europe/Dublin",
    "IN": "Asia/Kolkata",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "SE": "Europe/Stockholm",
}
"""Countries whose cities (nearly) all keep one clock; IANA names."""

Progress = Callable[[str], None]
FileWord = Path | str | list[Path] | list[str] | None
"""A file named on the command line; a repeatable flag gives a list."""


class LayerFile(BaseModel):
    """One file of a build, with where it comes from and what may be done with it.

    `mapping` is `city_column=source_column,…` or a TOML table of these; `name` is the short name of a GTFS feed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path
    mapping: str = ""
    source: str = ""
    licence: str = ""
    origin: Literal["observed", "derived", "assumed"] = "observed"
    owner: str = ""
    terms: str = ""
    note: str = ""
    name: str = ""

    @field_validator("mapping", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return ",".join(f"{key}={word}" for key, word in value.items()) if isinstance(value, dict) else value


class BuildSpec(BaseModel):
    """What a city is built from: the words of `build.toml` and of the flags of `synapolis city build`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    title: str = ""
    crs: str | None = None
    timezone: str = ""
    year: int | None = Field(default=None, ge=1000, le=3000)
    cell_size: float | None = Field(default=None, gt=0)
    country: str = ""
    currency: str = ""
    vertical_datum: str = "unknown"
    osm: LayerFile | None = None
    network: LayerFile | None = None
    gtfs: tuple[LayerFile, ...] = ()
    terrain: LayerFile | None = None
    heights: LayerFile | None = None
    canopy: LayerFile | None = None
    zones: LayerFile | None = None
    weather: LayerFile | None = None
    sewers: LayerFile | None = None
    layers: Mapping[str, LayerFile] = Field(default_factory=dict)

    @field_validator("osm", "network", "terrain", "heights", "canopy", "zones", "weather", "sewers", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            if len(value) > 1:
                raise ValueError(f"wanted one file, got {len(value)}; join them first (osmium merge, gdalwarp)")
            value = value[0] if value else None
        return _as_file(value)

    @field_validator("gtfs", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        if isinstance(value, (str, Path, dict, LayerFile)):
            value = [value]
        return tuple(_as_file(each) for each in value)

    @field_validator("layers", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        strange = set(value) - set(LAYERS)
        if strange:
            raise ValueError(f"no layer is called {', '.join(sorted(strange))}; layers are {', '.join(sorted(LAYERS))}")
        return {name: _as_file(each) for name, each in value.items()}

    @classmethod
    def from_toml(cls, path: Path | str) -> BuildSpec:
        """Read a `build.toml`; its files are named relative to its folder, which also gives the default name.

        Raises
        ------
        SourceError
            No such file, no TOML, or a word or value that is not known.
        """
        path = Path(path)
        try:
            words = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SourceError(f"{path} cannot be read as TOML: {error}; mend it") from error
        words.setdefault("name", path.resolve().parent.name)
        return _validated(words, str(path)).in_folder(path.parent)

    @classmethod
    def from_flags(
        cls,
        *,
        osm: FileWord = None,
        network: FileWord = None,
        gtfs: Iterable[Path | str] = (),
        terrain: FileWord = None,
        heights: FileWord = None,
        canopy: FileWord = None,
        zones: FileWord = None,
        weather: FileWord = None,
        sewers: FileWord = None,
        layer: Iterable[str] = (),
        **facts: Any,
    ) -> BuildSpec:
        """Make a specification from command-line words: files as `FILE[:mapping]`, layers as `NAME=FILE[:mapping]`.

        Raises
        ------
        SourceError
            A layer without `=`, or a word that is not known.
        """
        layers: dict[str, str] = {}
        for text in layer:
            name, equals, file = text.partition("=")
            if not equals or not file:
                raise SourceError(f"wanted --layer NAME=FILE[:mapping], got {text!r}; name the layer first")
            layers[name] = file
        files = {"osm": osm, "network": network, "terrain": terrain, "heights": heights, "canopy": canopy}
        files |= {"zones": zones, "weather": weather, "sewers": sewers}
        given = {name: value for name, value in (files | facts).items() if value not in (None, [])}
        return _validated(given | {"gtfs": list(gtfs), "layers": layers}, "command line")

    def in_folder(self, folder: Path) -> BuildSpec:
        """Return the specification with its files taken relative to a folder."""

        def placed(each: LayerFile | None) -> LayerFile | None:
            return None if each is None else each.model_copy(update={"file": folder / each.file})

        one = ("osm", "network", "terrain", "heights", "canopy", "zones", "weather", "sewers")
        return self.model_copy(
            update={name: placed(getattr(self, name)) for name in one}
            | {"gtfs": tuple(filter(None, map(placed, self.gtfs)))}
            | {"layers": {name: placed(each) for name, each in self.layers.items()}}
        )


def _as_file(value: Any) -> Any:
    if isinstance(value, str | Path):
        file, mapping = split_mapping(str(value))
        return LayerFile(file=Path(file), mapping=mapping)
    return value


def _validated(words: dict[str, Any], where: str) -> BuildSpec:
    try:
        return BuildSpec.model_validate(words)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SourceError(f"{where}: {place}: {first['msg']} (got {first['input']!r}); mend it") from error


# --- assembly ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where the city is: settled by the first file that knows."""

    crs: str
    extent: shapely.Polygon
    year: int | None = None


def build_city(spec: BuildSpec, progress: Progress | None = None) -> City:
    """Read every file of a specification into one city.

    The extent is that of the OSM file, else the box around the network, else around the zones, else around the
    terrain; what lies wholly outside is refused, what sticks out is kept or cut as each reader says.

    Parameters
    ----------
    spec : BuildSpec
        The files and the facts.
    progress : callable, optional
        Called with a line for each file read.

    Returns
    -------
    City
        Not yet written anywhere.

    Raises
    ------
    SourceError
        A file that cannot be read, lies elsewhere, or no file at all; no reference year to be had.
    LayerError
        Values that a layer does not allow.
    """
    say = progress or (lambda _: None)
    layers: dict[str, Layer] = {}
    notes: list[str] = []
    place = _read_map(spec, layers, notes, say)
    place = _read_network(spec, place, layers, say)
    place = _read_tables(spec, place, layers, say)
    place = _read_rasters(spec, place, layers, say)
    place = _read_sewers(spec, place, layers, say)
    if place is None:
        raise SourceError(
            "a city needs at least one of --osm, --network, --zones, --layer, --terrain or --sewers; give one"
        )
    _read_weather(spec, place, layers, say)
    _read_feeds(spec, place, layers, say)
    city = _city(spec, place, layers, notes)
    say(
        f"{len(city.layers)} layers on a grid of {city.grid.rows} x {city.grid.columns} cells of "
        f"{city.grid.cell_size:g} m"
    )
    return city


def _layer(name: str, value: Any, file: LayerFile, notes: Iterable[str] = (), **facts: str) -> Layer:
    text = "; ".join(filter(None, [file.note, *notes]))
    return Layer(
        name=name,
        value=value,
        source=file.source or facts.get("source", f"{file.file.name}, {UNKNOWN_SOURCE}"),
        licence=file.licence or facts.get("licence", UNKNOWN_LICENCE),
        origin=file.origin,
        owner=file.owner,
        terms=file.terms,
        note=text,
    )


def _read_map(spec: BuildSpec, layers: dict[str, Layer], notes: list[str], say: Progress) -> _Place | None:
    if spec.osm is None:
        return None
    say(f"reading map {spec.osm.file.name}")
    extract = read_osm(spec.osm.file, spec.crs)
    for name, table in extract.layers.items():
        layers[name] = _layer(name, table, spec.osm, extract.notes.get(name, ()), source=ATTRIBUTION, licence=LICENCE)
    notes += extract.notes.get("", [])
    return _Place(extract.crs, extract.extent, extract.year)


def _read_network(spec: BuildSpec, place: _Place | None, layers: dict[str, Layer], say: Progress) -> _Place | None:
    if spec.network is None:
        return place
    from synapolis.sources.network import read_network  # noqa: PLC0415 - few cities have one

    say(f"reading network {spec.network.file.name}")
    project = read_network(spec.network.file, place.crs if place else spec.crs)
    for name, value in project.layers.items():
        layers[name] = _layer(name, value, spec.network, project.notes.get(name, ()))
    return place or _Place(project.crs, project.extent)


def _read_tables(spec: BuildSpec, place: _Place | None, layers: dict[str, Layer], say: Progress) -> _Place | None:
    files = ({"zones": spec.zones} if spec.zones else {}) | {
        name: file for name, file in spec.layers.items() if not LAYERS[name].raster
    }
    for name, file in files.items():
        say(f"reading {name} from {file.file.name}")
        if "weight_to=" in file.mapping:
            _require_zones(layers, file)
            value, notes = read_income_sample(file.file, file.mapping, layers["zones"].value)
        else:
            read = read_table(
                file.file,
                layer=name,
                mapping=file.mapping,
                crs=place.crs if place else spec.crs,
                extent=place.extent if place else None,
            )
            value, notes = read.table, read.notes
        layers[name] = _layer(name, value, file, notes)
        if place is None and "geometry" in value.columns:
            place = _Place(value.crs.to_string(), shapely.box(*value.total_bounds))
    return place


def _require_zones(layers: dict[str, Layer], file: LayerFile) -> None:
    if "zones" not in layers:
        raise SourceError(f"{file.file}: a household sample is weighted to zones; give --zones as well")


def _read_rasters(spec: BuildSpec, place: _Place | None, layers: dict[str, Layer], say: Progress) -> _Place | None:
    for name in RASTER_LAYERS:
        file = getattr(spec, name, None) or spec.layers.get(name)
        if file is None:
            continue
        say(f"reading {name} from {file.file.name}")
        read = read_raster(
            file.file, layer=name, crs=place.crs if place else spec.crs, extent=place.extent if place else None
        )
        notes = list(read.notes) + ([f"covers {read.coverage:.0%} of the city"] if read.coverage < 0.995 else [])
        layers[name] = _layer(name, read.raster, file, notes)
        place = place or _Place(read.raster.crs, read.extent)
    return place


SEWER_MARGIN = 100.0
"""Ground around the manholes that belongs to a city known by its sewers alone [m]."""


def _read_sewers(spec: BuildSpec, place: _Place | None, layers: dict[str, Layer], say: Progress) -> _Place | None:
    if spec.sewers is None:
        return place
    from synapolis.sources.swmm import read_swmm  # noqa: PLC0415 - few cities have one

    say(f"reading sewers {spec.sewers.file.name}")
    read = read_swmm(spec.sewers.file, place.crs if place else spec.crs)
    if place is not None and not read.nodes.intersects(place.extent).any():
        raise SourceError(
            f"{spec.sewers.file.name}: no manhole lies in the city; its coordinates must be in {place.crs}"
        )
    layers["sewer_nodes"] = _layer("sewer_nodes", read.nodes, spec.sewers, read.notes)
    layers["sewer_pipes"] = _layer("sewer_pipes", read.pipes, spec.sewers, read.notes)
    if "terrain" not in layers and "spot_heights" not in layers:
        rims = spec.sewers.model_copy(update={"origin": "derived"})
        note = "ground elevation at manhole covers: the terrain between them is interpolated"
        layers["spot_heights"] = _layer("spot_heights", read.rims(), rims, [note])
    box = shapely.box(*read.nodes.total_bounds).buffer(SEWER_MARGIN, join_style="mitre")
    return place or _Place(read.nodes.crs.to_string(), box)


def _read_weather(spec: BuildSpec, place: _Place, layers: dict[str, Layer], say: Progress) -> None:
    if spec.weather is None:
        return
    from synapolis.sources.weather import read_weather  # noqa: PLC0415 - few cities have one

    say(f"reading weather {spec.weather.file.name}")
    read = read_weather(spec.weather.file)
    middle = place.extent.centroid
    station = Transformer.from_crs("EPSG:4326", place.crs, always_xy=True).transform(read.longitude, read.latitude)
    far = math.dist(station, (middle.x, middle.y)) / 1000
    notes = [*read.notes, *([f"the station lies {far:.0f} km from the city: a proxy climate"] if far > 50 else [])]
    layers["weather"] = _layer("weather", read.table, spec.weather, notes)


def _read_feeds(spec: BuildSpec, place: _Place, layers: dict[str, Layer], say: Progress) -> None:
    if not spec.gtfs:
        return
    from synapolis.sources.gtfs import read_gtfs  # noqa: PLC0415 - few cities have one

    feeds: list[Timetable] = []
    for file in spec.gtfs:
        say(f"reading timetable {file.file.name}")
        feeds.append(read_gtfs(file.file, feed=file.name or file.file.stem.removeprefix("gtfs_"), crs=place.crs))
    timetable = merge_timetables(feeds)
    inside = timetable.stops.intersects(place.extent.buffer(1000)).sum()
    if inside == 0:
        names = ", ".join(file.file.name for file in spec.gtfs)
        raise SourceError(
            f"{names}: no stop lies in or near the city; give the timetable of this place, or leave it out"
        )
    notes = [f"{len(timetable.stops) - inside} stops lie outside the extent"] if inside < len(timetable.stops) else []
    streets = layers["streets"].value if "streets" in layers else None
    notes += timetable_notes(timetable, streets)
    joined = spec.gtfs[0].model_copy(
        update={
            "source": "; ".join(dict.fromkeys(f.source or f"{f.file.name}, {UNKNOWN_SOURCE}" for f in spec.gtfs)),
            "licence": "; ".join(dict.fromkeys(f.licence or UNKNOWN_LICENCE for f in spec.gtfs)),
        }
    )
    layers["timetable"] = _layer("timetable", timetable, joined, notes)


# --- facts of the whole -----------------------------------------------------------------------------------------------


def _city(spec: BuildSpec, place: _Place, layers: dict[str, Layer], notes: list[str]) -> City:
    name = spec.name or "city"
    return City(
        name=name,
        title=spec.title or name,
        crs=place.crs,
        timezone=_timezone(spec, place, notes),
        reference_year=_year(spec, place, layers),
        extent=place.extent,
        grid=city_grid(place.extent, spec.cell_size),
        country=spec.country,
        vertical_datum=spec.vertical_datum,
        currency=spec.currency,
        layers=layers,
        assumptions=_stated(layers),
        attribution=_attribution(layers.values()),
        notes=tuple(notes),
    )


def _stated(layers: Mapping[str, Layer]) -> dict[str, Assumption]:
    """Assumptions that this city's data settle."""
    found = departure_hour(layers["timetable"].value) if "timetable" in layers else None
    return {} if found is None else {found.name: found}


def city_grid(extent: shapely.Polygon, cell_size: float | None = None) -> Grid:
    """Lay the city's grid: the finest cell of 4, 5, 10, 20 … m that gives at most 500,000 cells, unless stated.

    Parameters
    ----------
    extent : Polygon
        In the city's CRS [m].
    cell_size : float, optional
        Size of a cell [m].

    Returns
    -------
    Grid
        Its corner lies on a multiple of the cell size.
    """
    left, bottom, right, top = extent.bounds
    sizes = (cell_size,) if cell_size else CELL_SIZES
    for size in sizes:
        left_edge, top_edge = math.floor(left / size) * size, math.ceil(top / size) * size
        columns, rows = math.ceil((right - left_edge) / size), math.ceil((top_edge - bottom) / size)
        if cell_size or rows * columns <= MOST_CELLS:
            return Grid(left_edge, top_edge, size, rows, columns)
    raise SourceError(
        f"the extent is {(right - left) / 1000:.0f} x {(top - bottom) / 1000:.0f} km: more than a city; "
        "cut the files to one, or state --cell-size"
    )


def _timezone(spec: BuildSpec, place: _Place, notes: list[str]) -> str:
    if spec.timezone:
        return spec.timezone
    if spec.country.upper() in SINGLE_ZONE_COUNTRIES:
        return SINGLE_ZONE_COUNTRIES[spec.country.upper()]
    middle = place.extent.centroid
    longitude, _ = Transformer.from_crs(place.crs, "EPSG:4326", always_xy=True).transform(middle.x, middle.y)
    hours = round(longitude / 15)
    notes.append("the timezone is taken from the longitude: state it with --timezone")
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"  # POSIX sign: east is negative


def _year(spec: BuildSpec, place: _Place, layers: Mapping[str, Layer]) -> int:
    known = spec.year or place.year
    if known is not None:
        return known
    if "timetable" in layers:
        dates = layers["timetable"].value.services["date"]
        if len(dates):
            return int(str(dates.min())[:4])
    raise SourceError("a city needs the year its data stand for; state it with --year")


def _attribution(layers: Iterable[Layer]) -> tuple[str, ...]:
    lines = []
    for layer in layers:
        known = layer.licence != UNKNOWN_LICENCE
        lines.append(f"{layer.source} ({layer.licence})" if known else layer.source)
    return tuple(dict.fromkeys(lines))
