"""Reader of TNTP files, the text format of the Transportation Networks test problems.

The format names no units: times stay in the file's own unit, and the caller converts them. Nodes are
numbered from 1 in a file and from 0 here; the first nodes are the zones.

References
----------
Transportation Networks for Research Core Team, github.com/bstabler/TransportationNetworks (format).
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

END = "<END OF METADATA>"
LINK_COLUMNS = 10  # init, term, capacity, length, free-flow time, b, power, speed, toll, type


class TntpNetwork(NamedTuple):
    """Links of one TNTP network, in file order and in the file's own units."""

    zone_count: int
    node_count: int
    first_through_node: int  # from 0: nodes below may not be passed through
    from_node: NDArray[np.int32]
    to_node: NDArray[np.int32]
    capacity: NDArray[np.float64]
    length: NDArray[np.float64]
    free_flow_time: NDArray[np.float64]
    b: NDArray[np.float64]
    power: NDArray[np.float64]
    toll: NDArray[np.float64]


@registered(
    kind="parser",
    version="1",
    name="read_tntp_network",
    decision="Testing the traffic models on published networks.",
    data=("TNTP network file",),
    method="Tags and rows are read as the format states; counts are checked against what the file promises.",
    source="Transportation Networks for Research Core Team, github.com/bstabler/TransportationNetworks (format).",
    limits="The format names no units: the caller converts.",
    risks="None for people: test networks only.",
    tests="tests/sources/test_tntp.py",
)
def read_network(path: Path) -> TntpNetwork:
    """Read a TNTP network file.

    Parameters
    ----------
    path : Path
        A `*_net.tntp` file, which may be gzipped.

    Returns
    -------
    TntpNetwork
        A link whose power is below 1 is given constant cost (b = 0, power = 1): its delay function has no
        finite slope at zero flow.

    Raises
    ------
    SourceError
        A missing tag, a line that is not a link, an unknown node, or another number of links than promised.
    """
    tags, body = _split(path)
    zones, nodes = _tag(path, tags, "NUMBER OF ZONES"), _tag(path, tags, "NUMBER OF NODES")
    through, promised = _tag(path, tags, "FIRST THRU NODE"), _tag(path, tags, "NUMBER OF LINKS")
    rows = [
        _numbers(path, number, text.rstrip(";").split(), LINK_COLUMNS)
        for number, text in body
        if not text.startswith("~")
    ]
    if len(rows) != promised:
        raise SourceError(f"{path}: {promised} links are promised, {len(rows)} found; is the file cut short?")
    table = np.array(rows, dtype=np.float64).reshape(-1, LINK_COLUMNS)
    ends = table[:, :2].astype(np.int32)
    if ((ends < 1) | (ends > nodes)).any():
        raise SourceError(f"{path}: links must join nodes 1 to {nodes}, got {ends.min()} to {ends.max()}")
    constant = table[:, 6] < 1.0
    return TntpNetwork(
        zone_count=zones,
        node_count=nodes,
        first_through_node=through - 1,
        from_node=ends[:, 0] - 1,
        to_node=ends[:, 1] - 1,
        capacity=table[:, 2].copy(),
        length=table[:, 3].copy(),
        free_flow_time=table[:, 4].copy(),
        b=np.where(constant, 0.0, table[:, 5]),
        power=np.where(constant, 1.0, table[:, 6]),
        toll=table[:, 8].copy(),
    )


