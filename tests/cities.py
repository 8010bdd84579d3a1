"""What the cities of the development data are built from: specifications for tests, given the folder of data."""

from __future__ import annotations

from pathlib import Path

from synapolis.sources.build import BuildSpec, LayerFile
from synapolis.sources.builtin import coquimbo_spec, helsinki_spec


def helsinki(data: Path) -> BuildSpec:
    grid = LayerFile(
        file=data / "helsinki/helsinki_population_grid_2020.gpkg",
        mapping="population=population,id=id",
        source="Helsinki Region Environmental Services HSY, population grid 2020",
        licence="CC BY 4.0",
    )
    spec = helsinki_spec(data / "helsinki/Helsinki.osm.pbf")
    return spec.model_copy(update={"layers": {"population_grid": grid}})


def porto_alegre(data: Path) -> BuildSpec:
    folder = data / "porto-alegre"
    return BuildSpec(
        name="porto-alegre",
        title="Porto Alegre",
        timezone="America/Sao_Paulo",
        year=2019,
        country="BR",
        currency="BRL",
        osm=LayerFile(file=folder / "poa_osm.pbf"),
        gtfs=(
            LayerFile(file=folder / "poa_eptc.zip", name="eptc", source="EPTC, bus timetable 2019"),
            LayerFile(file=folder / "poa_trensurb.zip", name="trensurb", source="Trensurb, rail timetable 2019"),
        ),
        terrain=LayerFile(file=folder / "poa_elevation.tif", source="1 arc-second elevation, SRTM-like"),
        zones=LayerFile(
            file=folder / "poa_hexgrid.csv",
            mapping="id=id,population=population,jobs=jobs,schools=schools,health_care=healthcare",
            source="IPEA, Access to Opportunities, H3 cells",
        ),
    )


def bilbao(data: Path) -> BuildSpec:
    folder = data / "bilbao"
    facts = {"source": "PNOA-LiDAR, Instituto Geográfico Nacional", "licence": "CC BY 4.0"}
    return BuildSpec(
        name="bilbao",
        title="Bilbao",
        timezone="Europe/Madrid",
        year=2021,
        country="ES",
        currency="EUR",
        terrain=LayerFile(file=folder / "DEM.tif", **facts),
        heights=LayerFile(file=folder / "BDSM.tif", **facts),
        canopy=LayerFile(file=folder / "CDSM.tif", **facts),
        weather=LayerFile(file=folder / "bilbao_2021.epw.gz", source="ECMWF/ERA typical year, as its header says"),
    )


def san_francisco(data: Path) -> BuildSpec:
    folder = data / "san-francisco"
    facts = {"source": "MTC Travel Model One, ActivitySim example", "licence": "BSD-3-Clause"}
    return BuildSpec(
        name="san-francisco",
        title="San Francisco, 25 downtown zones",
        timezone="America/Los_Angeles",
        year=2000,
        country="US",
        currency="USD",
        zones=LayerFile(
            file=folder / "land_use.csv",
            mapping=(
                "id=TAZ,population=TOTPOP,jobs=TOTEMP,homes=SFDU+MFDU,households=TOTHH,"
                "geometry=taz1454.geojson.gz,geometry_id=TAZ1454"
            ),
            **facts,
        ),
        layers={
            "income_groups": LayerFile(
                file=folder / "households.csv.gz", mapping="zone=TAZ,income=income,weight_to=households", **facts
            )
        },
    )


def coquimbo(data: Path) -> BuildSpec:
    return coquimbo_spec(data / "coquimbo/coquimbo.zip")


def baltimore(data: Path) -> BuildSpec:
    return BuildSpec(
        name="baltimore",
        title="Baltimore",
        timezone="America/New_York",
        year=2015,
        country="US",
        currency="USD",
        osm=LayerFile(file=data / "baltimore/baltimore.osm.pbf"),
    )


CITIES = {
    "helsinki": helsinki,
    "porto-alegre": porto_alegre,
    "bilbao": bilbao,
    "san-francisco": san_francisco,
    "coquimbo": coquimbo,
    "baltimore": baltimore,
}
