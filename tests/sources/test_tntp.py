"""TNTP reader: a small written example, refusals, and the public test problems."""

from __future__ import annotations

import contextlib
import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import SourceError
from synapolis.sources.tntp import read_flows, read_network, read_trips

NET = """<NUMBER OF ZONES> 2
<NUMBER OF NODES> 3
<FIRST THRU NODE> 3
<NUMBER OF LINKS> 3
<END OF METADATA>

~ init term capacity length fft b power speed toll type ;
\t1\t3\t1000\t2.5\t1.5\t0.15\t4\t60\t0\t1\t;
\t3\t2\t500\t1\t2\t0.15\t0\t60\t7\t1\t;
3 1 500 1 2 0 0 60 0 1;
"""
TRIPS = """<NUMBER OF ZONES> 2
<TOTAL OD FLOW> 12.5
<END OF METADATA>
~ a remark
Origin 1
    1 :  0.0;   2 :  10.0;
Origin  2
    1 :  2.5;
"""


def test_network_is_read_with_nodes_from_zero_and_low_powers_made_constant(tmp_path):
    path = tmp_path / "town_net.tntp"
    path.write_text(NET)
    net = read_network(path)
    assert (net.zone_count, net.node_count, net.first_through_node) == (2, 3, 2)
    np.testing.assert_array_equal(net.from_node, [0, 2, 2])
    np.testing.assert_array_equal(net.to_node, [2, 1, 0])
    np.testing.assert_array_equal(net.b, [0.15, 0, 0])
    np.testing.assert_array_equal(net.power, [4, 1, 1])
    np.testing.assert_array_equal(net.toll, [0, 7, 0])
    np.testing.assert_array_equal(net.length, [2.5, 1, 1])


def test_trips_are_read_plain_and_gzipped(tmp_path):
    plain, packed = tmp_path / "town_trips.tntp", tmp_path / "town_trips.tntp.gz"
    plain.write_text(TRIPS)
    packed.write_bytes(gzip.compress(TRIPS.encode()))
    for path in (plain, packed):
        np.testing.assert_array_equal(read_trips(path), [[0, 10], [2.5, 0]])


def test_flows_are_read(tmp_path):
    path = tmp_path / "town_flow.tntp"
    path.write_text("From \tTo \tVolume \tCost \n1 \t3 \t10.5 \t1.25 \n")
    np.testing.assert_array_equal(read_flows(path), [[1, 3, 10.5, 1.25]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<END OF METADATA>", "", "END OF METADATA"),
        ("<NUMBER OF LINKS> 3", "<NUMBER OF LINKS> 4", "cut short"),
        ("<NUMBER OF ZONES> 2", "<NUMBER OF ZONES> two", "positive whole number"),
        ("\t3\t2\t500", "\t3\t9\t500", "nodes 1 to 3"),
        ("3 1 500 1 2 0 0 60 0 1;", "3 1 500 1;", "line 10: wanted 10"),
        ("3 1 500", "3 1 many", "line 10: wanted 10 numbers"),
        ("3 1 500", "3 1 nan", "finite"),
    ],
)
def test_a_broken_network_is_refused(tmp_path, old, new, message):
    path = tmp_path / "town_net.tntp"
    path.write_text(NET.replace(old, new))
    with pytest.raises(SourceError, match=message):
        read_network(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Origin 1", "", "before any 'Origin'"),
        ("Origin  2", "Origin  3", "zone from 1 to 2"),
        ("2.5", "-2.5", "negative"),
        ("1 :  2.5", "1  2.5", "wanted 1 numbers"),
        ("10.0", "ten", "wanted 1 numbers"),
    ],
)
def test_broken_trips_are_refused(tmp_path, old, new, message):
    path = tmp_path / "town_trips.tntp"
    path.write_text(TRIPS.replace(old, new))
    with pytest.raises(SourceError, match=message):
        read_trips(path)


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    with pytest.raises(SourceError, match="readable"):
        read_network(tmp_path / "none_net.tntp")
    (tmp_path / "cut.tntp.gz").write_bytes(gzip.compress(TRIPS.encode())[:20])
    with pytest.raises(SourceError, match="readable"):
        read_trips(tmp_path / "cut.tntp.gz")


@given(text=st.text(max_size=200), read=st.sampled_from([read_network, read_trips, read_flows]))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused(tmp_path_factory, text, read):
    path = tmp_path_factory.mktemp("fuzz") / "any.tntp"
    path.write_text(NET.split("~", maxsplit=1)[0] + text, encoding="utf-8")
    with contextlib.suppress(SourceError):
        read(path)


def test_the_public_problems_hold_what_they_promise(shared_data):
    folder = shared_data / "benchmarks" / "traffic"
    sizes = {"SiouxFalls": (24, 76), "Anaheim": (38, 914), "Barcelona": (110, 2522), "Winnipeg": (147, 2836)}
    for name, (zones, links) in sizes.items():
        net = read_network(folder / f"{name}_net.tntp")
        assert (net.zone_count, len(net.from_node)) == (zones, links)
    assert read_trips(folder / "SiouxFalls_trips.tntp").sum() == pytest.approx(360600)
    assert read_trips(folder / "ChicagoSketch_trips.tntp.gz").sum() == pytest.approx(1260907.44)
