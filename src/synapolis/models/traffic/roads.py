"""Streets as a road network: directed links with capacity and free-flow time, zones and gateways joined to it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import Junctions, RoadNetwork, Streets, TurnBans, Zones
from synapolis.models.traffic import network as kernel
from synapolis.models.traffic.bans import without_banned_turns

# OSM highway class: lane capacity [pcu/h], lanes a direction, free-flow speed [km/h]. MATSim/JOSM OpenStreetMap
# defaults, read in arup-group/genet genet/output/matsim_xml_values.py; service as living_street.
ROAD_CLASSES: dict[str, tuple[float, float, float]] = {
    "motorway": (2000, 2, 120.1),
    "motorway_link": (1500, 1, 80),
    "trunk": (2000, 1, 80),
    "trunk_link": (1500, 1, 50),
    "primary": (1500, 1, 80),
    "primary_link": (1500, 1, 60),
    "secondary": (1000, 1, 60),
    "secondary_link": (1000, 1, 60),
    "tertiary": (600, 1, 45),
    "tertiary_link": (600, 1, 45),
    "unclassified": (600, 1, 45),
    "residential": (600, 1, 30),
    "living_street": (300, 1, 15),
    "service": (300, 1, 15),
}
OTHER_CLASS = (600.0, 1.0, 30.0)  # assumed: as a residential street
CONNECTOR_SPEED = 5.0  # [m/s] assumed, from a zone's middle to the street network, at constant cost
CONNECTOR_CAPACITY = 1e9  # [veh/h] connectors never delay
MOST_ZONES = 250  # above it zones are joined to groups: an equilibrium keeps a number for each group and link
MOST_GROUPS = 150
URBAN_LIMIT = 50 / 3.6  # [m/s] assumed where no limit is mapped and the class's default is higher


class CityRoads(NamedTuple):
    """The network, and what its links and zones stand for.

    `link_street` (link,) is the row of the street (-1 for a connector or a turn), `length` (link,) [m]. Traffic starts
    and ends in groups of zones: `zone_group` (zone,) is each zone's, one of its own in a city of few zones. The
    network's first `group_count` zones are the groups, the rest gateways, with `gateway_lanes` (gateway,) that lead in
    and `gateway_out` that lead out. `link_id` and `node_id` name links and nodes by the source's ids, so that routes
    can be carried to the network of an edited city, where numbers differ.
    """

    network: kernel.RoadNetwork
    link_street: NDArray[np.int64]
    length: NDArray[np.float64]
    zone_group: NDArray[np.int64]
    gateway_lanes: NDArray[np.float64]
    gateway_out: NDArray[np.float64]
    link_id: NDArray[np.str_]
    node_id: NDArray[np.str_]

    @property
    def group_count(self) -> int:
        """Number of groups of zones."""
        return len(self.network.zone_node) - len(self.gateway_lanes)

    def by_group(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum a quantity of zones over their groups. (group,)."""
        return np.bincount(self.zone_group, weights=values, minlength=self.group_count).astype(np.float64)


