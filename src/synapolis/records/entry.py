"""An entry of the journal, as people use it and as the bytes that its hash is over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from synapolis.records.canonical import canonical

NO_HASH = "0" * 64
"""What the first entry is chained to."""
ORDER = ("actor", "at", "body", "kind", "prev_hash", "purpose")
"""Fields before the number, in the order of canonical JSON."""


@dataclass(frozen=True)
class JournalEntry:
    """What happened: when, what kind of thing, by whom, what for, and the particulars."""

    seq: int
    at: str
    kind: str
    actor: str
    purpose: str
    body: Mapping[str, Any]
    prev_hash: str
    hash: str

    def to_json(self) -> str:
        """Canonical JSON of the whole entry: a line of an export."""
        return canonical(vars(self))


@dataclass(frozen=True)
class Written:
    """An entry as it is stored, byte for byte: what verification reads, since damaged bytes need not be text."""

    seq: int
    at: bytes
    kind: bytes
    actor: bytes
    purpose: bytes
    body: bytes
    prev_hash: bytes
    hash: bytes

    def computed(self) -> str:
        """Hash that these bytes have: SHA-256 over the canonical JSON of all fields but the hash itself."""
        return hashlib.sha256(self.hashed()).hexdigest()

    def hashed(self) -> bytes:
        """Bytes that the hash is over. The body goes in as it is stored, so that no byte of it escapes the hash."""
        return b"".join(self._spelled())

    def around(self, field: str) -> tuple[bytes, bytes]:
        """Those bytes before and after a field's own, where the field is a text or the body."""
        spelled = self._spelled()
        place = 2 * ORDER.index(field) + 1
        return b"".join(spelled[:place]), b"".join(spelled[place + 1 :])

    def _spelled(self) -> tuple[bytes, ...]:
        return (
            b'{"actor":', quoted(self.actor), b',"at":', quoted(self.at), b',"body":', self.body,
            b',"kind":', quoted(self.kind), b',"prev_hash":', quoted(self.prev_hash),
            b',"purpose":', quoted(self.purpose), b',"seq":%d}' % self.seq,
        )  # fmt: skip

    def read(self) -> JournalEntry:
        """Read the entry; ValueError where its bytes are no text or its body is no JSON."""
        return JournalEntry(
            self.seq, self.at.decode(), self.kind.decode(), self.actor.decode(), self.purpose.decode(),
            json.loads(self.body), self.prev_hash.decode(), self.hash.decode(),
        )  # fmt: skip

    def sealed(self) -> Written:
        """Return the same entry under the hash that its bytes have."""
        return replace(self, hash=self.computed().encode())


def written(seq: int, *, at: str, kind: str, actor: str, purpose: str, body: str, prev_hash: str) -> Written:
    """Write an entry down; `body` is canonical JSON."""
    return Written(
        seq, at.encode(), kind.encode(), actor.encode(), purpose.encode(), body.encode(), prev_hash.encode(), b""
    ).sealed()


def quoted(text: bytes) -> bytes:
    """JSON string of a text; bytes that are no UTF-8 pass through, so that every byte counts."""
    return json.dumps(text.decode("utf-8", "surrogateescape"), ensure_ascii=False).encode("utf-8", "surrogateescape")
