"""Turn restrictions of OpenStreetMap: which ones hold for cars, and on which pieces of the ways."""

from synapolis.layers.schemas import LAYERS
from synapolis.sources.osm import read_osm

NODES = {1: (-0.002, 0), 2: (0.002, 0), 3: (0, -0.001), 4: (0, 0.001), 5: (0, 0), 6: (0.001, 0.001)}
WAYS = {
    10: ([1, 5], {"highway": "primary"}),
    11: ([5, 2], {"highway": "primary"}),
    12: ([3, 5, 4], {"highway": "residential"}),
    13: ([5, 6], {"highway": "residential", "oneway": "yes"}),
}


def crossing(tmp_path, relations):
    """A map of streets that meet at node 5: 10 and 11 end there, 12 runs through, 13 leads away one way."""
    parts = ["<osm version='0.6'>"]
    parts += [f"<node id='{key}' version='1' lon='{24.94 + x}' lat='{60.17 + y}'/>" for key, (x, y) in NODES.items()]
    parts += [f"<way id='{key}' version='1'>{ends(refs)}{told(tags)}</way>" for key, (refs, tags) in WAYS.items()]
    kinds = {"n": "node", "w": "way"}
    for key, (members, tags) in relations.items():
        inside = "".join(f"<member type='{kinds[kind]}' ref='{ref}' role='{role}'/>" for kind, ref, role in members)
        parts.append(f"<relation id='{key}' version='1'>{inside}{told(tags)}</relation>")
    path = tmp_path / "crossing.osm"
    path.write_text("".join([*parts, "</osm>"]), encoding="utf-8")
    return read_osm(path)


def ends(refs):
    return "".join(f"<nd ref='{ref}'/>" for ref in refs)


def told(tags):
    return "".join(f"<tag k='{key}' v='{value}'/>" for key, value in tags.items())


def restriction(kind, before, after, via=("n", 5), tags=None):
    members = [("w", before, "from"), (*via, "via"), ("w", after, "to")]
    return members, {"type": "restriction", "restriction": kind} | (tags or {})


def test_bans_name_the_pieces_that_meet_at_the_junction(tmp_path):
    found = crossing(
        tmp_path,
        {
            1: restriction("no_u_turn", 10, 10),
            2: restriction("only_straight_on", 10, 11),
            3: restriction("no_left_turn", 10, 13),
            4: restriction("no_left_turn", 13, 10),  # nobody arrives by a street that leads away
            5: restriction("no_right_turn", 10, 12),  # which of the two pieces of 12 is not said
            6: restriction("no_left_turn", 10, 11, tags={"except": "motorcar;bus"}),
            7: restriction("no_left_turn", 10, 11, via=("w", 12)),
            8: restriction("give_way", 10, 11),
            9: restriction("no_left_turn", 10, 99),
        },
    )
    bans = found.layers["turn_bans"]
    LAYERS["turn_bans"].check(bans)
    assert {key: tuple(row) for key, row in bans.iterrows()} == {
        "osm:relation/1": ("osm:way/10", "osm:node/5", "osm:way/10", False),
        "osm:relation/2": ("osm:way/10", "osm:node/5", "osm:way/11", True),
        "osm:relation/3": ("osm:way/10", "osm:node/5", "osm:way/13", False),
    }
    assert found.notes["turn_bans"][0].startswith("6 of 9 turn restrictions are left out")


def test_without_restrictions_there_is_no_such_layer(tmp_path):
    assert "turn_bans" not in crossing(tmp_path, {}).layers
