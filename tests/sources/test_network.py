"""AequilibraE projects: a tiny one made here, and La Serena-Coquimbo."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.core.errors import SourceError
from synapolis.layers.schemas import LAYERS
from synapolis.sources.network import read_network


@pytest.fixture
def project(tmp_path):
    """Nodes 1-2-3 in a row: a two-way street, a street drawn against its direction, a connector."""
    database = tmp_path / "project_database.sqlite"
    points = [shapely.Point(-71.25 + 0.01 * i, -29.9) for i in range(3)]
    line = [shapely.LineString(points[:2]), shapely.LineString([points[2], points[1]]), shapely.LineString(points[::2])]
    links = {
        "link_id": [1, 2, 3],
        "a_node": [1, 3, 1],
        "b_node": [2, 2, 3],
        "direction": [0, -1, 0],
        "modes": ["ctw", "ct", "c"],
        "link_type": ["primary", "residential", "centroid_connector"],
        "name": ["Uno", None, None],
        "speed_ab": [60.0, np.nan, np.nan],
        "speed_ba": [50.0, 36.0, np.nan],
        "lanes_ab": [2.0, np.nan, 9.0],
        "lanes_ba": [1.0, np.nan, 9.0],
    }
    options = {"driver": "SQLite", "SPATIALITE": "NO"}
    gpd.GeoDataFrame(links, geometry=line, crs="EPSG:4326").to_file(database, layer="links", **options)
    nodes = gpd.GeoDataFrame({"node_id": [1, 2, 3]}, geometry=points, crs="EPSG:4326")
    nodes.to_file(database, layer="nodes", mode="a", **options)
    area = shapely.box(-71.26, -29.91, -71.22, -29.89)
    facts = {"zone_id": [5], "name": ["Centro"], "population": [1200], "employment": [np.nan]}
    gpd.GeoDataFrame(facts, geometry=[area], crs="EPSG:4326").to_file(database, layer="zones", mode="a", **options)
    archive = tmp_path / "project.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.write(database, database.name)
    return archive


def test_links_become_streets(project):
    read = read_network(project)
    for name, table in read.layers.items():
        LAYERS[name].check(table)
    streets = read.layers["streets"]
    assert list(streets.index) == ["link/1", "link/2"]  # the connector is no street
    one, two = streets.loc["link/1"], streets.loc["link/2"]
    assert (one["lanes"], one["lanes_mapped"], one["one_way"]) == (3, True, False)
    assert one["max_speed"] == pytest.approx(60 / 3.6)
    assert (two["from_junction"], two["to_junction"], two["one_way"]) == ("node/2", "node/3", True)
    assert two.geometry.coords[0] == pytest.approx(read.layers["junctions"].geometry["node/2"].coords[0])
    assert two["max_speed"] == pytest.approx(10)
    assert (two["lanes"], two["lanes_mapped"]) == (1, False)


def test_empty_employment_is_not_known(project):
    read = read_network(project, "EPSG:32719")
    zones = read.layers["zones"]
    assert zones.loc["5", "population"] == 1200
    assert np.isnan(zones.loc["5", "jobs"])
    assert any("employment is there but empty" in note for note in read.notes["zones"])
    assert read.extent.covers(shapely.box(*zones.total_bounds))


def test_damaged_projects_are_refused(project, tmp_path):
    data = project.read_bytes()
    project.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="it may be cut short"):
        read_network(project)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as target:
        target.writestr("readme.txt", "nothing")
    with pytest.raises(SourceError, match="not an AequilibraE project"):
        read_network(tmp_path / "other.zip")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "project_database.sqlite").write_bytes(b"SQLite format 3\x00" + b"\xff" * 3000)
    with pytest.raises(SourceError, match="damaged"):
        read_network(tmp_path / "sub" / "project_database.sqlite")
    with pytest.raises(SourceError, match="no network project"):
        read_network(tmp_path / "none.zip")


@pytest.mark.slow
def test_coquimbo(shared_data):
    read = read_network(shared_data / "coquimbo" / "coquimbo.zip")
    streets, zones = read.layers["streets"], read.layers["zones"]
    assert len(streets) == 19983 - 137
    assert zones["population"].sum() == pytest.approx(451899, abs=0.5)
    assert zones["jobs"].isna().all()
    assert streets["max_speed"].max() < 35
    assert read.layers["junctions"]["gateway"].sum() > 5
    assert len(read.layers["timetable"].trips) == 1007
