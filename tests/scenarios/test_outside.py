"""Extending from outside: a package's own kind of edit is declared, bound and run like ours."""

from __future__ import annotations

import subprocess
import sys

import pytest

PACKAGE = '''
from typing import Literal
import numpy as np
from synapolis.core.declare import model
from synapolis.layers.vocabulary import EditDepth, StorageDepth
from synapolis.scenarios.edits import EditBase, EditKind
from synapolis.scenarios.plan import BoundEdit

@model(version="1", decision="d", method="m", limits="l", risks="r", tests="tests/x.py")
def store_everywhere(storage_depth: StorageDepth, edit_depth: EditDepth) -> StorageDepth:
    """Store the same depth on every cell.

    References
    ----------
    None: an example.
    """
    return storage_depth + np.float32(edit_depth)

class StoreEverywhere(EditBase):
    kind: Literal["store_everywhere"] = "store_everywhere"
    depth_mm: float

def bind(edit, city):
    return BoundEdit(edit.id, edit.kind, ("store_everywhere",), {"edit_depth": edit.depth_mm}, "storing everywhere")

KIND = EditKind(StoreEverywhere, bind)
'''

USE = """
from synapolis.models import load_models
load_models()
from synapolis.scenarios.bind import parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.rehearse import Rehearsal, rehearse
from synapolis.sources.generate import generate_city
scenario = parse_scenario("edits: [{kind: store_everywhere, depth_mm: 1000}]")
answer, _ = rehearse(generate_city(people=500), Rehearsal(scenario, ("runoff_volume",), members=0), Cache())
print(answer.claims[0].before > 0, answer.claims[0].after)
"""


@pytest.mark.slow
def test_a_package_adds_a_kind_of_edit(tmp_path):
    (tmp_path / "more_edits.py").write_text(PACKAGE, encoding="utf-8")
    facts = tmp_path / "more_edits-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: more-edits\nVersion: 1.0\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text("[synapolis.edits]\nmore = more_edits:KIND\n", encoding="utf-8")
    (facts / "RECORD").write_text("", encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{USE}"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["True", "0.0"]
