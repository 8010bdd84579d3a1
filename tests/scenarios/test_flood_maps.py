"""Every map of a flood names the storm, how rare it is, what drains carry and how high the sea stands."""

import pytest

from synapolis.scenarios.bind import parse_scenario
from synapolis.scenarios.rehearse import Rehearsal, rehearse

WANT = ("flooded_building_count", "flooded_street_length", "flood_damage", "runoff_volume")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["flood", "flood_with_sewers"])
def test_every_flood_map_names_the_event(town, memory, method):
    asked = Rehearsal(parse_scenario("edits: []"), WANT, members=0, methods={"flood_depth": method})
    evidence = rehearse(town, asked, memory)[1]
    maps = {drawn.quantity: drawn.note for drawn in evidence.maps}
    drawn = {word: note for word, note in maps.items() if "flood" in word}
    assert "flood_depth" in drawn
    for word, note in maps.items():
        if "flood" in word or word == "runoff_depth":
            assert "mm in" in note
            assert "return period" in note
    for note in drawn.values():
        assert "Sea, lake or river at 0 m" in note
        assert ("Drains take 10 mm/h" in note) == (method == "flood")
        assert ("Mapped sewers" in note) == (method == "flood_with_sewers")
