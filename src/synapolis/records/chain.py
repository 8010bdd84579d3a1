"""Verify a chain of entries: find the first damage, tell what kind it is, and name the byte where one byte changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal

from synapolis.core.errors import RecordsError
from synapolis.records.canonical import canonical
from synapolis.records.entry import NO_HASH, Written, quoted

Damage = Literal["", "changed", "replaced", "gap", "cut short", "beyond the head", "unreadable", "diverged"]
CONTENT = ("at", "kind", "actor", "purpose", "body")
MAX_TRIES = 600_000  # about two seconds: every value of every byte of an entry of 2,000 bytes


@dataclass(frozen=True)
class Head:
    """The last entry: its number and hash. An empty journal has number 0 and a hash of zeros."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Verdict:
    """Whether a journal is whole; if not, the first damaged entry, the kind of damage, the field, in words."""

    whole: bool
    entries: int
    head: Head
    says: str
    damage: Damage = ""
    seq: int | None = None
    field: str = ""


class _DamageError(Exception):
    """The first damage of a chain."""

    def __init__(self, damage: Damage, seq: int, says: str, field: str = "") -> None:
        super().__init__(says)
        self.damage, self.seq, self.field = damage, seq, field


def verify_chain(entries: Iterable[Written], head: Head | None) -> Verdict:
    """Walk a chain from its first entry to its head.

    Parameters
    ----------
    entries : in their order
    head : what the last entry must be; None where the row that says so is missing
    """
    last = Head(0, NO_HASH)
    try:
        for entry, following in _with_following(entries):
            _check(entry, last, following.prev_hash if following else (head.hash.encode() if head else b""))
            last = Head(entry.seq, entry.computed())
        _check_end(last, head)
    except _DamageError as found:
        return Verdict(False, last.seq, last, str(found), found.damage, found.seq, found.field)
    except (RecordsError, UnicodeDecodeError) as error:
        says = f"entry {last.seq + 1} cannot be read: {error}; all before it is whole. Restore a backup or an export"
        return Verdict(False, last.seq, last, says, "unreadable", last.seq + 1)
    told = f"{last.seq:,} entries, each chained to the last; head {last.hash}" if last.seq else "no entries yet"
    return Verdict(True, last.seq, last, f"whole: {told}")


def _with_following(entries: Iterable[Written]) -> Iterator[tuple[Written, Written | None]]:
    """Each entry with the one after it; one before an unreadable entry still comes, so that it is checked first."""
    ahead: Written | None = None
    try:
        for entry in entries:
            if ahead is not None:
                yield ahead, entry
            ahead = entry
    except RecordsError:
        if ahead is not None:
            yield ahead, None
        raise
    if ahead is not None:
        yield ahead, None


def _check(entry: Written, last: Head, named: bytes) -> None:
    """Check an entry against the one before it; `named` is the hash by which the next one (or the head) calls it."""
    seq = last.seq + 1
    if entry.seq != seq:
        _misplaced(entry, seq)
    fits, linked = entry.computed().encode() == entry.hash, entry.prev_hash == last.hash.encode()
    if not fits:
        _changed(entry, last, named)
    if not linked:
        _unlinked(entry, last)
    _check_form(entry)


def _misplaced(entry: Written, seq: int) -> None:
    if replace(entry, seq=seq).computed().encode() == entry.hash:
        says = (
            f"entry {seq}: its number was changed: it is {entry.seq}, it was {seq}; the rest of the entry is as written"
        )
        raise _DamageError("changed", seq, says, "seq")
    if entry.seq < seq:
        raise _DamageError("replaced", entry.seq, f"entry {entry.seq} is there twice, or out of order", "seq")
    many = f"entries {seq} to {entry.seq - 1} are" if entry.seq - 1 > seq else f"entry {seq} is"
    raise _DamageError("gap", seq, f"{many} missing: after {seq - 1} comes {entry.seq}", "seq")