@registered(
    kind="parser",
    version="1",
    name="read_tntp_trips",
    decision="Testing the traffic models on published networks.",
    data=("TNTP trips file",),
    method="Tags and rows are read as the format states; counts are checked against what the file promises.",
    source="Transportation Networks for Research Core Team, github.com/bstabler/TransportationNetworks (format).",
    limits="The format names no units: the caller converts.",
    risks="None for people: test networks only.",
    tests="tests/sources/test_tntp.py",
)
def read_trips(path: Path) -> NDArray[np.float64]:
    """Read a TNTP trip table.

    Parameters
    ----------
    path : Path
        A `*_trips.tntp` file, which may be gzipped.

    Returns
    -------
    (zone, zone)
        Trips from row to column, in the file's own unit; pairs not named are 0.

    Raises
    ------
    SourceError
        A missing tag, a line that is neither an origin nor trips, an unknown zone, or negative trips.
    """
    tags, body = _split(path)
    zones = _tag(path, tags, "NUMBER OF ZONES")
    trips = np.zeros((zones, zones))
    origin = -1
    for number, text in body:
        if text.startswith("~"):
            continue
        if text.lower().startswith("origin"):
            origin = _zone(path, number, text.split()[-1], zones)
            continue
        if origin < 0:
            raise SourceError(f"{path}, line {number}: trips come before any 'Origin' line: {text!r}")
        for item in filter(None, (part.strip() for part in text.split(";"))):
            destination, _, value = item.partition(":")
            count = _numbers(path, number, [value.strip()], 1)[0]
            if not count >= 0.0:
                raise SourceError(f"{path}, line {number}: trips must not be negative, got {item!r}")
            trips[origin, _zone(path, number, destination.strip(), zones)] = count
    return trips


@registered(
    kind="parser",
    version="1",
    name="read_tntp_flows",
    decision="Testing the traffic models on published networks.",
    data=("TNTP flows file",),
    method="Tags and rows are read as the format states; counts are checked against what the file promises.",
    source="Transportation Networks for Research Core Team, github.com/bstabler/TransportationNetworks (format).",
    limits="The format names no units: the caller converts.",
    risks="None for people: test networks only.",
    tests="tests/sources/test_tntp.py",
)
def read_flows(path: Path) -> NDArray[np.float64]:
    """Read a TNTP solution: the volume of each link, in file order.

    Parameters
    ----------
    path : Path
        A `*_flow.tntp` file with the columns from, to, volume, cost.

    Returns
    -------
    (link, 4)
        From node and to node (from 1, as in the file), volume, cost.

    Raises
    ------
    SourceError
        A line that does not hold four numbers.
    """
    lines = [(n, text.strip()) for n, text in enumerate(_text(path).splitlines(), start=1) if text.strip()]
    rows = [_numbers(path, number, text.rstrip(";").split(), 4) for number, text in lines[1:]]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: wanted a readable TNTP text file, got {error}") from error


def _split(path: Path) -> tuple[dict[str, str], list[tuple[int, str]]]:
    lines = [(number, line.strip()) for number, line in enumerate(_text(path).splitlines(), start=1)]
    end = next((index for index, (_, line) in enumerate(lines) if line.startswith(END)), None)
    if end is None:
        raise SourceError(f"{path}: wanted a line {END!r} after the tags, found none; is this a TNTP file?")
    found = (re.match(r"<([^>]+)>\s*(.*)", line) for _, line in lines[:end])
    tags = {match[1].strip().upper(): match[2].strip() for match in found if match}
    return tags, [(number, line) for number, line in lines[end + 1 :] if line]


def _tag(path: Path, tags: dict[str, str], name: str) -> int:
    text = tags.get(name, "")
    if not text.isdigit() or int(text) < 1:
        raise SourceError(f"{path}: wanted <{name}> followed by a positive whole number, got {text!r}")
    return int(text)


def _zone(path: Path, line: int, text: str, zones: int) -> int:
    if not text.isdigit() or not 1 <= int(text) <= zones:
        raise SourceError(f"{path}, line {line}: wanted a zone from 1 to {zones}, got {text!r}")
    return int(text) - 1


def _numbers(path: Path, line: int, words: list[str], wanted: int) -> list[float]:
    try:
        values = [float(word) for word in words[:wanted]]
    except ValueError as error:
        raise SourceError(f"{path}, line {line}: wanted {wanted} numbers, got {words!r}") from error
    if len(values) < wanted or not np.isfinite(values).all():
        raise SourceError(f"{path}, line {line}: wanted {wanted} finite numbers, got {words!r}")
    return values
