"""SWMM projects read into sewer layers."""

import math

import pytest

from synapolis.core.errors import SourceError
from synapolis.models.stormwater.sewers import SewerNetwork, swmm_input
from synapolis.sources.build import BuildSpec, build_city
from synapolis.sources.swmm import read_swmm

TEXT = """
[OPTIONS]
FLOW_UNITS {units}
LINK_OFFSETS DEPTH
[JUNCTIONS]
a 10 2 0 0 0
b 9.5 2 0 0 0
[OUTFALLS]
sea 9 FREE NO
[CONDUITS]
p a b 60 0.013 0 0.2 0 0
q b sea 70 0.011 0 0 0 0
[XSECTIONS]
p CIRCULAR 0.5 0 0 0 1
q RECT_CLOSED 1 2 0 0 1
[COORDINATES]
a 600000 6130000
b 600060 6130000
sea 600130 6130000
"""


def project(tmp_path, text=TEXT, units="CMS"):
    path = tmp_path / "net.inp"
    path.write_text(text.replace("{units}", units), encoding="utf-8")
    return path


def test_manholes_outfalls_and_pipes_come_out_in_metres(tmp_path):
    read = read_swmm(project(tmp_path), "EPSG:32632")
    assert list(read.nodes["kind"]) == ["manhole", "manhole", "outfall"]
    assert list(read.nodes["ground"]) == [12, 11.5, 9]
    assert read.pipes.loc["p", "lower_offset"] == 0.2
    assert read.pipes.loc["q", "diameter"] == pytest.approx(math.sqrt(4 * 2 / math.pi))
    assert read.notes == ("1 of 2 pipes are not one round pipe: their diameter is that of the same full area",)
    assert list(read.rims()["elevation"]) == [12, 11.5]


def test_feet_become_metres(tmp_path):
    read = read_swmm(project(tmp_path, units="CFS"), "EPSG:32632")
    assert read.nodes.loc["a", "invert"] == pytest.approx(3.048)
    assert read.pipes.loc["p", "length"] == pytest.approx(60 * 0.3048)


def test_what_is_read_can_be_written_and_read_again(tmp_path):
    read = read_swmm(project(tmp_path), "EPSG:32632")
    again = tmp_path / "again.inp"
    again.write_text(swmm_input(SewerNetwork.of(read.nodes, read.pipes), duration=600).to_string(), encoding="utf-8")
    back = read_swmm(again, "EPSG:32632")
    assert back.nodes["invert"].to_dict() == pytest.approx(read.nodes["invert"].to_dict())
    for column in ("diameter", "length", "roughness", "lower_offset"):
        assert back.pipes.loc["q", "shape"] == "RECT_CLOSED"
        assert back.pipes.loc["q", ["height", "width"]].tolist() == [1, 2]
        assert back.pipes[column].to_dict() == pytest.approx(read.pipes[column].to_dict(), rel=1e-5)


def test_what_is_left_out_is_said(tmp_path):
    more = """
[STORAGE]
tank 9 3 0 FUNCTIONAL 0 0 50 0 0
[PUMPS]
lift a b * ON 0 0
[INFLOWS]
a FLOW "" FLOW 1 1 0.1
"""
    text = TEXT.replace("sea 9 FREE NO", "sea 9 FIXED 9.5 YES").replace("[CONDUITS]", more + "[CONDUITS]")
    read = read_swmm(project(tmp_path, text + "tank 600010 6130010\n"), "EPSG:32632")
    assert "left out: 1 pumps, 1 inflows" in read.notes
    assert "1 storage units are taken as manholes: their room is left out" in read.notes
    assert any("1 outfalls have a level or a flap gate of their own" in note for note in read.notes)


def test_pipes_side_by_side_count_together(tmp_path):
    read = read_swmm(project(tmp_path, TEXT.replace("CIRCULAR 0.5 0 0 0 1", "CIRCULAR 0.5 0 0 0 4")), "EPSG:32632")
    assert read.pipes.loc["p", "diameter"] == pytest.approx(1.0)
    assert read.pipes.loc["p", ["height", "barrels"]].tolist() == [0.5, 4]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("[COORDINATES]", "[NOTES]"), "has no section COORDINATES"),
        (("b 600060 6130000", ""), "1 nodes have no coordinates, the first 'b'"),
        (("p CIRCULAR 0.5 0 0 0 1", ""), "the conduit 'p' has no cross-section"),
        (("q b sea", "q b gone"), "the conduit 'q' ends at 'gone', which is no node"),
        (("CIRCULAR", "IRREGULAR"), "has the shape IRREGULAR"),
    ],
)  # fmt: skip
def test_a_broken_project_is_refused_with_the_place(tmp_path, change, says):
    with pytest.raises(SourceError, match=says):
        read_swmm(project(tmp_path, TEXT.replace(*change)), "EPSG:32632")


def test_a_project_without_crs_is_refused(tmp_path):
    with pytest.raises(SourceError, match="names no CRS; state the one of its coordinates with --crs"):
        read_swmm(project(tmp_path), None)


def test_bellinge_becomes_a_city_whose_terrain_comes_from_its_covers(shared_data):
    file = shared_data / "drainage" / "bellinge_small.inp"
    city = build_city(BuildSpec.from_flags(sewers=file, crs="EPSG:32632", year=2020, name="bellinge"))
    assert len(city.layers["sewer_nodes"].value) == 16
    assert city.layers["spot_heights"].origin == "derived"
    assert "manhole covers" in city.layers["spot_heights"].note
    SewerNetwork.of(city.layers["sewer_nodes"].value, city.layers["sewer_pipes"].value)