def _changed(entry: Written, last: Head, named: bytes) -> None:
    """Say what of an entry no longer gives its hash."""
    seq, expected = entry.seq, last.hash.encode()
    if entry.prev_hash != expected and replace(entry, prev_hash=expected).computed().encode() == entry.hash:
        says = f"entry {seq}: prev_hash was changed{_difference(entry.prev_hash, expected)}; the rest is as written"
        raise _DamageError("changed", seq, says, "prev_hash")
    computed = entry.computed().encode()
    if named == computed:
        says = f"entry {seq}: hash was changed{_difference(entry.hash, computed)}; the rest is as written"
        raise _DamageError("changed", seq, says, "hash")
    if found := _one_byte(entry):
        field, was = found
        says = f"entry {seq}: {field} was changed{_difference(getattr(entry, field), was)}; the rest is as written"
        raise _DamageError("changed", seq, says, field)
    unsure = "at, kind, actor, purpose or body" if entry.prev_hash == expected else "more than one field"
    says = (
        f"entry {seq}: {unsure} was changed: its hash is {_short(entry.hash)}, its content gives {_short(computed)}; "
        "hold it against an export (`--against`) to see the field"
    )
    raise _DamageError("changed", seq, says, "")


def _unlinked(entry: Written, last: Head) -> None:
    if last.seq == 0:
        says = "entry 1 begins no chain: its prev_hash is not 64 zeros; it was entered from elsewhere"
        raise _DamageError("replaced", 1, says, "prev_hash")
    says = (
        f"entry {last.seq} was replaced whole: its own hash {last.hash[:12]} fits its content, but entry {entry.seq} "
        f"was chained to another entry {last.seq}, {_short(entry.prev_hash)}"
    )
    raise _DamageError("replaced", last.seq, says)


def _check_form(entry: Written) -> None:
    """A body that hashes right but was not written by us: two spellings of one value."""
    try:
        body = json.loads(entry.body)
    except ValueError as error:
        raise RecordsError(f"its body is no JSON ({error}), though its hash fits") from None
    if not isinstance(body, dict) or canonical(body).encode() != entry.body:
        raise RecordsError("its body is not in canonical form, though its hash fits: it was not written by Synapolis")


def _check_end(last: Head, head: Head | None) -> None:
    if head is None:
        raise _DamageError(
            "cut short", last.seq + 1, f"the row that names the last entry is missing; {last.seq:,} found"
        )
    if head.seq > last.seq:
        many = f"{head.seq - last.seq:,} entries are" if head.seq - last.seq > 1 else "1 entry is"
        says = f"cut short: the head names entry {head.seq}, the last one here is {last.seq}; {many} missing"
        raise _DamageError("cut short", last.seq + 1, says)
    if head.seq < last.seq:
        says = f"the head names entry {head.seq} as the last, but entries up to {last.seq} are here"
        raise _DamageError("beyond the head", head.seq + 1, says)
    if head.hash != last.hash:
        says = f"the head names {head.hash[:12]} as the last entry, but entry {last.seq} is {last.hash[:12]}"
        raise _DamageError("replaced", last.seq, f"{says}: one of them was replaced")


def _one_byte(entry: Written) -> tuple[str, bytes] | None:
    """The field and its bytes before, if changing one byte back gives the hash; tries all, up to a limit."""
    tries = 0
    for field in CONTENT:
        now = getattr(entry, field)
        before, after = entry.around(field)
        for k in range(len(now)):
            tries += 255
            if tries > MAX_TRIES:
                return None
            for value in range(256):
                was = now[:k] + bytes((value,)) + now[k + 1 :]
                spelled = was if field == "body" else quoted(was)
                if sha256(before + spelled + after).hexdigest().encode() == entry.hash and value != now[k]:
                    return field, was
    return None


def _difference(now: bytes, was: bytes) -> str:
    """Where two byte strings first differ, for people."""
    if len(now) != len(was):
        return f": it is {len(now)} bytes, it was {len(was)}"
    places = [k for k in range(len(now)) if now[k] != was[k]]
    if len(places) > 1:
        return f" in {len(places)} bytes from byte {places[0] + 1}: it is {_short(now)}, it was {_short(was)}"
    k = places[0]
    around = was[max(0, k - 12) : k + 13].decode("utf-8", "replace")
    return f" at byte {k + 1}: it is {_byte(now[k])}, it was {_byte(was[k])} (in …{around}…)"


def _byte(value: int) -> str:
    return f"'{chr(value)}' (0x{value:02x})" if 32 <= value < 127 else f"0x{value:02x}"


def _short(text: bytes) -> str:
    return text[:12].decode("utf-8", "replace") + ("…" if len(text) > 12 else "")