@model(
    version="2",
    decision="Comparing what lanes, closures and new homes do to traffic.",
    method="Each street open to cars gives one link a direction, with the lane capacity of its class; zones join at "
    "their three nearest junctions; junctions cut by the border are gateways. Where turns are banned a junction is "
    "divided, so that no route makes them.",
    limits="No signals or waits to turn beyond the delay function; bans that hold for some hours or vehicles are not "
    "read; unmapped lanes and limits take the class's default.",
    risks="A wrong lane count moves the bottleneck.",
    tests="tests/models/test_traffic_models.py",
    optional=("turn_bans",),
)
def road_network(
    streets: Streets,
    junctions: Junctions,
    zones: Zones,
    bpr_alpha: float,
    bpr_power: float,
    turn_bans: TurnBans | None = None,
) -> RoadNetwork:
    """Directed road links with capacity and free-flow time, joined to zones and gateways, without banned turns.

    References
    ----------
    US Bureau of Public Roads (1964). Traffic Assignment Manual.
    """
    links = _links(streets, junctions)
    if not len(links["from"]):
        raise NotComputableError("streets open to cars")
    count = len(junctions)
    usable = _largest_part(links, count)
    points = shapely.get_coordinates(junctions.geometry.to_numpy())
    middles = shapely.get_coordinates(shapely.point_on_surface(zones.geometry.to_numpy()))
    group = zone_groups(middles)
    groups = int(group.max()) + 1
    connectors = _connectors(middles, group, points, usable)
    gates = _gateways(junctions, links, usable)
    tail = np.concatenate([links["from"], count + connectors["group"], connectors["node"]])
    head = np.concatenate([links["to"], connectors["node"], count + connectors["group"]])
    roads = len(links["from"])
    network = kernel.road_network(
        from_node=tail,
        to_node=head,
        free_flow_time=np.concatenate([links["time"], connectors["time"], connectors["time"]]),
        capacity=np.concatenate([links["capacity"], np.full(len(tail) - roads, CONNECTOR_CAPACITY)]),
        alpha=np.where(np.arange(len(tail)) < roads, bpr_alpha, 0.0),
        power=bpr_power,
        node_count=count + groups,
        zone_node=np.concatenate([count + np.arange(groups), gates]),
        is_through=np.arange(count + groups) < count,
    )
    link_id, node_id = _names(streets, junctions, links, connectors, groups)
    if turn_bans is not None:
        network, link_id, node_id = without_banned_turns(network, link_id, node_id, turn_bans)
    added = np.zeros(network.link_count - roads)
    return CityRoads(
        network,
        np.concatenate([links["street"], added.astype(np.int64) - 1]),
        np.concatenate([links["length"], added]),
        group,
        np.array([links["lanes"][links["from"] == gate].sum() for gate in gates]),
        np.array([links["lanes"][links["to"] == gate].sum() for gate in gates]),
        link_id,
        node_id,
    )


def _names(
    streets: Any, junctions: Any, links: dict[str, NDArray[Any]], connectors: dict[str, NDArray[Any]], groups: int
) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Names of links and nodes by the layers' ids: a street and its direction, a junction, a group of zones."""
    street = streets.index.to_numpy().astype(str)[links["street"]]
    way = np.where(links["with_line"], ">", "<")
    junction = junctions.index.to_numpy().astype(str)
    group = np.char.add("group ", np.arange(groups).astype(str))
    near, far = group[connectors["group"]], junction[connectors["node"]]
    into, out = (np.char.add(np.char.add(one, " to "), other) for one, other in ((near, far), (far, near)))
    return np.concatenate([np.char.add(street, way), into, out]), np.concatenate([junction, group])


def lanes_of(streets: Any) -> NDArray[np.float64]:
    """Lanes of each street, both directions together; where none are mapped, those of its class. (street,)."""
    mapped = streets["lanes"].to_numpy(dtype=float)
    directions = np.where(streets["one_way"].to_numpy(dtype=bool), 1.0, 2.0)
    return np.where(mapped > 0, mapped, _class_facts(streets)[:, 1] * directions)


def free_speeds(streets: Any) -> NDArray[np.float64]:
    """Speed on each street when it is empty [m/s]: its limit, else that of its class in a town. (street,)."""
    mapped = streets["max_speed"].to_numpy(dtype=float)
    return np.where(mapped > 0, mapped, np.minimum(_class_facts(streets)[:, 2] / 3.6, URBAN_LIMIT))


def _class_facts(streets: Any) -> NDArray[np.float64]:
    """Lane capacity, lanes a direction and free-flow speed of each street's class. (street, 3)."""
    return np.array([ROAD_CLASSES.get(name, OTHER_CLASS) for name in streets["road_class"]]).reshape(-1, 3)


