"""Places that could take homes: free ground in groups of close patches, and the roofs of each district.

Free ground is never sea, water, rail, street, square or green; roofs stand on buildings there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from scipy.cluster.hierarchy import fcluster, linkage

from synapolis.core.declare import registered
from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.models.housing.sites import free_patches
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.pictures import district_areas
from synapolis.scenarios.plan import BoundEdit, Planner
from synapolis.scenarios.run import run

GROUP_REACH = 240.0  # [m] patches are one candidate while their middles lie within this of each other
MOST_ON_GROUND = 10
MOST_ON_ROOFS = 6


@dataclass(frozen=True)
class Candidate:
    """A place that could take homes: `size` is m² of free ground, or of footprints whose roofs could carry storeys."""

    name: str
    kind: Literal["free ground", "roofs"]
    geometry: Any
    size: float

    def edit(self, homes: float, number: int) -> BoundEdit:
        """Bind homes on this place as an edit like any other."""
        name = f"site{number}"
        values = {"edit_id": name, "edit_area": self.geometry, "edit_homes": float(homes)}
        log = {"amount": float(homes), "unit": "home"}
        return BoundEdit(name, "add_homes", ("add_homes",), values, f"{homes:,.0f} homes at {self.name}", log)


@registered(
    kind="rule",
    version="1",
    name="candidate_sites",
    decision="Which places are compared when homes are to be placed.",
    data=("free ground", "buildings", "districts"),
    method="Patches of free ground are grouped while their middles lie close; roofs are grouped by district; the "
    "largest of each kind are kept.",
    source="The project's own rule, stated in full in its description; no publication.",
    limits="At most ten places on ground and six on roofs; ownership and plans are not known.",
    risks="A place left out is never compared; asking for its area brings it in.",
    tests="tests/scenarios/test_siting.py",
)
def find_candidates(city: City, cache: Cache, *, area: Any = None) -> list[Candidate]:
    """Candidates of a city, the largest of each kind first.

    Parameters
    ----------
    area : polygon, optional
        Only within it.

    Raises
    ------
    ScenarioError
        When no place could take a home.
    """
    found = _on_ground(city, cache, area) + _on_roofs(city, area)
    if not found:
        raise ScenarioError(
            "no place could take homes: all ground is built on, green, water, street, rail or square, and no building "
            "could carry storeys; ask for another area"
        )
    return found


def _on_ground(city: City, cache: Cache, area: Any) -> list[Candidate]:
    planner = Planner(city)
    wanted = planner.want("free_ground")
    free = run([wanted], cache).value(wanted)
    if area is not None:
        free = free & city.grid.mask([area])
    patches = free_patches(free, city.grid, min_area=planner.assumption("min_site_area").value)
    if not patches:
        return []
    groups = _grouped(patches)
    shapes = [shapely.union_all(np.array(group)) for group in groups]
    found = [
        Candidate(name, "free ground", shape, float(shape.area))
        for name, shape in zip(site_names(city, shapes), shapes, strict=True)
    ]
    return sorted(found, key=lambda candidate: (-candidate.size, candidate.name))[:MOST_ON_GROUND]


def _grouped(patches: Sequence[Any]) -> list[list[Any]]:
    if len(patches) == 1:
        return [list(patches)]
    centres = shapely.get_coordinates(shapely.centroid(np.array(patches)))
    labels = fcluster(linkage(centres, "complete"), GROUP_REACH, "distance")
    return [[patches[int(i)] for i in np.flatnonzero(labels == label)] for label in np.unique(labels)]


def _on_roofs(city: City, area: Any) -> list[Candidate]:
    """One candidate a district: its buildings, taken by the smallest district that holds their middle."""
    if "buildings" not in city.layers:
        return []
    shapes = city.layers["buildings"].value.geometry.to_numpy()
    middles = shapely.point_on_surface(shapes)
    left = np.ones(len(shapes), dtype=bool) if area is None else shapely.contains(area, middles)
    found = []
    for name, district in sorted(district_areas(city).items(), key=lambda item: (item[1].area, item[0])):
        inside = left & shapely.contains(district, middles)
        left &= ~inside
        if inside.any():
            built = shapely.union_all(shapes[inside])
            found.append(Candidate(f"roofs in {name}", "roofs", built, float(built.area)))
    return sorted(found, key=lambda candidate: -candidate.size)[:MOST_ON_ROOFS]


def site_names(city: City, shapes: Sequence[Any]) -> list[str]:
    """Name places by their closest named street and the smallest district around them."""
    streets = city.layers["streets"].value if "streets" in city.layers else None
    named = streets[streets["name"].astype(str).str.len() > 0] if streets is not None else None
    districts = sorted(district_areas(city).items(), key=lambda item: item[1].area)
    names: list[str] = []
    for shape in shapes:
        centre = shapely.centroid(shape)
        district = next((name for name, around in districts if around.covers(centre)), "")
        street = ""
        if named is not None and len(named):
            street = str(named["name"].iloc[int(np.argmin(shapely.distance(named.geometry.to_numpy(), shape)))])
        label = ", ".join(filter(None, (street, district))) or "site"
        same = sum(name == label or name.startswith(f"{label} (") for name in names)
        names.append(f"{label} ({same + 1})" if same else label)
    return names
