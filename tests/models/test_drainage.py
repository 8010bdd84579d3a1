"""Streets and sewers together: SWMM's own answers, the account of water, and clear refusals."""

import csv

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.core.errors import ModelError
from synapolis.models.stormwater.drainage import Gullies, couple
from synapolis.models.stormwater.sewer_run import SewerRun
from synapolis.models.stormwater.sewers import Roofs, SewerNetwork, swmm_input
from synapolis.models.stormwater.surface import Surface


def network(*, outfall=True, drop=0.5, diameter=0.5):
    """Two manholes in a row and an outfall, 50 m apart."""
    kinds = ["manhole", "manhole", "outfall" if outfall else "manhole"]
    points = shapely.points([(10, 10), (60, 10), (110, 10)])
    nodes = gpd.GeoDataFrame(
        {"kind": kinds, "invert": [8.0, 8.0 - drop, 8.0 - 2 * drop], "ground": [10.0, 10.0, 10.0]},
        geometry=points, index=["a", "b", "out"],
    )  # fmt: skip
    lines = [shapely.LineString([points[n], points[n + 1]]) for n in (0, 1)]
    pipes = gpd.GeoDataFrame(
        {"from_node": ["a", "b"], "to_node": ["b", "out"], "diameter": [diameter] * 2}, geometry=lines, index=["p", "q"]
    )
    return SewerNetwork.of(nodes, pipes)


def surface():
    return Surface(np.full((10, 60), 10.0), cell_size=2.0, manning=0.03, boundary="closed")


def run_of(net, **more):
    return SewerRun(swmm_input(net, duration=3600, **more).to_string())


def test_water_that_goes_down_comes_out_at_the_outfall():
    net = network()
    with run_of(net) as run:
        for step in range(360):
            spilled = run.advance(10, np.array([0.05, 0.0, 0.0]) if step < 180 else np.zeros(3))
            assert (spilled == 0).all()
        account = run.account()
    assert account["from streets"] == pytest.approx(0.05 * 1800, rel=0.01)
    assert -account["out at outfalls"] == pytest.approx(0.05 * 1800, rel=0.02)
    assert abs(account["error"]) < 0.01 * account["from streets"]


def test_a_pipe_that_is_too_small_gives_the_rest_back():
    net = network(diameter=0.15)
    with run_of(net) as run:
        spilled = sum(run.advance(10, np.array([0.1, 0.0, 0.0])).sum() for _ in range(360))
        account = run.account()
    assert spilled > 0.5 * account["from streets"]
    assert -account["over covers"] == pytest.approx(spilled)
    assert abs(account["error"]) < 0.01 * account["from streets"]


def test_streets_and_sewers_share_one_account_of_water():
    ground, net = surface(), network(diameter=0.15)
    gullies = Gullies(np.arange(30) + 62 * 2 + 1, np.zeros(30, dtype=np.int64), 1e-3, np.full(3, 62 * 2 + 1))
    with run_of(net) as run:
        couple(ground, run, gullies, [(10.0, 2e-3)] * 60 + [(10.0, 0.0)] * 300)
        account = run.account()
    flow = ground.result()
    assert abs(flow.balance.error) < 1e-6 * flow.balance.rain
    assert flow.balance.drained == pytest.approx(account["from streets"], rel=0.01)
    assert flow.balance.inflow == pytest.approx(-account["over covers"])
    assert flow.balance.inflow > 0


def test_the_sea_stands_in_the_outfall():
    with run_of(network(), outfall_level=9.0) as run:
        for _ in range(350):
            run.advance(10, np.zeros(3))
        assert run.depths()[:2] == pytest.approx([1.0, 1.5], abs=0.05)


def test_roofs_shed_their_rain_into_the_sewer_and_green_roofs_keep_some():
    area, rain = np.array([1000.0, 0.0, 0.0]), np.full(30, 40.0)
    bare = Roofs(area, np.zeros(3))
    green = Roofs(area, area, green_depth=60.0)
    shed = []
    for roofs in (bare, green):
        with run_of(network(), rain=rain, roofs=roofs) as run:
            for _ in range(360):
                run.advance(10, np.zeros(3))
            shed.append(run.account()["from roofs"])
    assert shed[0] == pytest.approx(1000 * 0.020, rel=0.03)
    assert shed[1] < 0.5 * shed[0]


def test_the_engine_closes_after_a_failure_and_opens_again():
    with pytest.raises(RuntimeError), run_of(network()):
        raise RuntimeError
    with run_of(network()) as run:
        assert run.advance(10, np.zeros(3)).shape == (3,)


def test_a_network_without_outfall_is_refused():
    with pytest.raises(ModelError, match="the sewers have no outfall"):
        network(outfall=False)


def test_a_part_that_leads_nowhere_is_refused():
    net = network()
    pipes = net.pipes.iloc[1:].assign(geometry=[shapely.LineString([(60, 10), (110, 10)])])
    with pytest.raises(ModelError, match="1 of 3 sewer nodes lead to no outfall, the first 'a'"):
        SewerNetwork.of(net.nodes, gpd.GeoDataFrame(pipes))


def test_a_pipe_to_nowhere_is_refused():
    net = network()
    lines = [shapely.LineString([(0, 0), (1, 1)])] * 2
    with pytest.raises(ModelError, match="name 1 nodes that are not in sewer_nodes, the first 'gone'"):
        SewerNetwork.of(net.nodes, gpd.GeoDataFrame(net.pipes.assign(to_node="gone"), geometry=lines))


def test_our_stepping_gives_swmms_own_results_where_no_water_is_above_ground(shared_data):
    folder = shared_data / "benchmarks" / "swmm"
    with (folder / "tree31_ref.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    text = (folder / "tree31.inp").read_text(encoding="utf-8")
    with SewerRun(text) as run:
        quiet = np.zeros(run.nodes)
        flows = []
        for _ in rows[:-1]:
            assert run.advance(300, quiet).sum() == 0
            flows.append(run.outfall_flow())
    reference = np.array([float(row["outfall_inflow_cms"]) for row in rows[:-1]])
    # SWMM reports at fixed moments, between two of its own steps: limit 1 % of the peak
    assert np.abs(np.array(flows) - reference).max() < 0.01 * reference.max()
