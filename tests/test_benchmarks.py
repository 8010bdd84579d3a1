"""Every benchmark runs at its quick size, with or without its peers."""

from importlib import import_module

import pytest
from benchmarks import Row
from benchmarks.__main__ import CASES, cells

SLOW = {"demo", "web"}


@pytest.mark.parametrize(
    "name", [pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in CASES]
)
def test_every_case_has_rows_at_its_quick_size(name):
    rows = import_module(f"benchmarks.{name}").rows(quick=True)
    assert rows
    for row in rows:
        assert row.case
        assert row.ours or row.note, "a row without a figure says why"
        assert not row.peer_name or row.peer or row.note, "a peer without a figure says why"
        assert all(isinstance(cell, str) for cell in cells(row))


def test_a_ratio_says_how_many_times_better_we_are():
    assert Row("a time", 2.0, "ms", "peer", 6.0).ratio == 3
    assert Row("a speed", 6.0, "Mcell/s", "peer", 2.0).ratio == 3
    assert Row("no peer", 6.0, "ms").ratio is None
