"""A register over records of its own."""

from datetime import UTC, datetime, timedelta

import pytest

from synapolis.civic.register import Register
from synapolis.civic.twin import Profile
from synapolis.models import load_algorithms
from synapolis.records.journal import Journal
from synapolis.records.store import open_store

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def clock():
    """Tell times a minute apart, so that the order of entries can be read off them."""
    ticks = iter(range(10_000))
    return lambda: START + timedelta(minutes=next(ticks))


PROFILE = Profile(
    organisation="City of Example",
    contact="twin@example.org",
    objection_procedure="Write to the city.",
    revision_date="2027-01-01",
)


@pytest.fixture(scope="session")
def declared():
    """Everything that belongs in the register."""
    load_algorithms()


@pytest.fixture
def register(tmp_path, declared):
    with open_store(f"sqlite:///{tmp_path / 'records.db'}") as store:
        yield Register(store, profile=PROFILE, journal=Journal(store, clock=clock()))
