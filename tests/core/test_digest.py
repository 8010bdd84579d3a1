"""Digests: equal content gives equal digests whatever made it; a changed cell, name, type or order another one."""

import copy
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.digest import digest

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_a_copy_has_the_same_digest(value):
    assert digest(value) == digest(copy.deepcopy(value))
    assert len(digest(value)) == 64


@given(st.dictionaries(st.text(), st.integers(), min_size=2, max_size=6))
def test_the_order_of_a_mapping_does_not_matter(value):
    assert digest(value) == digest(dict(reversed(value.items())))


DIFFERENT = [
    None, True, 1, 1.0, "1", b"1", 0, 0.0, -0.0, "", b"", [], {}, [1], [[1]], [1, 1], {"a": 1}, {"a": "1"}, {"b": 1},
    ["ab", "c"], ["a", "bc"], float("nan"), float("inf"), np.zeros(2), np.zeros(2, "float32"), np.zeros((1, 2)),
    np.zeros((2, 1)), np.array(["a", "b"]), np.array(["ab", ""]),
]  # fmt: skip


def test_different_content_has_different_digests():
    found = [digest(value) for value in DIFFERENT]
    assert len(set(found)) == len(found)


def test_numpy_scalars_are_their_values():
    assert digest(np.float64(1.5)) == digest(1.5)
    assert digest(np.int32(3)) == digest(3)
    assert digest(np.bool_(True)) == digest(True)


def test_memory_layout_does_not_matter():
    array = np.arange(12.0).reshape(3, 4)
    assert digest(array) == digest(np.asfortranarray(array)) == digest(np.repeat(array, 2, axis=0)[::2])


def table(**changes):
    columns = {"name": ["a", "b", None], "homes": [1.0, np.nan, 3.0], "drive": [True, False, True]}
    points = shapely.points([[0, 0], [1, 1], [2, 2]])
    return gpd.GeoDataFrame(columns | changes, geometry=points, index=["x", "y", "z"], crs="EPSG:32626")


def test_equal_tables_have_equal_digests():
    assert digest(table()) == digest(table())


@pytest.mark.parametrize(
    "other",
    [
        table(homes=[1.0, 2.0, 3.0]),
        table(name=["a", "b", "None"]),
        table(name=["a", "b", ""]),
        table(drive=[True, True, True]),
        table(more=[1, 2, 3]),
        table().rename(columns={"homes": "houses"}),
        table().set_axis(["x", "y", "w"], axis=0),
        table().iloc[::-1],
        table().to_crs("EPSG:32627"),
        table().set_crs("EPSG:32627", allow_override=True),
        table().set_geometry(shapely.points([[0, 0], [1, 1], [2, 2.5]]), crs="EPSG:32626"),
    ],
)
def test_any_change_of_a_table_shows(other):
    assert digest(other) != digest(table())


def test_text_columns_of_any_kind_are_their_text():
    texts = ["a", "b"]
    assert digest(pd.DataFrame({"t": pd.Series(texts, dtype=object)})) == digest(
        pd.DataFrame({"t": pd.Series(texts, dtype="str")})
    )


@dataclass(frozen=True)
class Shed:
    depth: float
    note: str = field(default="", compare=False)


@dataclass(frozen=True)
class Barn:
    depth: float


def test_a_dataclass_is_its_type_and_compared_fields():
    assert digest(Shed(1.0, "a")) == digest(Shed(1.0, "b"))
    assert digest(Shed(1.0)) != digest(Shed(2.0))
    assert digest(Shed(1.0)) != digest(Barn(1.0))


def test_geometry_is_its_coordinates():
    assert digest(shapely.Point(1, 2)) == digest(shapely.from_wkt("POINT (1 2)"))
    assert digest(shapely.Point(1, 2)) != digest(shapely.Point(2, 1))


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: 1, [object()], np])
def test_what_has_no_content_is_refused(value):
    with pytest.raises(TypeError, match="cannot digest"):
        digest(value)
