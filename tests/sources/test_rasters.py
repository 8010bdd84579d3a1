"""Rasters in any CRS, with holes, sentinels and lies."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from rasterio.warp import transform_geom

from synapolis.core.errors import SourceError
from synapolis.sources.osm_elements import read_elements
from synapolis.sources.rasters import read_raster

UTM = "EPSG:32635"
EXTENT = shapely.box(385000, 6672000, 386000, 6673000)


def write(path, values, *, crs=UTM, transform=None, nodata=None, unit=None):
    transform = transform or from_origin(384900, 6673100, 10, 10)
    rows, columns = values.shape
    options = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": values.dtype}
    with rasterio.open(path, "w", **options, crs=crs, transform=transform, nodata=nodata) as target:
        target.write(values, 1)
        if unit:
            target.units = [unit]
    return path


@pytest.fixture
def slope():
    """120 x 120 cells of 10 m: elevation rises 0.1 m a cell eastwards."""
    return np.tile(np.arange(120, dtype=np.float32) * 0.1, (120, 1))


def test_cut_to_the_extent_with_a_margin(tmp_path, slope):
    read = read_raster(write(tmp_path / "a.tif", slope), layer="terrain", crs=UTM, extent=EXTENT)
    assert read.coverage == pytest.approx(1)
    assert read.extent.covers(EXTENT)
    assert read.raster.values.shape[0] < 120
    left = read.raster.transform[2]
    assert read.raster.values[0, 0] == pytest.approx((left - 384900) / 100)


def test_geographic_raster_lands_where_it_should(tmp_path):
    lon0, lat0 = 24.93, 60.19
    west_east = np.tile(np.linspace(0, 10, 200, dtype=np.float32), (200, 1))
    path = write(tmp_path / "g.tif", west_east, crs="EPSG:4326", transform=from_origin(lon0, lat0, 0.0002, 0.0002))
    read = read_raster(path, layer="terrain", crs=UTM, extent=EXTENT)
    x, y = 385600.0, 6672500.0
    width, _, left, _, height, top = read.raster.transform
    column, row = (x - left) / width, (y - top) / height
    lon, _ = transform_geom(UTM, "EPSG:4326", {"type": "Point", "coordinates": (x, y)})["coordinates"]
    wanted = np.interp((lon - lon0) / 0.0002 - 0.5, np.arange(200), west_east[0])
    assert read.raster.values[int(row), int(column)] == pytest.approx(wanted, abs=0.06)
    assert read.raster.crs == UTM


@pytest.mark.parametrize(
    ("sentinel", "nodata"), [(-9999, None), (-9999, -9999), (-32768, None), (0, 0), (3.4028235e38, None)]
)
def test_holes_are_nan_never_a_value(tmp_path, slope, sentinel, nodata):
    values = slope + 1
    values[50:60, 50:70] = sentinel
    read = read_raster(write(tmp_path / "h.tif", values, nodata=nodata), layer="terrain", crs=UTM, extent=EXTENT)
    found = read.raster.values
    assert np.isnan(found).sum() == 200
    assert np.nanmin(found) >= 1
    assert read.coverage == pytest.approx(1 - 200 / 100**2, abs=0.001)
    assert any("200 of 14400 cells are holes" in note for note in read.notes)


def test_undeclared_zero_is_a_height(tmp_path, slope):
    read = read_raster(write(tmp_path / "z.tif", slope * 0), layer="heights", crs=UTM, extent=EXTENT)
    assert (read.raster.values == 0).all()


def test_only_holes_is_refused(tmp_path, slope):
    with pytest.raises(SourceError, match="no valid cell"):
        read_raster(write(tmp_path / "n.tif", slope * 0 - 9999), layer="terrain", crs=UTM, extent=EXTENT)


@pytest.mark.parametrize(("layer", "value"), [("terrain", 20000), ("heights", -3), ("canopy", 500)])
def test_values_out_of_range_are_refused(tmp_path, slope, layer, value):
    values = slope.copy()
    values[3, 4] = value
    with pytest.raises(SourceError, match=r"must lie from .* row 3, column 4"):
        read_raster(write(tmp_path / "r.tif", values), layer=layer, crs=UTM, extent=EXTENT)


def test_raster_beside_the_city_is_refused_with_the_distance(tmp_path, slope):
    path = write(tmp_path / "b.tif", slope, transform=from_origin(380000, 6673100, 10, 10))
    with pytest.raises(SourceError, match=r"does not overlap the city, it lies 3\.8 km beside it"):
        read_raster(path, layer="terrain", crs=UTM, extent=EXTENT)


def test_unit_of_feet_and_missing_crs_are_refused(tmp_path, slope):
    with pytest.raises(SourceError, match="metres"):
        read_raster(write(tmp_path / "f.tif", slope, unit="ft"), layer="terrain", crs=UTM)
    path = write(tmp_path / "c.tif", slope, crs=None)
    with pytest.raises(SourceError, match="states no CRS"):
        read_raster(path, layer="terrain", crs=UTM)


def test_truncated_file_is_refused(tmp_path, slope):
    path = write(tmp_path / "t.tif", slope)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(SourceError, match="whole raster"):
        read_raster(path, layer="terrain", crs=UTM)
    path.write_bytes(b"no tiff at all")
    with pytest.raises(SourceError, match="whole raster"):
        read_raster(path, layer="terrain", crs=UTM)


def test_classes_stay_codes(tmp_path):
    codes = np.full((120, 120), 6, dtype=np.uint8)
    codes[:, :60] = 1
    read = read_raster(write(tmp_path / "k.tif", codes), layer="land_cover_map", crs="EPSG:3067")
    assert read.raster.values.dtype == np.uint8
    assert set(np.unique(read.raster.values)) <= {0, 1, 6}


def test_packed_values_are_unpacked(tmp_path):
    path = write(tmp_path / "p.tif", np.full((120, 120), 1234, dtype=np.int16))
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.01,), (2.0,)
    assert read_raster(path, layer="terrain").raster.values == pytest.approx(14.34)


def test_saturated_bytes_and_whole_metres_are_noted(tmp_path):
    values = np.full((120, 120), 255, dtype=np.uint8)
    notes = " ".join(read_raster(write(tmp_path / "s.tif", values), layer="terrain").notes)
    assert "14400 cells stand at 255" in notes
    assert "whole metres" in notes


def test_helsinki_terrain_crop_lies_beside_the_extract(shared_data):
    extent = read_elements(shared_data / "helsinki" / "Helsinki.osm.pbf").extent
    with pytest.raises(SourceError, match=r"does not overlap the city, it lies 1\.\d km"):
        read_raster(
            shared_data / "helsinki" / "elevation_model_2021_lapinlahti.tif", layer="terrain", crs=UTM, extent=extent
        )


def test_bilbao_grids_differ_slightly_and_are_both_read(shared_data):
    terrain = read_raster(shared_data / "bilbao" / "DEM.tif", layer="terrain")
    heights = read_raster(
        shared_data / "bilbao" / "BDSM.tif", layer="heights", crs=terrain.raster.crs, extent=terrain.extent
    )
    assert terrain.raster.crs == "EPSG:25830"
    assert terrain.raster.values.shape == (680, 680)
    assert heights.coverage == pytest.approx(1, abs=0.001)
    assert (np.nanmin(terrain.raster.values), np.nanmax(terrain.raster.values)) == (-2, 103)


def test_porto_alegre_terrain_saturates(shared_data):
    read = read_raster(shared_data / "porto-alegre" / "poa_elevation.tif", layer="terrain")
    assert read.raster.crs == "EPSG:32722"
    assert any("1 cells stand at 255" in note for note in read.notes)
