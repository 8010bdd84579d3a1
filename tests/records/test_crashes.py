"""A crash at any instant loses nothing that was acknowledged and leaves nothing half done."""

from __future__ import annotations

import random
import time

import pytest
from sqlalchemy import make_url

from records.postgres import own_server
from records.writers import append_and_acknowledge, append_many, open_and_append, processes
from synapolis.records.journal import Journal
from synapolis.records.store import Store, open_store
from synapolis.records.tables import Contract, fetch

KILLS = {"sqlite": 20, "postgresql": 10}  # a server outlives its writers: the test after this one kills the server


def acknowledged(pipe) -> dict[int, str]:
    """All that a writer told before it was killed."""
    told = {}
    while True:
        try:
            seq, hash_ = pipe.recv()
        except (EOFError, OSError):
            return told
        told[seq] = hash_


def killed_writer(url: str, actor: str, after: float) -> dict[int, str]:
    """Begin a writer, kill it so many seconds after its first acknowledgement, and return what it acknowledged."""
    ours, theirs = processes.Pipe(duplex=False)
    writer = processes.Process(target=append_and_acknowledge, args=(url, actor, theirs))
    writer.start()
    theirs.close()
    assert ours.poll(60)
    writer.join(after)
    writer.kill()
    writer.join()
    return acknowledged(ours)


def assert_whole(store: Store, told: dict[int, str]) -> None:
    """Everything acknowledged is there, the chain is whole, and each entry has its effect and each effect its entry."""
    journal = Journal(store)
    verdict = journal.verify()
    assert verdict.whole, verdict.says
    entries = {entry.seq: entry for entry in journal.entries()}
    assert {seq: entries[seq].hash for seq in told} == told
    with store.read() as connection:
        effects = {(row.journal_seq, row.id) for row in fetch(connection, Contract)}
    assert effects == {(entry.seq, entry.body["id"]) for entry in entries.values()}


@pytest.mark.slow
def test_killing_writers_at_random_instants_loses_nothing_acknowledged(url):
    instants = random.Random(20261122)
    told: dict[int, str] = {}
    kills = KILLS[make_url(url).get_backend_name()]
    for k in range(kills):
        told |= killed_writer(url, f"writer {k}", instants.uniform(0, 0.05))
        if k % 5 == 4:
            with open_store(url) as store:
                assert_whole(store, told)
    assert len(told) >= kills


@pytest.mark.slow
def test_a_killed_server_comes_back_with_everything_acknowledged():
    with own_server() as server, open_store(server.address) as store:
        told: dict[int, str] = {}
        for k in range(2):
            ours, theirs = processes.Pipe(duplex=False)
            writer = processes.Process(target=append_and_acknowledge, args=(server.address, f"writer {k}", theirs))
            writer.start()
            theirs.close()
            assert ours.poll(60)
            writer.join(0.2)
            server.kill()
            told |= acknowledged(ours)
            writer.join()
            server.start()
            assert_whole(store, told)
        assert told


@pytest.mark.slow
def test_ten_thousand_entries_by_eight_processes_are_one_whole_chain(url, record_property):
    with open_store(url) as store:
        begin = time.perf_counter()
        writers = [processes.Process(target=append_many, args=(url, f"writer {k}", 1250)) for k in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        record_property("seconds", time.perf_counter() - begin)
        verdict = Journal(store).verify()
        assert verdict.whole, verdict.says
        assert verdict.entries == 10_000
        by = [entry.actor for entry in Journal(store).entries()]
    assert {actor: by.count(actor) for actor in set(by)} == {f"writer {k}": 1250 for k in range(8)}


@pytest.mark.slow
def test_processes_that_open_an_empty_database_at_once_make_it_once(url):
    begin = processes.Barrier(6)
    openers = [processes.Process(target=open_and_append, args=(url, f"opener {k}", begin)) for k in range(6)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 6
    with open_store(url) as store:
        assert Journal(store).verify().entries == 18
