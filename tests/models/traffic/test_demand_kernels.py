"""Distribution and mode choice: margins met, closed forms of the logit, an independent balancing, elasticities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import ModelError
from synapolis.models.traffic.distribution import (
    DESTINATION,
    MILE,
    distance_utility,
    distribute,
    furness,
)
from synapolis.models.traffic.mode_choice import nested_logit


def plain_balancing(table, rows, columns, rounds=2000):
    """Row and column scaling of the whole table, one loop a zone: the textbook's way."""
    trips = [list(row) for row in np.asarray(table, dtype=float)]
    for _ in range(rounds):
        for i, wanted in enumerate(rows):
            total = sum(trips[i])
            trips[i] = [value * wanted / total if total else 0.0 for value in trips[i]]
        for j, wanted in enumerate(columns):
            total = sum(row[j] for row in trips)
            for row in trips:
                row[j] *= wanted / total if total else 0.0
    return np.array(trips)


@given(seed=st.integers(0, 10**6), zones=st.integers(2, 12), segments=st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_furness_meets_its_margins_and_keeps_odds_ratios(seed, zones, segments):
    chance = np.random.default_rng(seed)
    table = chance.uniform(0.1, 1, (segments * zones, zones))
    rows, columns = chance.uniform(0, 100, segments * zones), chance.uniform(1, 100, zones)
    columns *= rows.sum() / columns.sum()
    answer = furness(table, rows, columns)
    assert answer.converged
    largest = max(rows.max(), columns.max())
    assert np.abs(answer.trips.sum(axis=1) - rows).max() <= 1e-6 * largest
    assert np.abs(answer.trips.sum(axis=0) - columns).max() <= 1e-6 * largest
    odds = answer.trips[0, 0] * answer.trips[1, 1] * table[0, 1] * table[1, 0]
    assert odds == pytest.approx(answer.trips[0, 1] * answer.trips[1, 0] * table[0, 0] * table[1, 1])


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_furness_is_what_a_plain_balancing_makes(seed):
    chance = np.random.default_rng(seed)
    table = chance.uniform(0, 1, (6, 6)) * (chance.uniform(size=(6, 6)) < 0.8) + np.eye(6)
    fitting = plain_balancing(table, chance.uniform(1, 9, 6), np.full(6, 5.0), rounds=3)
    rows, columns = fitting.sum(axis=1), fitting.sum(axis=0)
    found = furness(table, rows, columns, max_iterations=5000)
    np.testing.assert_allclose(found.trips, plain_balancing(table, rows, columns), atol=1e-5)


def test_furness_started_from_a_like_table_ends_alike_and_sooner():
    chance = np.random.default_rng(4)
    table = np.exp(-chance.uniform(0, 6, (40, 40)))
    rows, columns = chance.uniform(1, 9, 40), chance.uniform(1, 9, 40)
    columns *= rows.sum() / columns.sum()
    before = furness(table, rows, columns)
    cold = furness(table * chance.uniform(0.99, 1.01, table.shape), rows, columns)
    warm = furness(table * 1.0, rows, columns, start=before.column_factor)
    assert warm.iterations < before.iterations
    np.testing.assert_allclose(warm.trips, before.trips, rtol=1e-6)
    assert not np.array_equal(cold.trips, warm.trips)


def test_furness_reports_margins_that_cannot_be_met():
    impossible = furness([[0, 1], [1, 0]], [3, 1], [2, 2], max_iterations=50)
    assert not impossible.converged
    assert impossible.error > 0.1
    assert not furness(np.ones((3, 3)) - np.eye(3), [1000, 1, 1], [1000, 1, 1]).converged
    with pytest.raises(ModelError, match="joined to no zone"):
        furness([[0, 0], [1, 1]], [1, 1], [1, 1])
    with pytest.raises(ModelError, match="one total"):
        furness(np.ones((2, 2)), [1, 1], [1, 2])
    with pytest.raises(ModelError, match="2 by 2"):
        furness(np.ones((3, 2)), [1, 1], [1, 1])


def test_symmetric_ends_and_ways_make_a_symmetric_table():
    chance = np.random.default_rng(1)
    way = chance.uniform(1, 9, (7, 7))
    ends = chance.uniform(10, 90, 7)
    trips = distribute(ends[None], ends, np.exp(-(way + way.T))[None]).trips[0]
    np.testing.assert_allclose(trips, trips.T, rtol=1e-6)


def test_segments_compete_for_the_same_places():
    weight = np.exp(-np.array([[[0.0, 1], [1, 0]], [[0, 0], [0, 0]]]))
    found = distribute(np.array([[10.0, 20], [30, 0]]), np.array([40.0, 20]), weight)
    np.testing.assert_allclose(found.trips.sum(axis=2), [[10, 20], [30, 0]], rtol=1e-6)
    np.testing.assert_allclose(found.trips.sum(axis=(0, 1)), [40, 20], rtol=1e-6)
    assert found.unserved == 0


def test_what_cannot_be_reached_gets_no_trips_and_parts_of_a_city_keep_to_themselves():
    """Zones 0 and 1 are an island; 4 has trips but no way out; 5 is empty."""
    weight = np.zeros((1, 6, 6))
    weight[0, :2, :2] = weight[0, 2:4, 2:4] = 1.0
    found = distribute(np.array([[10.0, 0, 5, 5, 7, 0]]), np.array([1.0, 3, 10, 10, 9, 0]), weight)
    assert np.isfinite(found.trips).all()
    assert found.trips[0, :2, 2:].sum() == found.trips[0, 2:, :2].sum() == found.trips[0, 4].sum() == 0
    np.testing.assert_allclose(found.trips[0].sum(axis=1)[:4], [10, 0, 5, 5])
    np.testing.assert_allclose(found.trips[0].sum(axis=0)[:2], [2.5, 7.5])
    assert found.unserved == 7


def test_ends_that_cannot_both_be_met_keep_the_trips_made_and_tell_the_misfit():
    """Those of zone 0 can only stay, and there is little to stay for."""
    weight = np.array([[[1.0, 0], [1, 1]]])
    found = distribute(np.array([[10.0, 10]]), np.array([2.0, 18]), weight)
    np.testing.assert_allclose(found.trips.sum(axis=2), [[10, 10]])
    assert found.error > 1e-3


def test_more_deterrence_makes_shorter_trips():
    way = np.abs(np.subtract.outer(np.arange(8.0), np.arange(8.0)))
    ends = np.full(8, 10.0)
    lengths = [
        (distribute(ends[None], ends, np.exp(-beta * way)[None]).trips[0] * way).sum() for beta in (0.0, 0.2, 1.0)
    ]
    assert lengths[0] > lengths[1] > lengths[2]
    assert lengths[0] == pytest.approx(80 * way.mean())


def test_terms_of_distance_are_the_published_slopes_joined_up():
    slopes = DESTINATION["work"][2]
    assert distance_utility("work", 0.5 * MILE) == pytest.approx(0.5 * slopes[0])
    far = slopes[0] + slopes[1] + 3 * slopes[2] + 10 * slopes[3] + 5 * slopes[4]
    assert distance_utility("work", np.array([[20 * MILE]])) == pytest.approx(far)
    for purpose in DESTINATION:
        along = distance_utility(purpose, np.linspace(0, 40_000, 200))
        assert (np.diff(along) <= 0).all()
        assert distance_utility(purpose, np.inf) == -np.inf


def test_logit_closed_forms():
    shares, best = nested_logit([[0.0, 5000.0], [np.log(3.0), 5000.0], [-np.inf, 0.0]])
    np.testing.assert_allclose(shares, [[0.25, 0.5], [0.75, 0.5], [0, 0]])
    np.testing.assert_allclose(best, [np.log(4), 5000 + np.log(2)])
    none, worst = nested_logit([[-np.inf], [-np.inf]])
    assert none.sum() == 0
    assert worst[0] == -np.inf
    with pytest.raises(ModelError, match="undefined"):
        nested_logit([np.nan, 1.0])
    with pytest.raises(ModelError, match="multinomial"):
        nested_logit([0.0, 1.0], nest=(0, 1), coefficient=1.5)


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=5), st.floats(-100, 100), st.floats(0.2, 1.0))
def test_logit_shares_sum_to_one_and_ignore_a_common_shift(utility, shift, coefficient):
    shares, best = nested_logit(utility, nest=(1, 2), coefficient=coefficient)
    assert shares.sum() == pytest.approx(1.0)
    moved, better = nested_logit(np.array(utility) + shift, nest=(1, 2), coefficient=coefficient)
    np.testing.assert_allclose(moved, shares, atol=1e-9)
    assert better - best == pytest.approx(shift, abs=1e-9)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-5, 5), st.floats(0.3, 1.0))
