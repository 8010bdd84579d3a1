"""A server under load, by the clock: 200 readers of the citizen's window and 10 planners who run scenarios at once.

The server is `synapolis serve` on Helsinki in a workspace of its own; readers and planners are one process beside it,
on the same cores. A reader opens the page as a browser that has never been there (document, scripts, styles, what the
page asks for, tiles of its map), looks a place up and what is planned there, reads, and begins again. A planner asks
for a run of edits of their own, watches it to its end and asks for the next. The tiles are then asked for alone.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks import Row
from synapolis.layers.city import save_city
from synapolis.sources.generate import generate_city

READERS, PLANNERS, SECONDS = 200, 10, 60.0
PAGE, TILES = 300.0, 300.0  # [ms] at the 95th percentile, [tiles/s]: what the application promises
READING = (4.0, 12.0)  # [s] between two looks of a reader
AT_ONCE = 6  # connections of one browser
EDITS = ("add_homes", "change_cover")


def rows(*, quick: bool = False) -> list[Row]:
    seconds = 4.0 if quick else SECONDS
    readers, planners = (8, 2) if quick else (READERS, PLANNERS)
    with _served(quick=quick) as address:
        command = [sys.executable, "-m", "benchmarks.web", address, str(readers), str(planners), str(seconds)]
        load = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    who = f"{readers} readers, {planners} planners, {seconds:.0f} s"
    return [
        Row(
            "web: whole citizen's page, 95 %", load["page_ms"], "ms", "promised", PAGE, f"{who}; {load['pages']} pages"
        ),
        Row("web: one request, 95 %", load["request_ms"], "ms", note=f"{load['requests']:,} requests"),
        Row("web: requests that failed", load["failed"], note="; ".join(load["faults"][:3]) or "none"),
        Row("web: runs that ended well", load["runs"], note=f"of {load['asked']} asked for"),
        Row("web: tiles from cache", load["tiles"], "tiles/s", "promised", TILES, "alone, 16 connections"),
    ]


@contextmanager
def _served(*, quick: bool) -> Iterator[str]:
    """A server in a workspace that is gone afterwards: a made-up town where it is to be quick, else Helsinki."""
    with tempfile.TemporaryDirectory() as folder:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        home = os.environ | {"SYNAPOLIS_HOME": folder}
        name = "town" if quick else "helsinki"
        if quick:
            save_city(generate_city(people=500, name=name), Path(folder) / "cities" / name)
        command = [sys.executable, "-m", "synapolis.cli", "serve", name, "--port", str(port), "--members", "4"]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(command, env=home, stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


class Connection:
    """One connection that stays open: HTTP/1.1 at its plainest, so that the load costs the cores little."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, dict, bytes]:
        """Status, headers and body of one request. A connection that the server let go meanwhile is opened again."""
        told = {"host": f"{self._host}:{self._port}", "content-length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        request = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body
        used = self._writer is not None
        try:
            first, *lines = await self._headers(request)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            if not used:
                raise
            first, *lines = await self._headers(request)
        got = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        content = await self._body(got)
        if got.get("connection") == "close":
            self.close()
        return int(first.split()[1]), got, content

    async def _headers(self, request: bytes) -> list[str]:
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        assert self._reader is not None
        self._writer.write(request)
        return (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")

    async def _body(self, headers: dict[str, str]) -> bytes:
        assert self._reader is not None
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return b""
        parts = []
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readline()
        await self._reader.readline()
        return b"".join(parts)

    def close(self) -> None:
        """Let go."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


@dataclass
class Load:
    """What was seen: seconds of each request and page, faults, runs."""

    url: str
    requests: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    slow: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: int = 0
    runs: int = 0
    tiles: float = 0.0

    def fault(self, told: str) -> None:
        """Note what went wrong."""
        self.faults.append(told[:300])


@dataclass
class Browser:
    """A few connections to one server."""

    load: Load
    free: asyncio.Queue[Connection]
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, *, gzip: bool = True) -> Any:
        """Body of a page or file, as JSON where it is; what is no reply of the 200s is a fault."""
        headers = self.headers | ({"accept-encoding": "gzip"} if gzip else {})
        return (await self.ask("GET", path, headers))[1]

    async def ask(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, Any]:
        """Status and body of a request."""
        content = b"" if body is None else json.dumps(body).encode()
        connection, begun = await self.free.get(), time.perf_counter()
        try:
            status, got, raw = await connection.ask(method, path, headers, content)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            connection.close()
            self.load.fault(f"{method} {path}: {error!r}")
            return 0, None
        finally:
            self.free.put_nowait(connection)
        took = time.perf_counter() - begun
        self.load.requests.append(took)
        self.load.slow.setdefault(_kind(path), []).append(took)
        if not 200 <= status < 300:
            self.load.fault(f"{method} {path}: {status} {raw[:200]!r}")
            return status, None
        plain = "json" in got.get("content-type", "") and "content-encoding" not in got
        return status, json.loads(raw) if plain else raw


def _kind(path: str) -> str:
    return re.sub(r"\d+|[0-9a-f]{16,}|-[\w-]{8}\.", "#", path.partition("?")[0])


@asynccontextmanager
async def _browser(load: Load, connections: int = AT_ONCE) -> AsyncIterator[Browser]:
    where = urlsplit(load.url)
    made = [Connection(where.hostname or "127.0.0.1", where.port or 80) for _ in range(connections)]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in made:
        free.put_nowait(connection)
    yield Browser(load, free)
    for connection in made:
        connection.close()


@dataclass(frozen=True)
class Site:
    """What a browser finds out when it first comes: files of the page, the city, plans, tiles of the first map."""

    city: dict[str, Any]
    files: tuple[str, ...]
    plans: tuple[str, ...]
    tiles: tuple[str, ...]

    @property
    def api(self) -> str:
        """Address of the city."""
        return f"/api/v1/cities/{quote(self.city['name'])}"


async def _site(browser: Browser) -> Site:
    document = (await browser.get("/near", gzip=False)).decode()
    files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', document)
    script = (await browser.get(next(name for name in files if "/index-" in name), gzip=False)).decode()
    files += [
        f"/assets/{name}" for name in sorted(set(re.findall(r"(?:Citizen|MapView)-[\w-]{8}\.(?:js|css)", script)))
    ]
    first = (await browser.get("/api/v1/cities", gzip=False))["items"][0]["name"]
    city = await browser.get(f"/api/v1/cities/{quote(first)}", gzip=False)
    plans = (await browser.get(f"/api/v1/cities/{quote(first)}/plans", gzip=False))["items"]
    return Site(city, tuple(dict.fromkeys(files)), tuple(plan["id"] for plan in plans), tuple(_tiles(city)))


def _tiles(city: dict[str, Any]) -> list[str]:
    """Tiles over the middle of the city at the zooms where people look."""
    west, south, east, north = city["bounds"]
    tiles = []
    for zoom in range(max(13, city["tiles"]["minzoom"]), city["tiles"]["maxzoom"] + 1):
        (left, top), (right, bottom) = _place(west, north, zoom), _place(east, south, zoom)
        tiles += [(zoom, x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]
    return [city["tiles"]["url"].format(z=z, x=x, y=y) for z, x, y in tiles]


def _place(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom)


async def _reader(load: Load, site: Site, end: float, chance: random.Random) -> None:
    async with _browser(load) as browser:
        await asyncio.sleep(chance.uniform(0, min(sum(READING), end - time.perf_counter())))  # they come one by one
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await browser.get("/near")
            await asyncio.gather(*map(browser.get, site.files))
            asked = ("/api/v1/me", "/api/v1/cities", site.api, f"{site.api}/plans")
            await asyncio.gather(*map(browser.get, asked))
            load.pages.append(time.perf_counter() - begun)
            await asyncio.gather(*map(browser.get, chance.sample(site.tiles, min(6, len(site.tiles)))))
            await asyncio.sleep(chance.uniform(*READING))
            west, south, east, north = site.city["bounds"]
            at = f"lon={chance.uniform(west, east):.5f}&lat={chance.uniform(south, north):.5f}"
            await browser.get(f"{site.api}/search?limit=7&q={chance.choice(('ka', 'Man', 'po', 'ra'))}")
            await browser.get(f"{site.api}/plans?{at}&radius=800")
            if site.plans:
                await browser.get(f"{site.api}/plans/{chance.choice(site.plans)}")
                await browser.get(f"{site.api}/plans/{chance.choice(site.plans)}/here?{at}")
            await asyncio.sleep(chance.uniform(*READING))


async def _planner(load: Load, site: Site, end: float, chance: random.Random) -> None:
    async with _browser(load, 2) as browser:
        csrf = (await browser.get("/api/v1/me", gzip=False))["csrf"]
        unsafe = {"x-csrf-token": csrf, "content-type": "application/json"}
        while time.perf_counter() < end:
            load.asked += 1
            scenario = {"title": "under load", "edits": [_edit(site, chance)]}
            status, job = await browser.ask("POST", f"{site.api}/jobs", unsafe, {"kind": "run", "scenario": scenario})
            while status and job and job["status"] in {"queued", "running"} and time.perf_counter() < end + 120:
                await asyncio.sleep(1.0)
                job = await browser.get(f"/api/v1/jobs/{job['id']}", gzip=False)
            if job and job["status"] == "done":
                load.runs += 1
            else:
                load.fault(f"a run ended so: {job and (job['status'], job['error'])}")


def _edit(site: Site, chance: random.Random) -> dict[str, Any]:
    west, south, east, north = site.city["bounds"]
    lon = chance.uniform(west + 0.25 * (east - west), east - 0.25 * (east - west))
    lat = chance.uniform(south + 0.25 * (north - south), north - 0.25 * (north - south))
    wide, high = 0.05 * (east - west), 0.05 * (north - south)
    ring = [[lon, lat], [lon + wide, lat], [lon + wide, lat + high], [lon, lat + high], [lon, lat]]
    area = {"geojson": {"type": "Polygon", "coordinates": [ring]}}
    return {"kind": "change_cover", "area": area, "cover": chance.choice(("grass", "permeable_paving"))}


async def _tile_rate(load: Load, site: Site, seconds: float) -> float:
    """Tiles a second, from connections that each ask for one after another."""
    end, chance, got = time.perf_counter() + seconds, random.Random(5), 0
    begun = time.perf_counter()

    async def one(browser: Browser) -> int:
        count = 0
        while time.perf_counter() < end:
            await browser.get(chance.choice(site.tiles))
            count += 1
        return count

    async with _browser(load, 16) as browser:
        got = sum(await asyncio.gather(*(one(browser) for _ in range(16))))
    return got / (time.perf_counter() - begun)


def percentile(values: list[float], share: float = 0.95) -> float:
    """Value below which a share of the values lies; 0 of none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


async def _load(url: str, readers: int, planners: int, seconds: float) -> dict[str, Any]:
    load = Load(url)
    async with _browser(load) as browser:
        await _ready(browser)
        site = await _site(browser)
        await _warm(browser, site)
        load.requests.clear()
        load.slow.clear()
        end = time.perf_counter() + seconds
        crowd = [_reader(load, site, end, random.Random(number)) for number in range(readers)]
        work = [_planner(load, site, end, random.Random(1000 + number)) for number in range(planners)]
        await asyncio.gather(*crowd, *work)
        seen = Load(url, list(load.requests), slow=dict(load.slow))
        load.tiles = await _tile_rate(load, site, min(5.0, seconds))
    slowest = sorted(((percentile(took), len(took), kind) for kind, took in seen.slow.items()), reverse=True)
    return asdict(Load(url, tiles=load.tiles, runs=load.runs, asked=load.asked, faults=load.faults)) | {
        "page_ms": 1e3 * percentile(load.pages),
        "page_median_ms": 1e3 * percentile(load.pages, 0.5),
        "pages": len(load.pages),
        "request_ms": 1e3 * percentile(seen.requests),
        "requests": len(seen.requests),
        "failed": len(load.faults),
        "slow": [(f"{1e3 * took:.0f} ms", count, kind) for took, count, kind in slowest[:12]],
    }


async def _ready(browser: Browser, seconds: float = 120.0) -> None:
    """Wait until the server replies; what fails before is no fault."""
    for _ in range(int(seconds * 5)):
        if (await browser.ask("GET", "/api/v1/me", {}))[0] == 200:
            break
        await asyncio.sleep(0.2)
    browser.load.faults.clear()


async def _warm(browser: Browser, site: Site) -> None:
    """Wait for what a new server computes once: its map, and what is planned."""
    await asyncio.gather(*map(browser.get, site.tiles[:4]))
    for _ in range(180):
        plans = await browser.get(f"{site.api}/plans", gzip=False)
        if plans and all(plan["answer"] for plan in plans["items"]):
            break
        await asyncio.sleep(1.0)
    browser.load.faults.clear()


if __name__ == "__main__":
    address, *numbers = sys.argv[1:]
    print(json.dumps(asyncio.run(_load(address, int(numbers[0]), int(numbers[1]), float(numbers[2])))))
