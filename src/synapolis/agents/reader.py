"""From phrases to what was read: the longest pattern at each point takes its phrases, the rest is kept as left over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from synapolis.agents.gazetteer import Gazetteer, Spot, Token
from synapolis.agents.grammar import CHANGES, Change, Part, Trouble, compiled, places_of, spell
from synapolis.agents.lexicon import Item, Place, lex
from synapolis.agents.subjects import Unmodelled

WEIGHT = 3.0  # how much more an aim counts that the asker puts first
AIMS: Mapping[str, tuple[str, ...]] = {
    "stormwater": ("runoff_volume",),
    "access": ("mean_jobs_within_10_min", "mean_jobs_within_15_min", "mean_jobs_within_30_min"),
    "traffic": ("vehicle_kilometres",),
    "cost": ("total_capital_cost",),
    "affordability": ("lowest_group_rent_burden",),
}
"""What siting weighs, by topic; the words are those of scenarios/siting.py."""


@dataclass
class Read:
    """What was read so far."""

    topics: list[str] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    unmodelled: list[Unmodelled] = field(default_factory=list)
    siting: list[tuple[float | None, tuple[Spot, ...]]] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    stray: list[tuple[Place, Item]] = field(default_factory=list)
    whole_city: bool = False
    leftover: list[Item] = field(default_factory=list)


_LIMIT_TAGS = "WITHIN NUM (?:SEP+ NUM)* MINUTES LONG?"
_FRAME = compiled(
    f"(?P<before>(?:TO|PREP|WITH|DIR|RISK)*) TOPIC (?:(?:SEP|PREP|TO|RISK)* TOPIC)*(?P<limit>{_LIMIT_TAGS})? LONG? DIR*"
)
_LIMIT = compiled(_LIMIT_TAGS)
_SITING = compiled(
    "SITING (?:TO|PREP|ADD|IF)* (?P<homes>COUNT MORE? (?:HOMES|HOUSING) DEV?|MORE? HOUSING)"
    "(?:GO|ADD)* AT? (?:GO|ADD)* AT?"
)
_AIMS = (
    compiled("SEP* (?:WITH|SEP)* (?P<few>LEAST) (?P<topic>TOPIC (?:SEP+ TOPIC)*)"),
    compiled("SEP* (?P<many>GREATEST) (?P<topic>TOPIC (?:SEP+ TOPIC)*)"),
    compiled("SEP* (?P<first>FIRST) (?P<topic>TOPIC (?:SEP+ TOPIC)*)"),
    compiled("SEP* IF (?P<topic>TOPIC) (?P<first>MOST)"),
    compiled("SEP* (?:WEIGHT) (?P<pairs>TOPIC NUM (?:SEP+ TOPIC NUM)*)"),
    compiled("SEP* MOST? CHEAPEST"),
)
_IDLE = frozenset({"FILLER", "SEP", "IF", "WH", "AUX", "CITY"})


def scan(tokens: list[Token], gazetteer: Gazetteer) -> Read:
    """Read the tokens of a question from left to right; before an `if` it asks, after it it changes something."""
    phrases = [readings for readings in lex(tokens, gazetteer) if {item.tag for item in readings} != {"FILLER"}]
    letters, read, at, asking = spell(phrases), Read(), 0, True
    while at < len(phrases):
        tags = {item.tag for item in phrases[at]}
        if "WH" in tags or ("AUX" in tags and at and _is(phrases[at - 1], "SEP")):
            asking = True
        taken = _take(letters, at, phrases, read, asking=asking)
        if taken:
            at += taken
            continue
        asking = asking and not (tags & {"IF"})
        after = {item.tag for item in phrases[at + 1]} if at + 1 < len(phrases) else {"SEP"}
        idle = bool(after & {"SEP", "IF", "WH", "AUX", "TO"}) or (at > 0 and "TOPIC" in after)
        _single(phrases[at], read, asking=asking, idle=asking and idle)
        at += 1
    return read


def _is(readings: list[Item], tag: str) -> bool:
    return any(item.tag == tag for item in readings)


def _take(letters: str, at: int, phrases: list[list[Item]], read: Read, *, asking: bool) -> int:
    """Take the longest pattern that starts here; returns how many phrases it took."""
    best, act = 0, None
    for pattern in CHANGES:
        match = pattern.expression.match(letters, at)
        if match and match.end() - at > best:
            best, act = match.end() - at, _changes(pattern.build, Part(match, phrases), read)
    tries: list[tuple[Any, Any]] = [(_SITING, _site), *((aim, _aim) for aim in _AIMS), (_LIMIT, _limit)]
    tries += [(_FRAME, _frame)] if asking else []
    for expression, do in tries:
        match = expression.match(letters, at)
        fits = match and match.end() - at >= max(best, 1) and (do is not _aim or read.siting)
        if match and fits and not (do is _frame and _is_order(match, at, phrases)):
            best, act = match.end() - at, _bind(do, Part(match, phrases), read)
    if act is not None:
        act()
    return best


def _is_order(match: Any, at: int, phrases: list[list[Item]]) -> bool:
    """Whether a topic is something to bring about (`reduce traffic and …`), not something to ask about."""
    verbs = [number for number in range(at, match.end("before")) if _is(phrases[number], "DIR")]
    return bool(verbs) and (at == 0 or _is(phrases[at - 1], "SEP") or _is(phrases[at - 1], "IF"))


def _changes(build: Callable[[Part], list[Change | Trouble]], part: Part, read: Read) -> Callable[[], None]:
    def act() -> None:
        for built in build(part):
            (read.changes if isinstance(built, Change) else read.troubles).append(built)  # type: ignore[arg-type]

    return act


def _bind(do: Callable[[Part, Read], None], part: Part, read: Read) -> Callable[[], None]:
    return lambda: do(part, read)


def _frame(part: Part, read: Read) -> None:
    read.topics += [topic for topic in part.all("TOPIC") if topic not in read.topics]
    read.minutes += [float(value) for value in part.group("limit", "NUM")]


def _limit(part: Part, read: Read) -> None:
    read.minutes += [float(value) for value in part.all("NUM")]


def _site(part: Part, read: Read) -> None:
    counts = part.group("homes", "NUM")
    read.siting.append((float(counts[0]) if counts else None, places_of(part.all("AT"))))


def _aim(part: Part, read: Read) -> None:
    if part.has("pairs"):
        for topic, value in zip(part.all("TOPIC"), part.all("NUM"), strict=True):
            read.weights[topic] = float(value)
        return
    topics = part.group("topic", "TOPIC") or ["cost"]
    wrong = (
        {"access", "affordability"}
        if part.has("few")
        else {"stormwater", "traffic", "cost"}
        if part.has("many")
        else set()
    )
    for topic in topics:
        if topic in wrong or topic not in AIMS:
            read.troubles.append(Trouble(topic, f"I cannot weigh that for {topic}; the aims are {', '.join(AIMS)}."))
        read.weights[topic] = WEIGHT


def _single(readings: list[Item], read: Read, *, asking: bool, idle: bool) -> None:
    """Take a phrase that no pattern took: let it pass if it says nothing, else keep it as left over."""
    item = readings[0]
    if _is(readings, "CITY"):
        read.whole_city = True
    elif _is(readings, "AT"):
        read.stray.append((item.value, item))
    elif _is(readings, "UNMODELLED") and asking:
        read.unmodelled.append(item.value)
    elif (
        not {reading.tag for reading in readings} & _IDLE
        and not (idle and _is(readings, "DIR"))
        and not _is(readings, "TO")
    ):
        read.leftover.append(item)