def test_the_nest_is_the_textbook_one(car, bicycle, walk, coefficient):
    shares, best = nested_logit([car, bicycle, walk], nest=(1, 2), coefficient=coefficient)
    inside = np.exp(np.array([bicycle, walk]) / coefficient)
    nest = coefficient * np.log(inside.sum())
    of_nest = np.exp(nest) / (np.exp(nest) + np.exp(car))
    np.testing.assert_allclose(shares, [1 - of_nest, *(of_nest * inside / inside.sum())], atol=1e-12)
    assert best == pytest.approx(np.log(np.exp(nest) + np.exp(car)))


@given(st.floats(5, 60), st.floats(-0.2, -0.01))
def test_own_and_cross_elasticities_are_those_of_the_logit(minutes, beta):
    """Own: beta x (1 - p); cross: -beta x p, the same for every other mode."""

    def shares(time):
        return nested_logit([beta * time, -1.0, -2.0])[0]

    before, step = shares(minutes), 1e-4
    change = (shares(minutes * (1 + step)) - shares(minutes * (1 - step))) / (2 * step * before)
    assert change[0] == pytest.approx(beta * minutes * (1 - before[0]), rel=1e-4, abs=1e-7)
    assert change[1:] == pytest.approx(-beta * minutes * before[0], rel=1e-4, abs=1e-7)


@given(st.lists(st.floats(-9, 9), min_size=4, max_size=4), st.integers(0, 3), st.floats(0.01, 3))
def test_a_better_mode_never_lowers_the_logsum_and_gains_its_share(utility, mode, gain):
    better = np.array(utility)
    better[mode] += gain
    (before, ease), (after, more) = (nested_logit(u, nest=(2, 3), coefficient=0.7) for u in (utility, better))
    assert more > ease
    assert after[mode] > before[mode]
