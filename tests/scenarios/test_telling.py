"""What an answer says of travel demand: what it went without, and whether it came to rest."""

from types import SimpleNamespace

import pandas as pd
import pytest

from synapolis.core.declare import FixedPoint
from synapolis.scenarios.plan import Node, Ref
from synapolis.scenarios.telling import demand_notes, unsettled


def outcome(*, converged=True, notes=(), unserved=0.0):
    report = {"trips a day": 10.0, "trips a day that no mode serves": unserved} | dict.fromkeys(notes)
    node = Node("fixed_point", "car_time", fixed_point=FixedPoint("car_time", "start", 0.002, 16, ()))
    found = {"iterations": 16, "residual": 0.0123, "tolerance": 0.002, "converged": converged}
    return SimpleNamespace(
        planner=SimpleNamespace(want=lambda word: Ref(node, word)),
        ran=SimpleNamespace(entries={id(node): SimpleNamespace(notes=found)}),
        words=("mean_car_delay",),
        has=lambda word: word == "demand_report",
        value=lambda _: pd.DataFrame({"figure": list(report), "value": pd.to_numeric(list(report.values()))}),
    )


def test_a_loop_that_did_not_settle_is_told():
    (said,) = demand_notes(outcome(converged=False))
    assert said.startswith("Car time did not settle in 16 rounds: it still moved by 0.012 of its size, where 0.002")
    assert unsettled(outcome()) == []
    assert demand_notes(outcome()) == []


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"notes": ("no timetable: transit is no choice",)}, "no timetable: transit is no choice"),
        ({"unserved": 1234.4}, "no mode serves 1,234 trips a day"),
    ],
)
def test_what_demand_went_without_is_told(facts, says):
    (said,) = demand_notes(outcome(**facts))
    assert says in said
