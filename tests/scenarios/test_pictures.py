"""Maps of cells end where the data end: the grid is the box around a city's extent."""

import dataclasses

import numpy as np
import shapely

from synapolis.scenarios.answer import Frames, MapLayer
from synapolis.scenarios.pictures import _outside, _within


def test_cells_beyond_the_extent_have_no_value(town):
    left, low, right, high = town.grid.bounds
    city = dataclasses.replace(town, extent=shapely.Polygon([(left, low), (right, low), (left, high)]))
    outside = _outside(city)
    assert 0.4 < outside.mean() < 0.6
    depth = np.ones(town.grid.shape, np.float32)
    frames = Frames(np.array([0.0]), depth[None], depth[None])
    cells = _within(MapLayer("Depth", "flood_depth", "m", "cells", depth, depth, frames=frames), outside)
    for values in (cells.before, cells.after, cells.frames.before[0], cells.frames.after[0]):
        assert (np.isnan(values) == outside).all()
    assert depth.all()


def test_classes_flags_and_whole_grids_stay_as_they_are():
    outside = np.array([[True, False]])
    cover, flags = np.array([[3, 4]]), np.array([[True, False]])
    assert _within(MapLayer("Ground", "land_cover", "class", "cells", cover, cover), outside).after is cover
    assert _within(MapLayer("Wet", "wet", "1", "cells", flags, flags), outside).after is flags
    same = MapLayer("Depth", "flood_depth", "m", "cells", cover, cover)
    assert _within(same, ~outside & False) is same
