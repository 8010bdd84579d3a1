"""Results by key, in memory and on disk: written whole or not at all, checked when read, bounded in size."""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from synapolis import layers
from synapolis.core.digest import digest

MAGIC = b"synapolis-cache-2\n"
HEAD_LENGTH = len(MAGIC) + 64
DISK_LIMIT = 4 * 2**30
MEMORY_LIMIT = 2**30
WORTH_KEEPING = 0.02
"""Results that took less than this [s] are made again rather than read from disk."""


class Digests(dict[str, str]):
    """Digests of outputs by name, each made when first asked for: what nothing is made from needs none."""

    def __init__(self, outputs: Mapping[str, Any]) -> None:
        super().__init__()
        self._outputs = outputs

    def __missing__(self, name: str) -> str:
        """Make the digest of one output."""
        made = self[name] = digest(self._outputs[name])
        return made


@dataclass(frozen=True)
class Entry:
    """A node's outputs, their digests, and how long they took [s]."""

    outputs: dict[str, Any]
    digests: dict[str, str]
    seconds: float
    notes: dict[str, Any]


class Cache:
    """Key to entry. A damaged or half-written file is never read: it is dropped and the node runs again.

    The folder is the user's own: entries are pickles, so do not point it at files from elsewhere.
    """

    def __init__(self, folder: Path | None = None, *, disk_limit: int = DISK_LIMIT) -> None:
        self.folder = folder
        self.disk_limit = disk_limit
        self._memory: OrderedDict[str, tuple[Entry, int]] = OrderedDict()
        self._held = 0

    def get(self, key: str) -> Entry | None:
        """Return the entry, or None when it has to be made."""
        held = self._memory.get(key)
        if held is not None:
            self._memory.move_to_end(key)
            return held[0]
        entry = self._read(key)
        if entry is not None:
            self._remember(key, entry)
        return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry; a full disk costs the copy on disk, never the run."""
        self._remember(key, entry)
        if self.folder is None or entry.seconds < WORTH_KEEPING:
            return
        payload = pickle.dumps(entry, protocol=5)
        try:
            self._write(key, _head(payload) + payload)
            self._prune()
        except OSError:
            self.folder = None

    def _remember(self, key: str, entry: Entry) -> None:
        size = sum(size_of(value) for value in entry.outputs.values())
        if key in self._memory:
            self._held -= self._memory.pop(key)[1]
        self._memory[key] = entry, size
        self._held += size
        while self._held > MEMORY_LIMIT and len(self._memory) > 1:
            self._held -= self._memory.popitem(last=False)[1][1]

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / key[2:]

    def _read(self, key: str) -> Entry | None:
        if self.folder is None:
            return None
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        payload = data[HEAD_LENGTH:]
        entry = _loaded(payload) if data[:HEAD_LENGTH] == _head(payload) else None
        with suppress(OSError):  # the folder may be read-only, the file pruned meanwhile by another process
            os.utime(path) if entry is not None else path.unlink()
        return entry

    def _write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(scratch).replace(path)
        except OSError:
            Path(scratch).unlink(missing_ok=True)
            raise

    def _prune(self) -> None:
        """Drop the least recently used files once the folder is over its limit (looked at once in a while)."""
        assert self.folder is not None
        self._writes = getattr(self, "_writes", 0) + 1
        if self._writes % 50 != 1:
            return
        files = []
        for path in self.folder.glob("*/*"):
            with suppress(FileNotFoundError):  # pruned by another process
                files.append((path, path.stat()))
        total = sum(stat.st_size for _, stat in files)
        for path, stat in sorted(files, key=lambda item: item[1].st_mtime):
            if total <= self.disk_limit:
                break
            path.unlink(missing_ok=True)
            total -= stat.st_size


@functools.cache
def _shapes() -> bytes:
    """Digest of the code that says what layers are made of: a value of another shape is made again, not read."""
    state = hashlib.sha256()
    for path in sorted(Path(layers.__file__).parent.glob("*.py")):
        state.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return state.digest()


def _head(payload: bytes) -> bytes:
    return MAGIC + _shapes() + hashlib.sha256(payload).digest()


def _loaded(payload: bytes) -> Entry | None:
    """Entry in the bytes, or None where another version of a library wrote them in its own way."""
    try:
        entry = pickle.loads(payload)  # noqa: S301 - our own checksummed file in the user's cache folder
    except Exception:  # noqa: BLE001 - a pickle of another version fails in any way it likes
        return None
    return entry if isinstance(entry, Entry) else None


def default_cache() -> Cache:
    """The cache in the user's cache folder, or where SYNAPOLIS_CACHE says."""
    place = os.environ.get("SYNAPOLIS_CACHE") or platformdirs.user_cache_dir("synapolis")
    return Cache(Path(place))


def size_of(value: Any) -> int:
    """Rough size of a value in memory [byte]: arrays and tables are counted, the rest is small."""
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if hasattr(value, "memory_usage"):
        return int(value.memory_usage(deep=False).sum()) * 4
    if isinstance(value, tuple):
        return sum(size_of(item) for item in value)
    fields = getattr(value, "__dataclass_fields__", ())
    return 64 + sum(size_of(getattr(value, name)) for name in fields)
