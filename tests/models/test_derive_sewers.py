"""Made-up sewers: every junction drains, every pipe falls, and each is as wide as its rain."""

import numpy as np
import pytest

from synapolis.core.errors import NotComputableError
from synapolis.models import load_models
from synapolis.models.derive.sewers import FILLING, MANNING, SPEEDS, synthetic_sewers
from synapolis.models.stormwater.sewers import SewerNetwork
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()

RAIN = 20.0


@pytest.fixture(scope="module")
def town():
    return generate_city(people=3000)


@pytest.fixture(scope="module")
def ground(town):
    planner = Planner(town)
    refs = [planner.want(word, 0) for word in ("ground_elevation", "impervious_fraction")]
    ran = run(refs, Cache())
    return tuple(ran.value(ref) for ref in refs)


@pytest.fixture(scope="module")
def sewers(town, ground):
    layers = {name: town.layers[name].value for name in ("streets", "junctions", "water")}
    return synthetic_sewers(**layers, ground_elevation=ground[0], impervious_fraction=ground[1], grid=town.grid,
                            sewer_design_rain=RAIN)  # fmt: skip


def test_every_manhole_leads_to_an_outfall(sewers):
    network = SewerNetwork.of(sewers.synthetic_sewer_nodes, sewers.synthetic_sewer_pipes)
    below = dict(zip(network.pipes["from_node"], network.pipes["to_node"], strict=True))
    for name in network.nodes.index[network.nodes["kind"] == "manhole"]:
        way = [name]
        while way[-1] in below:
            way.append(below[way[-1]])
            assert len(way) <= len(network.nodes)
        assert network.nodes.loc[way[-1], "kind"] == "outfall"


def test_every_pipe_falls_and_lies_under_its_street(sewers):
    nodes, pipes = sewers.synthetic_sewer_nodes, sewers.synthetic_sewer_pipes
    upper = nodes["invert"].reindex(pipes["from_node"]).to_numpy()
    lower = nodes["invert"].reindex(pipes["to_node"]).to_numpy() + pipes["lower_offset"].to_numpy()
    assert (upper > lower).all()
    assert (nodes["ground"] >= nodes["invert"]).all()


def test_pipes_carry_the_rain_of_all_the_hard_ground_above(sewers, ground, town):
    nodes, pipes = sewers.synthetic_sewer_nodes, sewers.synthetic_sewer_pipes
    upper = nodes["invert"].reindex(pipes["from_node"]).to_numpy()
    lower = nodes["invert"].reindex(pipes["to_node"]).to_numpy() + pipes["lower_offset"].to_numpy()
    slope = (upper - lower) / np.maximum(pipes.geometry.length.to_numpy(), 1)
    area = np.pi * pipes["diameter"].to_numpy() ** 2 / 4
    full = np.sqrt(slope) * (pipes["diameter"].to_numpy() / 4) ** (2 / 3) / MANNING * area
    ends = pipes["to_node"].str.startswith("synthetic:outfall").to_numpy()
    hard = float(np.nansum(ground[1])) * town.grid.cell_area
    assert full[ends].sum() * FILLING >= 0.5 * hard * RAIN / 3.6e6  # what is near enough to a manhole
    sound = (full / area >= SPEEDS[0] - 1e-6) & (full / area <= SPEEDS[1] + 1e-6)
    assert sound.mean() > 0.8


def test_more_rain_needs_wider_pipes(town, ground, sewers):
    layers = {name: town.layers[name].value for name in ("streets", "junctions", "water")}
    wet = synthetic_sewers(**layers, ground_elevation=ground[0], impervious_fraction=ground[1], grid=town.grid,
                           sewer_design_rain=3 * RAIN)  # fmt: skip
    before, after = sewers.synthetic_sewer_pipes["diameter"], wet.synthetic_sewer_pipes["diameter"]
    assert after.mean() > before.mean()
    assert list(before.index) == list(after.index)


def test_without_water_each_net_drains_at_its_lowest_junction(town, ground):
    made = synthetic_sewers(town.layers["streets"].value, town.layers["junctions"].value, ground[0], ground[1], None,
                            town.grid, RAIN)  # fmt: skip
    network = SewerNetwork.of(made.synthetic_sewer_nodes, made.synthetic_sewer_pipes)
    outfalls = network.nodes[network.nodes["kind"] == "outfall"]
    last = network.pipes.loc[network.pipes["to_node"].isin(outfalls.index), "from_node"]
    assert len(last) == len(outfalls) == 2  # the streets of this town are two nets that do not touch
    assert network.nodes["ground"].min() == pytest.approx(network.nodes.loc[last, "ground"].min())


def test_streets_without_cars_have_no_sewer(town, ground):
    streets = town.layers["streets"].value.assign(drive=False)
    with pytest.raises(NotComputableError, match="no street for cars joins two junctions"):
        synthetic_sewers(streets, town.layers["junctions"].value, ground[0], ground[1], None, town.grid, RAIN)


@pytest.mark.slow
def test_the_flood_runs_in_them_when_asked_and_says_assumed(town):
    planner = Planner(town, methods={"flood_depth": "flood_with_synthetic_sewers"})
    refs = [planner.want(word, 0) for word in ("sewer_balance", "flood_balance")]
    assert refs[0].node.origin == "assumed"
    ran = run(refs, Cache())
    volumes = ran.value(refs[0]).set_index("part")["volume"]
    assert volumes["from streets"] > 0
    assert abs(volumes["error"]) < 0.01 * (volumes["from streets"] + volumes["from roofs"])
