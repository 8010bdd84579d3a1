"""Plans as citizens see them: near a place, in plain sentences, at a place, and the examples that are made up."""

from __future__ import annotations

import asyncio
import time

import pytest
import shapely

from synapolis.core.errors import ModelError
from synapolis.records.tables_desk import scenarios
from synapolis.report.plain import plain_effects, topic_of
from synapolis.scenarios.views import VIEWS
from synapolis.sources.generate import generate_city
from synapolis.web.examples import BUILT_IN, MADE_UP, PLANS, ensure_examples
from synapolis.web.kept import AGAIN, Keepers
from synapolis.web.plans import DEMO

HOMES = {"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 50}
SENTENCE = {"sentence": "Fifty new homes in the Old Town.", "when": "by 2030"}


def claim(quantity, before, after, **more):
    told = {"id": quantity, "text": VIEWS[quantity].says, "quantity": quantity, "unit": "m³", "digits": 0, "note": ""}
    return {**told, "before": before, "after": after, "detectable": None, "illustrative": False, **more}


def test_an_effect_is_one_plain_sentence():
    told = plain_effects({"claims": [claim("runoff_volume", 3000.0, 2500.0)]})
    assert [(one.topic, one.verdict) for one in told] == [("flood", "better")]
    assert told[0].text == "Stormwater shed in the design storm: 2,500 instead of 3,000 m³."


@pytest.mark.parametrize(
    ("after", "detectable", "verdict", "says"),
    [
        (3000.0, None, "same", "stays at 3,000 m³"),
        (3500.0, True, "worse", "3,500 instead of 3,000 m³"),
        (3500.0, False, "unclear", "no difference that could be told from chance"),
    ],
)
def test_what_did_not_change_or_cannot_be_told_says_so(after, detectable, verdict, says):
    (told,) = plain_effects({"claims": [claim("runoff_volume", 3000.0, after, detectable=detectable)]})
    assert told.verdict == verdict
    assert says in told.text


def test_unknown_values_and_homes_elsewhere_are_not_told():
    claims = [claim("runoff_volume", None, None), claim("runoff_volume", 1.0, 2.0, note="80 homes, elsewhere")]
    assert plain_effects({"claims": claims}) == ()


def test_costs_are_told_and_not_judged():
    (told,) = plain_effects({"claims": [claim("total_capital_cost", 0.0, 5e6, unit="EUR", digits=-5)]})
    assert (told.verdict, told.text) == ("changed", "Capital cost: 5.0 million EUR.")


def test_every_headline_has_a_topic_and_at_most_two_of_one_are_told():
    claims = [claim(word, 1.0, 9.0) for word in VIEWS]
    told = plain_effects({"claims": claims}, most=99)
    topics = [one.topic for one in told]
    assert max(topics.count(topic) for topic in topics) == 2
    assert {"trip", "heat", "flood", "rent", "cost"} <= {topic_of(word) for word in VIEWS}


@pytest.fixture(scope="module")
def plan(served):
    """A plan that was published, run and surveyed."""
    made = served.post("/cities/town/scenarios", {"title": "Homes in Old Town", "edits": [HOMES]}).json()
    assert served.post(f"/scenarios/{made['id']}/publish", SENTENCE).status_code == 200
    job = served.post("/cities/town/jobs", {"kind": "run", "scenario_id": made["id"], "members": 0}).json()
    ended = served.until(job["id"])
    assert ended["status"] == "done", ended
    return until_ready(served, made["id"])


def until_ready(served, name, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = served.client.get(f"/cities/town/plans/{name}").raise_for_status().json()
        if found["place_state"] != "computing" and found["answer"]:
            return found
        time.sleep(0.2)  # the page asks again, too
    raise AssertionError(f"the plan was not ready within {seconds} s: {found}\n{served.log[-2000:]}")


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1000, seed=3, name="town")


@pytest.mark.slow
def test_a_plan_says_what_it_does_and_what_it_rests_on(plan):
    assert (plan["title"], plan["sentence"], plan["when"]) == ("Homes in Old Town", SENTENCE["sentence"], "by 2030")
    assert plan["place_state"] == "ready"
    assert any(effect["verdict"] != "same" for effect in plan["effects"])
    assert all(effect["text"].endswith(".") for effect in plan["effects"])
    assert [edit["kind"] for edit in plan["edits"]] == ["add_homes"]
    assert plan["edits"][0]["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    assert "synapolis:add_homes" in {one["entry"] for one in plan["algorithms"]}
    assert {one["origin"] for one in plan["data"]} <= {"observed", "derived", "assumed"}


@pytest.mark.slow
def test_plans_are_listed_by_how_near_they_are(served, plan):
    lon, lat = plan["centre"]
    here = served.client.get("/cities/town/plans", params={"lon": lon, "lat": lat}).json()["items"]
    assert (here[0]["id"], here[0]["distance_m"]) == (plan["id"], 0)
    west, south, _, _ = plan["bounds"]
    away = served.client.get("/cities/town/plans", params={"lon": west - 0.02, "lat": south}).json()["items"][0]
    assert 500 < away["distance_m"] < 3000
    few = served.client.get("/cities/town/plans", params={"lon": west - 0.02, "lat": south, "radius": 100}).json()
    assert plan["id"] not in [item["id"] for item in few["items"]]


@pytest.mark.slow
def test_what_a_plan_does_here_is_told_for_each_topic(served, plan, town):
    zones = town.layers["zones"].value.to_crs(4326).geometry
    at, to = (shapely.point_on_surface(zones.iloc[place]) for place in (0, -1))
    address = f"/cities/town/plans/{plan['id']}/here"
    params = {"lon": at.x, "lat": at.y, "to_lon": to.x, "to_lat": to.y}
    found = served.client.get(address, params=params).raise_for_status().json()
    assert found["status"] == "ready"
    assert found["place"]["name"]
    assert {topic["topic"] for topic in found["topics"]} == {"trip", "rent", "heat", "flood"}
    for topic in found["topics"]:
        assert bool(topic["not_computable"]) == (topic["before"] is None)
    rent = next(topic for topic in found["topics"] if topic["topic"] == "rent")
    assert rent["change"] != 0
    outside = served.client.get(address, params={"lon": 80.0, "lat": -80.0}).raise_for_status().json()
    assert all("needs" in topic["not_computable"] for topic in outside["topics"])


@pytest.mark.slow
def test_readers_who_have_it_already_get_304(served, plan):
    for address in ("/cities/town/plans", f"/cities/town/plans/{plan['id']}"):
        first = served.client.get(address)
        again = served.client.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.slow
def test_a_plan_that_is_taken_back_is_gone(served):
    made = served.post("/cities/town/scenarios", {"title": "Soon gone", "edits": [HOMES]}).json()
    served.post(f"/scenarios/{made['id']}/publish", SENTENCE)
    address = f"/cities/town/plans/{made['id']}"
    wait_for(lambda: served.client.get(address).status_code == 200)
    served.post(f"/scenarios/{made['id']}/withdraw")
    wait_for(lambda: served.client.get(address).status_code == 404)


def wait_for(true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)  # lists are told again for a second


def test_a_plan_that_is_not_there_is_404(client):
    assert client.get("/cities/town/plans").json() == {"items": [], "next": None}
    assert client.get("/cities/town/plans/0123456789abcdef").status_code == 404
    assert client.get("/cities/nowhere/plans").status_code == 404


def test_examples_are_made_once_and_say_that_they_are_made_up(client, app):
    desk = app.state.desk
    city = (desk.first, desk.city(desk.first).title)
    example = (("Example: homes", f"{MADE_UP} homes.", "made up", HOMES),)
    assert asyncio.run(ensure_examples(desk, plans=example)) == 0, "the town is not the built-in city"
    assert made_in(client, desk, example, city) == 1
    (shown,) = client.get("/cities/town/plans").json()["items"]
    assert shown["example"]
    assert shown["author"] == DEMO
    assert shown["sentence"].startswith(MADE_UP)
    assert made_in(client, desk, example, city) == 0
    client.post(f"/scenarios/{shown['id']}/withdraw")
    assert made_in(client, desk, example, city) == 0, "whoever withdrew them does not meet them again"
    (job,) = desk.jobs.newest(city="town", owner=DEMO)
    assert job.scenario == shown["id"]


def made_in(client, desk, plans, city):
    return client.portal.call(lambda: ensure_examples(desk, plans=plans, city=city))


def test_there_are_no_examples_beside_plans_of_people(client, app):
    desk = app.state.desk
    made = client.post("/cities/town/scenarios", json={"title": "Ours", "edits": [HOMES]}).json()
    client.post(f"/scenarios/{made['id']}/publish", json=SENTENCE)
    assert made_in(client, desk, PLANS, (desk.first, desk.city(desk.first).title)) == 0
    with desk.store.read() as connection:
        assert not connection.execute(scenarios.select().where(scenarios.c.owner == DEMO)).all()


def test_the_examples_are_for_the_built_in_city():
    assert BUILT_IN[0] == "helsinki"
    assert len(PLANS) == 3
    assert all(sentence.startswith(MADE_UP) for _, sentence, _, _ in PLANS)


class Slow:
    """Workers that count what they are asked and finish when they are told."""

    def __init__(self, fails=False):
        self.calls, self.go, self.fails = 0, asyncio.Event(), fails

    async def call(self, name, **arguments):
        self.calls += 1
        await self.go.wait()
        if self.fails:
            raise ModelError("the run broke")
        return {"task": name, **arguments}


class Desk:
    def __init__(self, workers):
        self.workers = workers


def test_what_many_ask_for_at_once_is_computed_once_and_kept(home):
    async def story():
        slow = Slow()
        keeper = Keepers(Desk(slow))["things"]
        states = [(await keeper.get("k", "task", {"n": 1})).state for _ in range(20)]
        assert states == ["computing"] * 20
        slow.go.set()
        await keeper.wait("k", 5)
        found = await keeper.get("k", "task", {"n": 1})
        assert (found.state, found.value, slow.calls) == ("ready", {"task": "task", "n": 1}, 1)
        again = await Keepers(Desk(Slow()))["things"].get("k", "task", {"n": 1})
        assert again == found, "another server reads it from the workspace"

    asyncio.run(story())
    assert (home / "things" / "k.json").is_file()


def test_what_fails_says_why_and_is_tried_again_later(home):
    async def story():
        slow = Slow(fails=True)
        slow.go.set()
        keeper = Keepers(Desk(slow))["things"]
        await keeper.get("k", "task", {})
        await keeper.wait("k", 5)
        found = await keeper.get("k", "task", {})
        assert (found.state, found.detail, slow.calls) == ("failed", "the run broke", 1)
        assert AGAIN > 1

    asyncio.run(story())
    assert not (home / "things").exists()
