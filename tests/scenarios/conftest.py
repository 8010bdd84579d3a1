"""A small made-up town with every model declared, and room for toy models that are gone after the test."""

import pytest

from synapolis.core.declare import REGISTRY
from synapolis.models import load_models
from synapolis.scenarios.cache import Cache
from synapolis.sources.generate import generate_city

load_models()
WORDS = ("models", "assumptions", "quantities", "fixed_points")


@pytest.fixture(scope="session")
def town():
    return generate_city(people=1000, seed=3, name="town")


@pytest.fixture(scope="session")
def memory():
    """One cache in memory for every test that asks what comes out, not what was computed."""
    return Cache()


@pytest.fixture
def registry():
    kept = {name: dict(getattr(REGISTRY, name)) for name in WORDS}
    yield REGISTRY
    for name, content in kept.items():
        getattr(REGISTRY, name).clear()
        getattr(REGISTRY, name).update(content)
