"""The cache: whatever is torn, cut, flipped or lost costs time, never a wrong result and never the run."""

import errno
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapolis.core.digest import digest
from synapolis.scenarios import cache as cache_module
from synapolis.scenarios.cache import Cache, Entry, default_cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run


def entry(value, seconds=1.0):
    outputs = {"depth": value}
    return Entry(outputs, {name: digest(found) for name, found in outputs.items()}, seconds, {})


def key(number):
    return digest(number)


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def same(one, two):
    return one.digests == two.digests and digest(one.outputs) == digest(two.outputs)


def test_a_result_outlives_the_process(tmp_path):
    kept = entry(np.arange(5.0))
    Cache(tmp_path).put(key(1), kept)
    assert same(Cache(tmp_path).get(key(1)), kept)
    assert Cache(tmp_path).get(key(2)) is None


def test_what_is_quickly_made_again_stays_off_the_disk(tmp_path):
    cache = Cache(tmp_path)
    cache.put(key(1), entry(1.0, seconds=1e-4))
    assert cache.get(key(1)) is not None
    assert files(tmp_path) == []


def test_without_a_folder_it_lives_in_memory():
    cache = Cache()
    cache.put(key(1), entry(1.0))
    assert cache.get(key(1)).outputs == {"depth": 1.0}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_dropped_and_never_read(tmp_path, data):
    kept = entry(np.arange(50.0))
    Cache(tmp_path).put(key(1), kept)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.sampled_from(["cut", "flip", "empty", "more", "other"]))
    path.write_bytes({
        "cut": whole[:at],
        "flip": whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :],
        "empty": b"",
        "more": whole + b"\0",
        "other": os.urandom(at + 1),
    }[damage])  # fmt: skip
    assert Cache(tmp_path).get(key(1)) is None
    assert files(tmp_path) == []
    Cache(tmp_path).put(key(1), kept)
    assert same(Cache(tmp_path).get(key(1)), kept)


def test_an_entry_of_an_older_program_is_made_again(tmp_path):
    """Whole and checked, but of a class that is no longer there."""
    cache = Cache(tmp_path)
    cache.put(key(1), entry(1.0))
    (path,) = files(tmp_path)
    payload = pickle.dumps(entry(1.0), protocol=5).replace(b"Entry", b"Antry")
    path.write_bytes(cache_module._head(payload) + payload)
    assert Cache(tmp_path).get(key(1)) is None


WRITER = """
import sys
import numpy as np
from synapolis.scenarios.cache import Cache, Entry
cache = Cache(sys.argv[1])
cache.folder = __import__("pathlib").Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    values = np.full(300_000, number % 7, dtype=float)
    cache.put(f"{number % 7:064d}", Entry({"depth": values}, {"depth": str(number % 7)}, 1.0, {}))
    number += 1
"""


@pytest.mark.slow
def test_a_layer_of_another_shape_is_made_again(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    cache.put(key(1), entry(np.arange(3)))
    assert Cache(tmp_path).get(key(1)) is not None
    monkeypatch.setattr(cache_module, "_shapes", lambda: bytes(32))  # as if the code of the layers had changed
    assert Cache(tmp_path).get(key(1)) is None


def test_killed_in_mid_write_nothing_half_written_is_read(tmp_path):
    for wait in (0.0005, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(wait)
            os.kill(writer.pid, signal.SIGKILL)
        cache = Cache(tmp_path)
        found = [cache.get(f"{number:064d}") for number in range(7)]
        for number, kept in enumerate(found):
            assert kept is None or (kept.outputs["depth"] == number).all()
    assert any(kept is not None for kept in found)


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("edge", ["replace", "mkdir", "mkstemp"])
def test_a_full_disk_costs_the_copy_not_the_run(tmp_path, monkeypatch, edge):
    target = (cache_module.tempfile, "mkstemp") if edge == "mkstemp" else (Path, edge)
    monkeypatch.setattr(*target, full_disk)
    cache = Cache(tmp_path / "cache")
    cache.put(key(1), entry(1.0))
    monkeypatch.undo()
    assert cache.get(key(1)).outputs == {"depth": 1.0}
    assert files(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_still_read(tmp_path):
    Cache(tmp_path).put(key(1), entry(1.0))
    for path in (*tmp_path.rglob("*"), tmp_path):
        path.chmod(0o500 if path.is_dir() else 0o400)
    cache = Cache(tmp_path)
    assert cache.get(key(1)) is not None
    cache.put(key(2), entry(2.0))
    assert cache.get(key(2)) is not None


def test_a_file_pruned_by_another_process_while_it_is_read(tmp_path, monkeypatch):
    kept = entry(1.0)
    Cache(tmp_path).put(key(1), kept)
    monkeypatch.setattr(os, "utime", lambda *_: (_ for _ in ()).throw(FileNotFoundError(2, "gone")))
    assert same(Cache(tmp_path).get(key(1)), kept)


def test_the_folder_stays_near_its_limit_and_the_oldest_go_first(tmp_path):
    limit = 40 * 8000
    cache = Cache(tmp_path, disk_limit=limit)
    for number in range(160):
        cache.put(key(number), entry(np.full(1000, float(number))))
    total = sum(path.stat().st_size for path in files(tmp_path))
    assert total < 3 * limit  # looked at once in a while, not on each write
    fresh = Cache(tmp_path, disk_limit=limit)
    assert fresh.get(key(0)) is None
    assert fresh.get(key(159)) is not None


def test_the_folder_is_where_the_user_says(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNAPOLIS_CACHE", str(tmp_path / "here"))
    assert default_cache().folder == tmp_path / "here"


WANTED = ("runoff_volume", "mean_jobs_within_5_min")


def test_stopped_by_the_user_it_goes_on_where_it_stopped(town, monkeypatch, tmp_path):
    """Ctrl-C arrives between two steps; the next call computes the rest and nothing twice."""
    monkeypatch.setattr(cache_module, "WORTH_KEEPING", 0.0)
    planner = Planner(town)
    refs = [planner.want(word) for word in WANTED]
    whole = run(refs, Cache())
    steps = []

    def stop(name, done, of):
        steps.append(name)
        if len(steps) == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(refs, Cache(tmp_path), progress=stop)
    after = run(refs, Cache(tmp_path))
    assert after.cached == 7
    assert sorted(after.computed + steps[:7]) == sorted(whole.computed)
    assert [after.value(ref) for ref in refs] == [whole.value(ref) for ref in refs]


def test_a_damaged_folder_gives_the_same_answer(town, monkeypatch, tmp_path):
    monkeypatch.setattr(cache_module, "WORTH_KEEPING", 0.0)
    refs = [Planner(town).want(word) for word in WANTED]
    first = run(refs, Cache(tmp_path))
    for number, path in enumerate(files(tmp_path)):
        if number % 2:
            path.write_bytes(path.read_bytes()[:-7])
    again = run(refs, Cache(tmp_path))
    assert [again.value(ref) for ref in refs] == [first.value(ref) for ref in refs]
    assert 0 < len(again.computed) < len(first.computed)
