"""EnergyPlus weather files."""

from __future__ import annotations

import gzip

import pytest

from synapolis.core.errors import SourceError
from synapolis.layers.schemas import LAYERS
from synapolis.sources.weather import read_weather

HEAD = ["LOCATION,Town,-,FI,made,0,60.17,24.94,2,10"] + ["X"] * 7
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def hour(month, day, clock, rain):
    row = ["99"] * 35
    row[:5] = ["2001", str(month), str(day), str(clock), "0"]
    row[6], row[8], row[13], row[14], row[15], row[21], row[33] = "-5.5", "80", "120", "9999", "-0.0", "3.2", rain
    return ",".join(row)


def epw(rain="0.0"):
    hours = [hour(m, d, h, rain) for m, days in enumerate(DAYS, 1) for d in range(1, days + 1) for h in range(1, 25)]
    return "\n".join([*HEAD, *hours, ""]).encode()


def test_units_missing_values_and_index(tmp_path):
    path = tmp_path / "a.epw.gz"
    path.write_bytes(gzip.compress(epw("0.4")))
    read = read_weather(path)
    LAYERS["weather"].check(read.table)
    first = read.table.loc["01-01T00"]
    assert (first["temperature"], first["humidity"], first["wind_speed"], first["rain"]) == (-5.5, 0.8, 3.2, 0.4)
    assert read.table["direct_radiation"].isna().all()
    assert (read.longitude, read.latitude) == (24.94, 60.17)
    assert len(read.table) == 8760


def test_a_year_without_rain_was_not_measured(tmp_path):
    path = tmp_path / "a.epw"
    path.write_bytes(epw())
    read = read_weather(path)
    assert read.table["rain"].isna().all()
    assert any("no rain" in note for note in read.notes)


@pytest.mark.parametrize(
    "data",
    [b"", b"not an epw", gzip.compress(b"x"), epw()[:20000], epw().replace(b"-5.5", b"cold")],
    ids=["empty", "text", "zipped", "cut", "no number"],
)
def test_damaged_files_are_refused(tmp_path, data):
    path = tmp_path / "a.epw"
    path.write_bytes(data)
    with pytest.raises(SourceError):
        read_weather(path)
    cut = tmp_path / "b.epw.gz"
    cut.write_bytes(gzip.compress(epw())[:500])
    with pytest.raises(SourceError, match="cannot be read"):
        read_weather(cut)


def test_bilbao_is_a_typical_year(shared_data):
    read = read_weather(shared_data / "bilbao" / "bilbao_2021.epw.gz")
    assert len(read.table) == 8760
    assert read.table["temperature"].min() == pytest.approx(-4.7, abs=0.05)
    assert read.table["global_radiation"].sum() / 1000 == pytest.approx(1288, abs=1)
    assert read.table["rain"].isna().all()
    assert any("different years (2005 to 20" in note for note in read.notes)
