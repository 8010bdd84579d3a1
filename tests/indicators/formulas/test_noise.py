"""Residents in road noise, by hand."""

import numpy as np
import pytest

from synapolis.core.errors import NotComputableError
from synapolis.indicators.catalogue import find
from synapolis.indicators.formulas.noise import residents_above_noise_limit


def test_share_of_those_who_live_in_buildings():
    people = np.array([30.0, 50.0, 120.0])
    assert residents_above_noise_limit(80.0, people) == pytest.approx(40.0)
    assert residents_above_noise_limit(0.0, people) == 0  # a quiet town: a true zero
    with pytest.raises(NotComputableError, match="needs residents in buildings"):
        residents_above_noise_limit(0.0, np.zeros(3))


def test_both_frameworks_read_it_and_traffic_alone_is_no_inventory_of_greenhouse_gases():
    assert {find(name).quantity for name in ("iso37120:8.8", "u4ssc:EN-EN-EQ-2A")} == {"residents_above_noise_limit"}
    assert not any(find(name).quantity for name in ("iso37120:8.3", "u4ssc:EN-EN-AQ-2C", "iso37123:8.1"))
