"""The bytes of a GTFS feed by file name, its tables as text, and errors that name file and line."""

from __future__ import annotations

import csv
import io
import math
import re
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synapolis.core.errors import SourceError
from synapolis.layers.timetable import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_TIME = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_BROKEN = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, KeyError)


class Feed:
    """The bytes of a feed by file name, and the errors that name file and line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            self._names = {p.name: str(p) for p in path.iterdir() if p.is_file()}
        else:
            self._names = self._zip_names()
        if not self._names:
            raise SourceError(
                f"a GTFS feed holds files such as stops.txt, {path} holds none; give the feed's zip or folder"
            )

    def _zip_names(self) -> dict[str, str]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX" not in n]
        except FileNotFoundError as error:
            raise SourceError(f"no GTFS feed at {self.path}; check the path") from error
        except _BROKEN as error:
            raise SourceError(f"{self.path} is not a whole zip file ({error}); fetch the feed again") from error
        return {n.rsplit("/", 1)[-1]: n for n in sorted(names, key=lambda n: (-n.count("/"), n))}

    def _bytes(self, name: str) -> bytes:
        try:
            if self.path.is_dir():
                return Path(self._names[name]).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self._names[name])
        except _BROKEN as error:
            raise SourceError(f"{self.path}: {name} cannot be unpacked ({error}); fetch the feed again") from error

    def has(self, name: str) -> bool:
        """Whether the feed holds a file."""
        return name in self._names

    def table(self, name: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> pd.DataFrame:
        """All rows as text ("" where blank), the wanted columns only, and `line`, the line in the file."""
        if name not in self._names:
            raise SourceError(f"{self.path} lacks {name}, which every GTFS feed must have; fetch a complete feed")
        try:
            text = self._bytes(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise self.error(name, line, "text in UTF-8", "other bytes", "save the file as UTF-8") from error
        frame = self._rows(name, text)
        missing = [column for column in required if column not in frame]
        if missing:
            raise self.error(
                name, 1, f"columns {', '.join(required)}", f"no {', '.join(missing)}", "fetch a complete feed"
            )
        for column in optional:
            if column not in frame:
                frame[column] = ""
        return frame[[*required, *optional, "line"]]

    def _rows(self, name: str, text: str) -> pd.DataFrame:
        """Parse with pandas; where it stumbles, with the csv module, which knows the line."""
        if "\0" in text:
            raise self.error(
                name, text[: text.index("\0")].count("\n") + 1, "text", "a zero byte", "fetch the feed again"
            )
        header = text.lstrip("\r\n").split("\n", 1)[0]
        if '"' not in text and "\r\r" not in text and header.strip():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", pd.errors.ParserWarning)
                    frame = pd.read_csv(
                        io.StringIO(text), dtype="str", keep_default_na=False, index_col=False, skip_blank_lines=False
                    )
            except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, ValueError):
                return self._rows_by_csv(name, text)
            frame.columns = frame.columns.str.strip()
            if frame.columns.has_duplicates or text.startswith(("\r", "\n")):
                return self._rows_by_csv(name, text)
            frame = frame.fillna("").apply(lambda column: column.str.strip())
            frame["line"] = np.arange(2, len(frame) + 2)
            return frame[(frame.drop(columns="line") != "").any(axis=1)]
        return self._rows_by_csv(name, text)

    def _rows_by_csv(self, name: str, text: str) -> pd.DataFrame:
        reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
        header: list[str] = []
        rows: list[list[object]] = []
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not any(cells):
                    continue
                if not header:
                    header = cells
                    continue
                if len(cells) > len(header) and any(cells[len(header) :]):
                    raise self.error(
                        name,
                        reader.line_num,
                        f"{len(header)} fields",
                        f"{len(cells)}",
                        "quote fields that contain commas",
                    )
                cells = cells[: len(header)] + [""] * (len(header) - len(cells))
                rows.append([*cells, reader.line_num])
        except csv.Error as problem:
            raise self.error(name, reader.line_num, "CSV", str(problem), "fetch the feed again") from problem
        if not header or len(set(header)) != len(header):
            raise self.error(
                name, 1, "a header that names each column once", ",".join(header) or "none", "fetch the feed again"
            )
        frame = pd.DataFrame(rows, columns=[*header, "line"])
        return frame.astype(dict.fromkeys(header, "str") | {"line": np.int64})

    def error(self, name: str, line: int, wanted: str, got: str, then: str) -> SourceError:
        """Return an error that names file and line."""
        got = got if len(got) <= 80 else got[:80] + "…"
        return SourceError(f"{self.path}: {name} line {line}: wanted {wanted}, got {got}; {then}")

    def parsed(
        self, name: str, frame: pd.DataFrame, column: str, parse: Callable[[str], float | None], wanted: str
    ) -> Floats:
        """Parse each different text once; `parse` returns None for what it cannot take."""
        codes, texts = pd.factorize(frame[column])
        values = np.empty(len(texts))
        for i, text in enumerate(texts):
            value = parse(str(text))
            if value is None:
                line = int(frame["line"].iloc[int(np.argmax(codes == i))])
                raise self.error(
                    name, line, f"{column} as {wanted}", repr(str(text)), "correct the row or drop its trip"
                )
            values[i] = value
        return np.asarray(values[codes])

    def integers(
        self, name: str, frame: pd.DataFrame, column: str, *, blank: int | None, low: int = 0, high: int = 2**31 - 1
    ) -> Integers:
        """Whole numbers of a column; `blank` stands for an empty one, None forbids it."""

        def parse(text: str) -> float | None:
            if not text:
                return blank
            if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
                return None
            return int(text) if low <= int(text) <= high else None

        return self.parsed(name, frame, column, parse, f"a whole number from {low} to {high}").astype(np.int64)

    def times(self, name: str, frame: pd.DataFrame, column: str, *, blank: bool) -> Floats:
        """Seconds after midnight; NaN where blank and allowed."""

        def parse(text: str) -> float | None:
            if not text:
                return math.nan if blank else None
            match = _TIME.fullmatch(text)
            if match is None:
                return None
            hours, minutes, seconds = (int(group) for group in match.groups())
            total = hours * 3600 + minutes * 60 + seconds
            return total if total <= 9 * DAY else None

        return self.parsed(name, frame, column, parse, "HH:MM:SS")

    def known(self, name: str, values: pd.Series, ids: set[str], target: str, lines: pd.Series) -> None:
        """Refuse ids that another file does not have."""
        strange = ~values.isin(ids).to_numpy()
        if strange.any():
            i = int(np.argmax(strange))
            raise self.error(
                name,
                int(lines.iloc[i]),
                f"a {values.name} of {target}",
                f"{values.iloc[i]!r} ({int(strange.sum())} such rows)",
                "add it there or drop the rows",
            )

    def unique(self, name: str, frame: pd.DataFrame, column: str) -> None:
        """Refuse ids that stand twice, or are empty."""
        twice = (frame[column].duplicated() | (frame[column] == "")).to_numpy()
        if twice.any():
            row = frame.iloc[int(np.argmax(twice))]
            raise self.error(name, int(row["line"]), f"each {column} once", repr(row[column]), "drop one of the rows")


def number(low: float, high: float) -> Callable[[str], float | None]:
    """Return a parser of plain numbers within limits."""

    def parse(text: str) -> float | None:
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text)
        return value if low <= value <= high else None

    return parse
