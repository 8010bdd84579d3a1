"""Foreign tables and features: mapped, projected, and refused where they would mislead."""

from __future__ import annotations

import gzip

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.core.errors import LayerError, SourceError
from synapolis.sources.samples import read_income_sample
from synapolis.sources.tables import parse_mapping, read_table, split_mapping

UTM = "EPSG:32635"
CELLS = ("891126d3147ffff", "891126d314bffff")


def zones(tmp_path, shapes, **columns):
    path = tmp_path / "zones.gpkg"
    gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM).to_file(path)
    return path


def boxes(count=3, size=100.0):
    return [shapely.box(385000 + i * size, 6672000, 385000 + (i + 1) * size, 6672100) for i in range(count)]


def test_mapping_words():
    assert split_mapping("a/b.csv:population=P,id=I") == ("a/b.csv", "population=P,id=I")
    assert split_mapping("c:/b.csv") == ("c:/b.csv", "")
    plan = parse_mapping("homes=A+B, id=K", "zones")
    assert plan.columns == {"homes": ("A", "B")}
    assert plan.special == {"id": "K"}
    with pytest.raises(SourceError, match="city_column=source_column"):
        parse_mapping("population", "zones")
    with pytest.raises(SourceError, match="no column 'colour'"):
        parse_mapping("colour=C", "buildings")


def test_columns_are_mapped_and_added(tmp_path):
    path = zones(tmp_path, boxes(), K=[7.0, 8.0, 9.0], P=[1, 2, 3], A=[1, 1, 1], B=[2, 3, 4])
    read = read_table(path, layer="zones", mapping="id=K,population=P,homes=A+B,cars=P", crs=UTM)
    assert list(read.table.index) == ["7", "8", "9"]
    assert list(read.table["homes"]) == [3, 4, 5]
    assert list(read.table["cars"]) == [1, 2, 3]  # zones may carry more
    assert read.table["jobs"].isna().all()
    assert "no source for jobs" in read.notes[0]


def test_without_mapping_equal_names_are_taken(tmp_path):
    read = read_table(zones(tmp_path, boxes(), Population=[1, 2, 3]), layer="zones", crs=UTM)
    assert read.table["population"].sum() == 6
    assert len(set(read.table.index)) == 3  # ids from the shapes, not from row numbers
    again = read_table(zones(tmp_path, boxes()[::-1], Population=[3, 2, 1]), layer="zones", crs=UTM)
    assert set(again.table.index) == set(read.table.index)


def test_h3_ids_become_cells(tmp_path):
    path = tmp_path / "hex.csv"
    path.write_text("id,people\n" + "\n".join(f"{cell},{10}" for cell in CELLS))
    table = read_table(path, layer="zones", mapping="id=id,population=people", crs=UTM).table
    assert list(table.index) == list(CELLS)
    assert table.area.between(0.08e6, 0.15e6).all()  # resolution 9: 0.105 km² on average


