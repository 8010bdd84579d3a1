"""Build, make up, show and list cities."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synapolis.cli.shared import JsonOption, load_city, out, progress, talk

if TYPE_CHECKING:
    from synapolis.layers.city import City

city_app = typer.Typer(help="Build, make up, show and list cities.", no_args_is_help=True)


@city_app.command("build")
def city_build(
    folder: Annotated[str, typer.Argument(help="Where the city goes: a name in the workspace, or a folder.")],
    spec: Annotated[Path | None, typer.Option("--spec", help="build.toml with the same fields.")] = None,
    osm: Annotated[Path | None, typer.Option(help="OpenStreetMap extract (.osm.pbf, .osm).")] = None,
    network: Annotated[Path | None, typer.Option(help="AequilibraE project (zip or SQLite).")] = None,
    gtfs: Annotated[list[Path] | None, typer.Option(help="GTFS feed (zip or folder); repeatable.")] = None,
    terrain: Annotated[Path | None, typer.Option(help="Bare-ground elevation raster.")] = None,
    heights: Annotated[Path | None, typer.Option(help="Building-height raster.")] = None,
    canopy: Annotated[Path | None, typer.Option(help="Tree-canopy raster.")] = None,
    zones: Annotated[
        str | None, typer.Option(help="FILE[:mapping] of zones, e.g. hex.csv:id=id,population=pop.")
    ] = None,
    weather: Annotated[Path | None, typer.Option(help="EPW weather file.")] = None,
    sewers: Annotated[Path | None, typer.Option(help="Sewers: an EPA SWMM project (.inp) in the city's CRS.")] = None,
    layer: Annotated[list[str] | None, typer.Option(help="NAME=FILE[:mapping]; repeatable.")] = None,
    title: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    crs: Annotated[str | None, typer.Option(help="Projected CRS in metres; default: the UTM zone.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA timezone.")] = None,
    year: Annotated[int | None, typer.Option(help="Reference year.")] = None,
    country: Annotated[str | None, typer.Option(help="ISO country code.")] = None,
    cell_size: Annotated[
        float | None,
        typer.Option(help="Grid cell [m]; default: the finest that keeps the city under half a million cells."),
    ] = None,
) -> None:
    """Build a city from files. What is missing is derived later, or said to be missing."""
    from synapolis.core.noting import noting
    from synapolis.layers.city import save_city
    from synapolis.layers.workspace import city_folder
    from synapolis.records.journal import Journal, local_actor
    from synapolis.records.store import open_store
    from synapolis.scenarios.recording import record_build
    from synapolis.sources.build import BuildSpec, build_city

    target = city_folder(folder)
    facts = {"title": title, "crs": crs, "timezone": timezone, "year": year, "country": country, "cell_size": cell_size}
    if spec is not None and any((osm, network, gtfs, terrain, heights, canopy, zones, weather, sewers, layer)):
        raise typer.BadParameter("give either --spec or files by their flags, not both")
    read = (
        BuildSpec.from_toml(spec)
        if spec is not None
        else BuildSpec.from_flags(
            osm=osm,
            network=network,
            gtfs=gtfs or (),
            terrain=terrain,
            heights=heights,
            canopy=canopy,
            zones=zones,
            weather=weather,
            sewers=sewers,
            layer=layer or (),
            name=target.name,
            **facts,
        )
    )
    with noting(), progress() as tell, open_store() as store:
        city = build_city(read, progress=lambda step: tell(str(step), 0, 1))
        record_build(Journal(store), city, actor=local_actor())
        save_city(city, target)
    _show(city, str(target))


@city_app.command("generate")
def city_generate(
    folder: Annotated[str, typer.Argument(help="Where the city goes: a name in the workspace, or a folder.")],
    people: Annotated[int, typer.Option(min=500, max=300_000, help="Residents.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same city.")] = 1,
) -> None:
    """Make up a complete city: terrain, streets, buildings, people, incomes, rents, timetable, sewers."""
    from synapolis.layers.city import save_city
    from synapolis.layers.workspace import city_folder
    from synapolis.sources.generate import generate_city

    target = city_folder(folder)
    city = generate_city(people=people, seed=seed, name=target.name)
    save_city(city, target)
    _show(city, str(target))


@city_app.command("show")
def city_show(
    name: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    as_json: JsonOption = False,
) -> None:
    """Show a city's layers, and for each quantity whether it can be computed and on what origin."""
    place = load_city(name)
    if as_json:
        sys.stdout.write(json.dumps(_facts(place), ensure_ascii=False, indent=2) + "\n")
        return
    _show(place, name)


@city_app.command("sewers")
def city_sewers(
    name: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    inp: Annotated[Path, typer.Option("--inp", help="SWMM project to write.")],
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Write the made-up network even where one is mapped.")
    ] = False,
) -> None:
    """Write a city's sewers as an EPA SWMM project; where none are mapped, made up along the streets and said so."""
    from synapolis.report.sewers import sewer_project
    from synapolis.scenarios.cache import default_cache

    place = load_city(name)
    with progress() as tell:
        text = sewer_project(place, default_cache(), synthetic=synthetic, progress=tell)
    inp.write_text(text, encoding="utf-8")
    talk.print(f"Sewers of {place.title}: {inp}")


@city_app.command("list")
def city_list() -> None:
    """List the cities in the workspace."""
    from synapolis.layers.workspace import list_cities

    for name in list_cities():
        out.print(name)


def _facts(city: City) -> dict[str, Any]:
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.survey import survey

    layers = {
        x.name: {"origin": x.origin, "source": x.source, "licence": x.licence, "note": x.note}
        for x in city.layers.values()
    }
    return {
        "name": city.name,
        "title": city.title,
        "hash": city.digest,
        "layers": layers,
        "quantities": survey(city, default_cache()),
    }


def _show(city: City, where: str) -> None:
    from synapolis.models import load_models
    from synapolis.report.console import print_city
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.survey import survey

    load_models()
    with progress() as tell:
        quantities = survey(city, default_cache(), progress=tell)
    print_city(city, quantities, out)
    talk.print(f"City folder: {where}")