def _links(streets: Any, junctions: Any) -> dict[str, NDArray[Any]]:
    """Directed links of the streets open to cars: with the line, and against it where it is two-way."""
    row = np.flatnonzero(streets["drive"].to_numpy())
    open_streets = streets.iloc[row]
    start, end = (junctions.index.get_indexer(open_streets[name]) for name in ("from_junction", "to_junction"))
    facts = _class_facts(open_streets)
    one_way = open_streets["one_way"].to_numpy(dtype=bool)
    lanes = np.maximum(lanes_of(open_streets) / np.where(one_way, 1.0, 2.0), 0.5)
    speed = free_speeds(open_streets)
    length = open_streets.geometry.length.to_numpy()
    keep = (start != end) & (length > 0)
    back = keep & ~one_way
    return {
        "from": np.concatenate([start[keep], end[back]]),
        "to": np.concatenate([end[keep], start[back]]),
        "street": np.concatenate([row[keep], row[back]]),
        "with_line": np.arange(keep.sum() + back.sum()) < keep.sum(),
        "length": np.concatenate([length[keep], length[back]]),
        "time": np.concatenate([(length / speed)[keep], (length / speed)[back]]),
        "lanes": np.concatenate([lanes[keep], lanes[back]]),
        "capacity": np.concatenate([(lanes * facts[:, 0])[keep], (lanes * facts[:, 0])[back]]),
    }


def _largest_part(links: dict[str, NDArray[Any]], count: int) -> NDArray[np.bool_]:
    """Junctions from which every other one of the same part can be reached and left again."""
    graph = coo_array((np.ones(len(links["from"])), (links["from"], links["to"])), shape=(count, count))
    _, part = connected_components(graph.tocsr(), directed=True, connection="strong")
    return np.asarray(part == np.argmax(np.bincount(part)))


def zone_groups(middles: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number the groups of zones that traffic starts and ends in: each zone alone up to 250, else by squares.

    Parameters
    ----------
    middles : (zone, 2) [m]

    Returns
    -------
    (zone,)
        Group numbers from 0, all of them used; at most 150 where zones are joined.
    """
    if len(middles) <= MOST_ZONES:
        return np.arange(len(middles))
    corner = middles.min(axis=0)
    side = float(np.sqrt(np.prod(np.ptp(middles, axis=0)) / MOST_GROUPS)) or 1.0
    while True:
        square = np.floor((middles - corner) / side).astype(np.int64)
        used, group = np.unique(square, axis=0, return_inverse=True)
        if len(used) <= MOST_GROUPS:
            return np.asarray(group, dtype=np.int64).ravel()
        side *= 1.05


def _connectors(
    middles: NDArray[np.float64], group: NDArray[np.int64], points: NDArray[np.float64], usable: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Join a zone to its (up to three) nearest usable junctions, a group of zones to the nearest of each zone in it."""
    nodes = np.flatnonzero(usable)
    alone = len(middles) == int(group.max()) + 1
    near = min(3, len(nodes)) if alone else 1
    metres, found = cKDTree(points[nodes]).query(middles, k=near)
    joined = np.column_stack([np.repeat(group, near), nodes[found.ravel()]])
    if alone:
        return {"group": joined[:, 0], "node": joined[:, 1], "time": metres.ravel() / CONNECTOR_SPEED}
    members = np.bincount(group)
    middle = np.column_stack([np.bincount(group, weights=axis) / members for axis in middles.T])
    joined = np.unique(joined, axis=0)
    away = np.hypot(*(points[joined[:, 1]] - middle[joined[:, 0]]).T)
    return {"group": joined[:, 0], "node": joined[:, 1], "time": away / CONNECTOR_SPEED}


def _gateways(junctions: Any, links: dict[str, NDArray[Any]], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Border junctions that the network can reach or be reached from."""
    border = np.flatnonzero(junctions["gateway"].to_numpy(dtype=bool))
    leads_in = np.isin(border, links["from"][usable[links["to"]]])
    leads_out = np.isin(border, links["to"][usable[links["from"]]])
    return border[leads_in | leads_out].astype(np.int64)