def test_points_from_lon_lat(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("key,x,y,what\na,24.94,60.17,school\nb,,,shop\n")
    read = read_table(path, layer="points_of_interest", mapping="id=key,lon=x,lat=y,kind=what", crs=UTM)
    assert list(read.table.index) == ["a"]
    assert read.table.geometry["a"].distance(shapely.Point(385700, 6672200)) < 700
    assert any("1 rows without geometry" in note for note in read.notes)


def test_shapes_of_another_file_are_joined(tmp_path):
    gpd.GeoDataFrame({"TAZ": [1.0, 2.0, 3.0]}, geometry=boxes(), crs=UTM).to_file(tmp_path / "taz.geojson")
    (tmp_path / "taz.geojson.gz").write_bytes(gzip.compress((tmp_path / "taz.geojson").read_bytes()))
    path = tmp_path / "land.csv"
    path.write_text("ZONE,POP\n3,30\n1,10\n")
    mapping = "id=ZONE,population=POP,geometry=taz.geojson.gz,geometry_id=TAZ"
    table = read_table(path, layer="zones", mapping=mapping, crs=UTM).table
    assert table.loc["3", "population"] == 30
    assert table.geometry["3"].distance(boxes()[2]) < 1
    path.write_text("ZONE,POP\n9,30\n")
    with pytest.raises(SourceError, match="no shape with TAZ = 9"):
        read_table(path, layer="zones", mapping=mapping, crs=UTM)


def test_empty_column_that_looks_present_is_not_zero(tmp_path):
    path = zones(tmp_path, boxes(), K=["a", "b", "c"], employment=np.full(3, np.nan))
    read = read_table(path, layer="zones", mapping="id=K,jobs=employment", crs=UTM)
    assert read.table["jobs"].isna().all()
    assert "employment is there but empty" in read.notes[0]


def test_negative_people_are_refused(tmp_path):
    path = zones(tmp_path, boxes(), K=["a", "b", "c"], P=[5, -1, 2])
    with pytest.raises(LayerError, match=r"population must be at least 0 .* got -1 on 1 features \(first: \['b'\]\)"):
        read_table(path, layer="zones", mapping="id=K,population=P", crs=UTM)


def test_words_where_a_number_belongs_are_refused(tmp_path):
    path = zones(tmp_path, boxes(), P=["many", "2", "3"])
    with pytest.raises(LayerError, match="population must be a number"):
        read_table(path, layer="zones", mapping="population=P", crs=UTM)


def test_missing_column_and_file_are_named(tmp_path):
    path = zones(tmp_path, boxes(), P=[1, 2, 3])
    with pytest.raises(SourceError, match="no column Q; it has P"):
        read_table(path, layer="zones", mapping="population=Q", crs=UTM)
    with pytest.raises(SourceError, match="no file"):
        read_table(tmp_path / "none.csv", layer="zones")
    with pytest.raises(SourceError, match="no table layer is called 'colours'"):
        read_table(path, layer="colours")


def test_doubled_or_blank_ids_are_refused(tmp_path):
    with pytest.raises(LayerError, match="unique ids"):
        read_table(zones(tmp_path, boxes(), K=["a", "a", "c"]), layer="zones", mapping="id=K,name=K", crs=UTM)
    with pytest.raises(LayerError, match="have no id"):
        read_table(zones(tmp_path, boxes(), K=["a", None, "c"]), layer="zones", mapping="id=K,name=K", crs=UTM)


def test_bow_tie_is_refused_and_a_small_loop_is_mended(tmp_path):
    x, y = 385000, 6672000
    tie = shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    with pytest.raises(LayerError, match="polygon 'a' crosses itself"):
        read_table(zones(tmp_path, [tie], K=["a"]), layer="zones", mapping="id=K,name=K", crs=UTM)
    corners = [
        (x, y),
        (x + 100, y),
        (x + 100, y + 100),
        (x + 1, y + 100),
        (x + 1, y + 101),
        (x, y + 100),
        (x + 2, y + 100.5),
    ]
    loop = shapely.Polygon(corners)
    assert not loop.is_valid
    read = read_table(zones(tmp_path, [loop], K=["a"]), layer="zones", mapping="id=K,name=K", crs=UTM)
    assert read.table.geometry.is_valid.all()
    assert "1 self-crossing polygons were mended" in " ".join(read.notes)


def test_degrees_that_are_none_are_refused(tmp_path):
    path = tmp_path / "sales.geojson"
    gpd.GeoDataFrame({"id": [1]}, geometry=[shapely.Point(907, 534)], crs="EPSG:4326").to_file(path)
    with pytest.raises(SourceError, match="says its coordinates are degrees"):
        read_table(path, layer="points_of_interest")
    table = read_table(
        path, layer="points_of_interest", mapping="id=id,crs=EPSG:2248,scale=304.8,kind=id", crs="EPSG:32618"
    )
    assert len(table.table) == 1


def test_baltimore_sales_say_the_wrong_crs(shared_data):
    path = shared_data / "baltimore" / "baltimore_house_sales_1978.geojson"
    with pytest.raises(SourceError, match="add the true crs"):
        read_table(path, layer="points_of_interest", mapping="id=STATION,kind=STATION")


def test_layer_beside_the_city_is_refused(tmp_path):
    path = zones(tmp_path, boxes(), P=[1, 2, 3])
    with pytest.raises(SourceError, match=r"does not overlap the city, its nearest feature is 9\.7 km away"):
        read_table(
            path, layer="zones", mapping="population=P", crs=UTM, extent=shapely.box(395000, 6672000, 396000, 6673000)
        )
    near = shapely.box(384000, 6672000, 385050, 6673000)
    read = read_table(path, layer="zones", mapping="population=P", crs=UTM, extent=near)
    assert "2 of 3 features lie outside" in " ".join(read.notes)


def test_several_layers_in_one_sqlite(tmp_path):
    path = tmp_path / "many.gpkg"
    gpd.GeoDataFrame({"P": [1, 2, 3]}, geometry=boxes(), crs=UTM).to_file(path, layer="wards")
    gpd.GeoDataFrame({"Q": [1]}, geometry=boxes(1), crs=UTM).to_file(path, layer="other")
    read = read_table(path, layer="zones", mapping="layer=wards,population=P", crs=UTM)
    assert read.table["population"].sum() == 6


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".csv.gz"])
def test_garbage_is_refused(tmp_path, suffix):
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(b"\x1f\x8b garbage" * 30)
    with pytest.raises(SourceError):
        read_table(path, layer="zones")


def test_household_sample_is_weighted_to_the_counts(tmp_path):
    table = read_table(
        zones(tmp_path, boxes(), K=["a", "b", "c"], H=[100, 300, 0]), layer="zones", mapping="id=K,households=H"
    ).table
    path = tmp_path / "sample.csv"
    rows = [("a", 10 * i) for i in range(1, 6)] + [("b", 100 * i) for i in range(1, 6)]
    path.write_text("Z,money\n" + "\n".join(f"{z},{m}" for z, m in rows))
    groups, notes = read_income_sample(path, "zone=Z,income=money,weight_to=households", table)
    counted = groups.groupby("zone")["households"].sum()
    assert counted.to_dict() == pytest.approx({"a": 100, "b": 300})
    mean = (groups["households"] * groups["income"]).sum() / groups["households"].sum()
    assert mean == pytest.approx((100 * 30 + 300 * 300) / 400)
    by_group = groups.groupby("group")[["households", "income"]].agg({"households": "sum", "income": "mean"})
    assert by_group["income"].is_monotonic_increasing
    assert "10 sampled households" in notes[0]
    with pytest.raises(SourceError, match="weight_to"):
        read_income_sample(path, "zone=Z,income=money", table)
    with pytest.raises(LayerError, match="not in layer 'zones'"):
        read_income_sample(path, "zone=Z,income=money,weight_to=households", table.drop("b"))
