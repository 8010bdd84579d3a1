# ruff: noqa: F811 - fixtures come under their names
"""Answers over HTTP: all that a page shows of one, from files, and nothing that is not there."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pyogrio
import pytest
import rasterio
from PIL import Image

from report.conftest import access, make_town, siting, stormwater
from synapolis.layers.city import save_city
from synapolis.layers.workspace import keep_answer
from synapolis.report.artefacts import write_artefacts
from synapolis.scenarios.answer import Frames
from synapolis.web.work.running import _kept
from web.reading import client, home  # noqa: F401 - fixtures

HASH = {"stormwater": "a1" * 32, "access": "b2" * 32, "siting": "c3" * 32, "bare": "d4" * 32}


@pytest.fixture(scope="module")
def kept(home):
    """Three answers about a small town with their maps, and one whose maps are gone."""
    town = make_town()
    save_city(town, home / "cities" / "smalltown")
    made = {}
    for name, make in (("stormwater", stormwater), ("access", access), ("siting", siting), ("bare", access)):
        answer, evidence = make(town)
        answer = replace(answer, hash=HASH[name])
        if name == "stormwater":
            flood = evidence.maps[1]
            share = np.array([0.5, 1.0])[:, None, None]
            frames = Frames(np.array([600.0, 1200.0]), share * flood.before, share * flood.after)
            evidence = replace(evidence, maps=(evidence.maps[0], replace(flood, frames=frames)))
        if name != "bare":
            write_artefacts(answer, evidence, home / "answers" / answer.hash[:16])
        keep_answer(answer.hash, answer.to_json())
        made[name] = answer, evidence
    return made


@pytest.fixture(scope="module")
def get(client, kept):
    """Ask for a path below an answer."""
    _ = kept

    def ask(name: str, path: str = "", **more):
        return client.get(f"/answers/{HASH[name][:16]}{path}", **more)

    return ask


def at(client, url: str, **more):
    return client.get(url.removeprefix("/api/v1"), **more)


def test_an_answer_comes_whole_with_words_and_addresses(get, kept, client):
    told = get("stormwater").json()
    assert told["summary"] == kept["stormwater"][0].summary
    assert [claim["id"] for claim in told["claims"]] == [claim.id for claim in kept["stormwater"][0].claims]
    share = next(claim for claim in told["claims"] if claim["quantity"] == "city_affordable_share")
    assert share["shown"] == {"factor": 100, "unit": "%", "change_unit": "percentage points", "digits": 1}
    assert share["better"] == "more"
    for entry in told["maps"]:
        for url in filter(None, (*entry["urls"].values(), entry["table"])):
            reply = at(client, url)
            assert reply.status_code == 200
    assert get("stormwater").content == client.get(f"/answers/{HASH['stormwater']}").content  # the whole hash does too


def test_pictures_and_features_may_be_kept_and_are_not_sent_twice(get, client):
    for name, kind in (("stormwater", "image/png"), ("access", "application/geo+json")):
        url = get(name).json()["maps"][0]["urls"]["after"]
        first = at(client, url)
        assert first.headers["content-type"] == kind
        assert "immutable" in first.headers["cache-control"]
        assert at(client, url, headers={"if-none-match": first.headers["etag"]}).status_code == 304
        assert at(client, url.partition("?")[0]).headers["cache-control"] == "no-cache"
    features = at(client, get("access").json()["maps"][0]["urls"]["change"]).json()["features"]
    assert {"id", "name", "before", "after", "change", "class_change"} <= features[0]["properties"].keys()


def test_the_flood_has_a_picture_for_each_moment(get, client):
    flood = get("stormwater").json()["maps"][1]
    assert flood["times"]["labels"] == ["10 min", "20 min"]
    pictures = [at(client, url) for url in flood["times"]["urls"]["after"]]
    wet = [int((np.asarray(Image.open(io.BytesIO(reply.content))) > 0).sum()) for reply in pictures]
    assert 0 < wet[0] <= wet[1]
    assert get("stormwater", "/maps/2/frames/after/7.png").status_code == 404
    assert get("stormwater", "/maps/1/frames/after/0.png").status_code == 404


def test_a_table_is_sorted_as_asked(get):
    rows = get("access", "/maps/1/table", params={"sort": "-after"}).json()["rows"]
    assert [row["after"] for row in rows] == sorted((row["after"] for row in rows), reverse=True)
    reply = get("access", "/maps/1/table", params={"sort": "colour"})
    assert reply.status_code == 422
    assert "name, before, after, change" in reply.json()["detail"]


def test_a_claim_leads_back_to_its_data(get, kept):
    told = get("stormwater", "/claims/c1").json()
    assert told["steps"][0]["name"] == "runoff_volume"
    assert {"buildings", "terrain"} <= {layer["name"] for layer in told["layers"]} | {s["name"] for s in told["steps"]}
    assert told["steps"][0]["register"] == "/register/synapolis:runoff_volume"
    influences = [use["influence"] or 0 for use in told["assumptions"]]
    assert influences == sorted(influences, reverse=True)
    assert told["hash"] == kept["stormwater"][0].hash
    reply = get("stormwater", "/claims/c99")
    assert reply.status_code == 404
    assert "c1, c2" in reply.json()["detail"]


def test_sites_lie_on_the_globe(get):
    site = get("siting").json()["sites"][0]
    lon, lat = site["geometry"]["coordinates"][0][0]
    assert 24 < lon < 26
    assert 59 < lat < 61


@pytest.mark.slow
def test_stills_are_drawn_once(get, client):
    url = get("stormwater").json()["maps"][1]["stills"]["change"]
    first = at(client, url)
    picture = Image.open(io.BytesIO(first.content)).convert("RGB")
    assert picture.width == 1000
    assert len(set(picture.resize((50, 40)).getdata())) > 10  # not one flat colour
    assert at(client, url).content == first.content
    assert get("siting", "/maps/1/still/before.png").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["json", "csv", "html", "pdf", "gpkg"])
def test_an_answer_leaves_in_every_format(get, kept, kind, tmp_path):
    reply = get("stormwater", f"/export.{kind}")
    assert reply.status_code == 200
    assert reply.headers["content-disposition"].endswith(f'.{kind}"')
    answer, evidence = kept["stormwater"]
    if kind == "json":
        assert reply.json() == json.loads(answer.to_json())
    elif kind == "csv":
        rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
        assert len(rows) == len(answer.claims) + len(answer.effects)
        assert float(rows[0]["change"]) == answer.claims[0].change
    elif kind == "html":
        assert answer.summary in reply.text
    elif kind == "pdf":
        assert reply.content.startswith(b"%PDF-")
    else:
        path = tmp_path / "answer.gpkg"
        path.write_bytes(reply.content)
        assert {"claims", "about", "sources"} <= {name for name, _ in pyogrio.list_layers(path)}
        with rasterio.open(f"GPKG:{path}:flood_depth_after") as raster:
            np.testing.assert_allclose(raster.read(1), evidence.maps[1].after, rtol=1e-6)


def test_an_answer_without_maps_is_still_told(get):
    told = get("bare").json()
    assert told["maps"] == []
    assert told["links"]["exports"].keys() == {"json", "csv"}
    assert get("bare", "/export.csv").status_code == 200
    assert get("bare", "/export.pdf").status_code == 404
    assert "run it again" in get("bare", "/export.pdf").json()["detail"]
    assert get("bare", "/maps/1/before.png").status_code == 404


@pytest.mark.parametrize("path", ["/answers/0000000000000000", f"/answers/{'a1' * 8}{'0' * 48}", "/answers/a1a1"])
def test_an_answer_that_is_not_here(client, kept, path):
    _ = kept
    reply = client.get(path)
    assert reply.status_code in (404, 422)
    assert reply.json()["detail"].endswith(("hashes", "openapi.json"))


@pytest.mark.parametrize(
    "hash_", ["..%2f..%2fetc%2fpasswd", "../records.db", "A1" * 8, "a1a1a1a1a1a1a1a1.json", "%00" * 16]
)
def test_no_path_leads_out_of_the_answers(client, kept, hash_):
    _ = kept
    for rest in ("", "/maps/1/before.png", "/export.json"):
        assert client.get(f"/answers/{hash_}{rest}").status_code in (404, 422)


def test_the_same_run_by_another_does_not_reword_what_was_answered(home, kept):
    answer, evidence = kept["access"]
    first = replace(answer, hash="e5" * 32, question="First said", actor="Anna")
    _kept(first, evidence)
    _kept(replace(first, question="Reworded", actor="Ben"), evidence)
    path = home / "answers" / f"{first.hash[:16]}.json"
    assert json.loads(path.read_text())["question"] == "First said"
    _kept(replace(first, question="Said better"), evidence)
    assert json.loads(path.read_text())["question"] == "Said better"
    (home / "answers" / first.hash[:16] / "maps.json").write_text("{")
    _kept(replace(first, question="Drawn again", actor="Ben"), evidence)
    assert json.loads(path.read_text())["question"] == "Drawn again"


@pytest.fixture
def damaged(home, kept):
    """An answer whose files a test may spoil."""
    answer, evidence = kept["stormwater"]
    answer = replace(answer, hash="f6" * 32)
    folder = write_artefacts(answer, evidence, home / "answers" / answer.hash[:16])
    keep_answer(answer.hash, answer.to_json())
    yield folder
    shutil.rmtree(folder)
    folder.with_suffix(".json").unlink()


@pytest.mark.parametrize(
    "spoiled",
    [b"", b"[]", b"\xff", b'{"format_version": 1, "hash": 5}', b'{"format_version": 1, "hash": "%b"}' % (b"f6" * 32)],
)
def test_a_damaged_answer_counts_as_none(client, damaged, spoiled):
    damaged.with_suffix(".json").write_bytes(spoiled)
    for path in ("", "/claims/x", "/maps/1/table", "/export.csv", "/export.json"):
        reply = client.get(f"/answers/{damaged.name}{path}")
        assert (reply.status_code, "ask the question again" in reply.json()["detail"]) == (404, True)


@pytest.mark.parametrize("spoiled", [b"", b"[]", b"null", b'{"format": 1}', b'{"format": 1, "maps": [{"n": 1}]}'])
def test_damaged_maps_count_as_none(client, damaged, spoiled):
    (damaged / "maps.json").write_bytes(spoiled)
    whole = client.get(f"/answers/{damaged.name}")
    assert (whole.status_code, whole.json()["maps"]) == (200, [])
    assert client.get(f"/answers/{damaged.name}/maps/1/table").status_code == 404


def test_files_of_maps_that_are_gone_or_damaged_are_told_with_the_next_step(client, damaged):
    told = client.get(f"/answers/{damaged.name}").json()
    paths = [entry["urls"]["after"] for entry in told["maps"]] + [entry["table"] for entry in told["maps"]]
    for path in damaged.iterdir():
        if path.name != "maps.json":
            path.unlink()
    for path in (
        *paths,
        told["maps"][0]["stills"]["after"],
        *(told["links"]["exports"][kind] for kind in ("html", "gpkg")),
    ):
        reply = at(client, path)
        assert (reply.status_code, "run it again" in reply.json()["detail"]) == (404, True), path
