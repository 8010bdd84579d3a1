"""UTCI as the library gives it, through the table that is read for cells."""

import csv

import numpy as np
import pytest
from pythermalcomfort.models import utci

from synapolis.core.errors import NotComputableError
from synapolis.models.heat.comfort import felt_temperature


def test_calm_shade_at_room_temperature_feels_as_it_is():
    assert felt_temperature(np.array([20.0]), air=20.0, humidity=0.5, wind=0.5)[0] == pytest.approx(20, abs=1)


def test_cells_of_one_state_of_the_air_get_the_library_s_values():
    radiant = np.linspace(15, 75, 501)
    ours = felt_temperature(radiant, air=29.4, humidity=0.41, wind=1.3)
    theirs = utci(tdb=np.full(501, 29.4), tr=radiant, v=np.full(501, 1.3), rh=np.full(501, 41.0),
                  limit_inputs=False, round_output=False).utci  # fmt: skip
    assert np.allclose(ours, theirs, atol=2e-5)


def test_the_200_points_of_the_library_with_its_refusals(shared_data):
    lines = (shared_data / "benchmarks" / "utci" / "utci_pythermalcomfort.csv").read_text().splitlines()
    rows = [[float(field or "nan") for field in row] for row in csv.reader(lines[1:])]
    assert len(rows) == 200
    refused = 0
    for air, radiant, wind, humidity, expected in rows:
        try:
            found = felt_temperature(np.array([radiant]), air=air, humidity=humidity / 100, wind=wind)[0]
        except NotComputableError:
            refused += 1
            assert np.isnan(expected)
            continue
        assert found == pytest.approx(expected, abs=1e-3), "limit: 0.001 K"
    assert refused == np.isnan([row[-1] for row in rows]).sum() > 0


@pytest.mark.parametrize(
    ("air", "humidity", "radiant"), [(40.0, 0.9, 60.0), (51.0, 0.1, 60.0), (30.0, 0.4, 101.0), (30.0, 0.4, -1.0)]
)
def test_air_outside_the_index_is_refused_never_nan(air, humidity, radiant):
    with pytest.raises(NotComputableError, match=r"UTCI holds from .* choose another heat_day or heat_hour"):
        felt_temperature(np.array([radiant]), air=air, humidity=humidity, wind=2.0)


def test_wind_outside_the_index_is_held_to_it():
    calm, still = (felt_temperature(np.array([50.0]), air=30.0, humidity=0.4, wind=wind) for wind in (0.5, 0.0))
    assert calm == still
