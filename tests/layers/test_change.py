"""Changes are read off two values: the ids or cells that differ, and nothing else."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.layers.change import change_between
from synapolis.layers.grid import Grid
from synapolis.layers.timetable_edits import with_headway
from synapolis.sources.generate import generate_city

GRID = Grid(100.0, 200.0, 10.0, 4, 5)


def test_tables_name_what_was_added_removed_and_changed():
    before = gpd.GeoDataFrame(
        {"levels": [1.0, np.nan, 3.0]},
        geometry=[shapely.Point(i, 0) for i in range(3)],
        index=["a", "b", "c"],
        crs=32635,
    )
    after = pd.concat([before.drop("c"), before.loc[["c"]].set_axis(["d"])])
    after.loc["a", "levels"] = 2.0
    change = change_between("buildings", before, after, GRID)
    assert (change.added, change.removed, change.changed) == (("d",), ("c",), ("a",))
    assert str(change) == "buildings: 1 added, 1 removed, 1 changed"
    assert not change_between("buildings", before, before.copy(), GRID)


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1))
def test_cells_have_the_smallest_bounds_that_hold_them(cells):
    before = np.full(GRID.shape, np.nan, dtype=np.float32)
    after = before.copy()
    for cell in cells:
        after[cell] = 1.0
    change = change_between("flood_depth", before, after, GRID)
    rows, columns = zip(*cells, strict=True)
    assert change.cells == len(cells)
    assert change.bounds == (
        100 + 10 * min(columns), 200 - 10 * (max(rows) + 1), 100 + 10 * (max(columns) + 1), 200 - 10 * min(rows)
    )  # fmt: skip


def test_a_headway_changes_the_trips_of_its_line_only():
    timetable = generate_city(people=600).layers["timetable"].value
    line = timetable.lines[0]
    change = change_between("timetable", timetable, with_headway(timetable, line.name, 77, mode=line.mode), GRID)
    own = set(timetable.trips.index[timetable.trips["route_id"] == line.route_id])
    assert change
    assert set(change.changed) | set(change.removed) <= own


def test_other_values_are_refused():
    with pytest.raises(TypeError, match="cannot tell what changed"):
        change_between("population", 1.0, 2.0, GRID)


def test_missing_is_missing_however_it_is_written():
    """Tables joined to others hold NaN where they held None; that is no change, and a value come or gone is one."""
    before = pd.DataFrame({"name": [None, pd.NA, "a", None]}, index=list("abcd"), dtype=object)
    after = pd.DataFrame({"name": [np.nan, None, pd.NA, "b"]}, index=list("abcd"), dtype=object)
    assert change_between("buildings", before, after, GRID).changed == ("c", "d")
