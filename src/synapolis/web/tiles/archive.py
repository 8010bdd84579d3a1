"""Tiles out of a PMTiles file, by zoom, column and row, as they are stored (gzip)."""

from __future__ import annotations

import gzip
import json
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmtiles.tile import deserialize_directory, deserialize_header, tileid_to_zxy

from synapolis.core.errors import StorageError

Tile = tuple[int, int, int]


@dataclass
class Archive:
    """A memory-mapped PMTiles file with its directory read once; tiles that were asked for are kept as bytes."""

    path: Path
    _places: dict[Tile, tuple[int, int]] = field(default_factory=dict)
    _hot: dict[Tile, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Map the file and read where each tile lies.

        Raises
        ------
        StorageError
            When the file cannot be read as PMTiles.
        """
        try:
            with self.path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._head = deserialize_header(self._bytes[:127])
            self._places = dict(self._walk(self._head["root_offset"], self._head["root_length"]))
        except Exception as error:  # the library raises whatever the bytes lead it to
            raise StorageError(f"{self.path} does not hold tiles ({error}); remove it, and it is made again") from error

    def _walk(self, offset: int, length: int) -> Iterator[tuple[Tile, tuple[int, int]]]:
        for entry in deserialize_directory(self._bytes[offset : offset + length]):
            if entry.run_length:
                place = self._head["tile_data_offset"] + entry.offset, entry.length
                for number in range(entry.run_length):
                    yield tileid_to_zxy(entry.tile_id + number), place
            else:
                yield from self._walk(self._head["leaf_directory_offset"] + entry.offset, entry.length)

    def get(self, zoom: int, column: int, row: int) -> bytes | None:
        """One tile, gzip as stored; None where nothing is drawn."""
        tile = zoom, column, row
        found = self._hot.get(tile)
        if found is None and tile in self._places:
            offset, length = self._places[tile]
            found = self._hot[tile] = self._bytes[offset : offset + length]
        return found

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self._places)

    def layers(self) -> list[dict[str, Any]]:
        """Layers and the types of their properties, as the file's metadata tells them."""
        start, length = self._head["metadata_offset"], self._head["metadata_length"]
        told = json.loads(gzip.decompress(self._bytes[start : start + length]))
        return [{"id": layer["id"], "fields": layer["fields"]} for layer in told.get("vector_layers", [])]
