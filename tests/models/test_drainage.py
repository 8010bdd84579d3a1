"""Streets and sewers together: SWMM's own answers, the account of water, and clear refusals."""

import contextlib
import csv
import shutil

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from swmm.toolkit import output, shared_enum, solver

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


def places(count):
    """Flat places of so many cells from the first on."""
    wide = surface().domain.width
    cells = np.arange(count)
    return (cells // 60 + 2) * wide + cells % 60 + 1


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
    gullies = Gullies(places(30), np.zeros(30, dtype=np.int64), 1e-3, np.full(3, places(1)))
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


@pytest.mark.parametrize("level", [8.0, 9.0, 9.9])
def test_sewers_below_a_still_sea_stay_still(level):
    with run_of(network(), outfall_level=level) as run:
        start = run.depths()
        for _ in range(60):
            assert run.advance(10, np.zeros(3)).sum() == 0
        account = run.account()
        assert run.depths() == pytest.approx(start, abs=1e-3)
    assert account["in from the sea or river"] == pytest.approx(0, abs=0.05)
    assert account["in pipes at the end"] == pytest.approx(-account["in pipes at the start"], rel=0.05)


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


def test_a_second_run_in_the_same_process_is_refused_and_harms_nothing():
    with run_of(network()) as run:
        run.advance(10, np.array([0.05, 0.0, 0.0]))
        with (
            pytest.raises(ModelError, match="EPA SWMM holds one project a process and has one open"),
            run_of(network()),
        ):
            pass
        assert run.advance(10, np.array([0.05, 0.0, 0.0])).shape == (3,)
        assert run.account()["from streets"] > 0


def test_a_project_that_swmm_refuses_leaves_the_engine_free():
    project = swmm_input(network(), duration=600).to_string().replace("CIRCULAR", "ROUND")
    with pytest.raises(ModelError, match="SWMM refuses the sewers: ERROR"), SewerRun(project):
        pass
    with run_of(network()) as run:
        assert run.advance(10, np.zeros(3)).shape == (3,)


@pytest.mark.parametrize("length", [9.97, 7.5, 10.0])
def test_the_engines_clock_keeps_up_with_the_surfaces(length):
    with run_of(network()) as run:
        for _ in range(100):
            run.advance(length, np.array([0.02, 0.0, 0.0]))
        assert run.poured == pytest.approx(0.02 * 100 * length)
        assert run.taken == pytest.approx(run.poured, rel=0.01)


@settings(max_examples=12, deadline=None)
@given(
    intensity=st.sampled_from([0.0, 1.0, 60.0, 1000.0]),
    drop=st.sampled_from([-0.5, 0.0, 0.5]),
    sea=st.sampled_from([None, 0.0, 8.5, 11.0]),
    diameter=st.sampled_from([0.1, 0.5, 2.0]),
)
def test_no_storm_slope_or_sea_breaks_the_account(intensity, drop, sea, diameter):
    """Storms of 0 to 1000 mm/h, pipes that rise, manholes below the sea: finite, and no water made or lost."""
    ground, net = surface(), network(drop=drop, diameter=diameter)
    gullies = Gullies(places(45), np.repeat([0, 1, 1], 15), 1e-4, np.full(3, places(1)))
    fallen = intensity / 3.6e6 * 10
    with run_of(net, outfall_level=sea) as run:
        couple(ground, run, gullies, [(10.0, fallen)] * 60 + [(10.0, 0.0)] * 60)
        account, depths, nodes, pipes = run.account(), run.depths(), run.node_peaks(), run.pipe_peaks()
    flow = ground.result()
    assert np.isfinite(flow.max_depth).all()
    assert np.isfinite(nodes.to_numpy()).all()
    assert np.isfinite(pipes.to_numpy()).all()
    came = flow.balance.rain + flow.balance.inflow
    assert abs(flow.balance.error) <= 1e-6 * max(came, 1e-9)
    through = account["from streets"] + max(account["in from the sea or river"], 0.0)
    shafts = (
        1.167 * depths[:2].clip(min=0).sum()
    )  # [m³]: SWMM fills manholes of 1.167 m², and leaves them out of its sum
    room = 100 * np.pi / 4 * diameter**2  # a slot over full pipes and half-full ends: 2 % of their room
    assert abs(account["error"]) < 0.01 * through + 0.02 * room + shafts + 0.05
    assert flow.balance.inflow == pytest.approx(-account["over covers"], abs=1e-6)


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


def series_of(file):
    """Depth of each node, flow of each pipe and inflow of each outfall at SWMM's report times: (place, time)."""
    handle = output.init()
    output.open(handle, str(file))
    periods = output.get_times(handle, shared_enum.Time.NUM_PERIODS)
    _, nodes, links, *_ = output.get_proj_size(handle)
    ask = shared_enum.NodeAttribute.INVERT_DEPTH, shared_enum.LinkAttribute.FLOW_RATE
    depth = [output.get_node_series(handle, place, ask[0], 0, periods - 1) for place in range(nodes)]
    flow = [output.get_link_series(handle, place, ask[1], 0, periods - 1) for place in range(links)]
    output.close(handle)
    return np.array(depth), np.array(flow)


def without_snow(text):
    """Bellinge's snow packs make the engine read memory that it never set: no two runs of it are alike."""
    before, _, after = text.replace(" empty ", " ").partition("[SNOWPACKS]")
    return before + after[after.find("[") :] if after else before


# Each case's limits: depth [m], and flow as a share of the largest in any pipe. Stepping cuts SWMM's own steps (of 5 s)
# at our moments, and it reports between two of them: nothing else differs.
@pytest.mark.parametrize(
    ("name", "depth_limit", "flow_limit"),
    [("benchmarks/swmm/tree31.inp", 1e-3, 1e-3), ("drainage/bellinge_small.inp", 2e-3, 1.2e-2)],
)
def test_coupled_to_a_dry_street_the_engine_gives_what_swmm_gives_alone(
    tmp_path, shared_data, name, depth_limit, flow_limit
):
    source = shared_data / name
    for rain in source.parent.glob("*.dat"):  # the project reads its rain from the folder it stands in
        shutil.copy(rain, tmp_path)
    text = without_snow(source.read_text(encoding="utf-8")) + "\n[REPORT]\nNODES ALL\nLINKS ALL\n"
    (tmp_path / "alone.inp").write_text(text, encoding="utf-8")
    with contextlib.chdir(tmp_path):
        solver.swmm_run("alone.inp", "alone.rpt", "alone.out")
        with SewerRun(text, folder=tmp_path) as run:
            dry = surface()
            gullies = Gullies(places(30), np.zeros(30, dtype=np.int64), 1e-3, np.full(run.nodes, places(1)))
            while not run.ended:
                couple(dry, run, gullies, [(10.0, 0.0)] * 30)
            assert dry.result().balance.inflow == 0
    (depth, flow), (own_depth, own_flow) = (series_of(tmp_path / f"{run}.out") for run in ("alone", "storm"))
    assert depth.max() > 0.2
    assert np.abs(own_depth - depth).max() < depth_limit
    assert np.abs(own_flow - flow).max() < flow_limit * flow.max()


def test_the_outfall_of_the_published_tree_flows_as_its_reference_says(shared_data):
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


@pytest.mark.parametrize(
    ("nodes", "pipes", "says"),
    [
        (
            {"invert": [8.0, np.nan, 7.0]},
            {},
            "invert must be a number, but is not for 1 of 3, the first 'b'",
        ),
        ({"ground": [np.inf, 10, 10]}, {}, "sewer_nodes.ground must be a number, but is not for 1 of 3, the first 'a'"),
        ({}, {"diameter": [0.0, 0.5]}, "sewer_pipes.diameter must be above 0 m, but is not for 1 of 2, the first 'p'"),
        ({}, {"to_node": ["a", "out"]}, "1 sewer pipes end where they begin, the first 'p'"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(nodes, pipes, says):
    net = network()
    lines = [shapely.LineString([(0, 0), (1, 1)])] * 2
    with pytest.raises(ModelError, match=says):
        SewerNetwork.of(net.nodes.assign(**nodes), gpd.GeoDataFrame(net.pipes.assign(**pipes), geometry=lines))


def test_an_id_that_stands_twice_is_refused():
    net = network()
    with pytest.raises(ModelError, match="sewer_nodes has 1 ids that stand twice, the first 'a'"):
        SewerNetwork.of(net.nodes.set_axis(["a", "a", "out"]), net.pipes)
