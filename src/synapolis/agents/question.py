"""Plain-English questions, offline: what is asked becomes a scenario and the quantities wanted, or asks back.

Every word of a question must be taken by a phrase that is understood; a number, a place, a unit or a change that is
left over makes the answer `Clarify`, and nothing is run. Nothing is guessed: a near miss names the closest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from synapolis.agents.gazetteer import Gazetteer, Token, tokenise
from synapolis.agents.grammar import Change, Trouble, number_text
from synapolis.agents.proposal import area_of, area_of_spot, check_radius, edits_of
from synapolis.agents.reader import AIMS, Read, scan
from synapolis.agents.subjects import BY_NAME, GENERAL, THRESHOLDS, lacking, thresholds_of
from synapolis.agents.wording import example_questions, leftover_troubles, reading_text, said_again, where_text
from synapolis.core.declare import registered
from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.areas import find_area
from synapolis.scenarios.edits import Area, Scenario

LONGEST = 1_000  # characters; a what-if question is a sentence or two


@dataclass(frozen=True)
class SitingRequest:
    """Where should homes go: how many, the weight of each aim by its word (1 if not named), and within which area."""

    homes: int
    weights: Mapping[str, float] = field(default_factory=dict)
    area: Area | None = None


@dataclass(frozen=True)
class Understood:
    """A question taken whole: what to change, what to compute, and how it was read."""

    question: str
    topic: str
    scenario: Scenario
    want: tuple[str, ...]
    thresholds: tuple[int, ...]
    siting: SitingRequest | None
    reading: str
    topics: tuple[str, ...] = ()
    not_computable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Clarify:
    """A question that holds something not understood: what, how the rest was read, and how it could be asked."""

    question: str
    text: str
    unclear: tuple[str, ...]
    reading: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A question that this city's data and models cannot answer, with the reason."""

    question: str
    reason: str
    options: tuple[str, ...] = ()


@registered(
    kind="parser",
    version="2",
    decision="Which scenario a question in plain English asks for.",
    data=("a question in English", "names of the city's places, streets and lines"),
    method="Every word must be taken by a phrase that is understood; what is left over makes the answer ask back, and "
    "nothing is run.",
    source="The project's own grammar (agents/lexicon.py, agents/grammar.py); phrases are listed in docs/questions.md.",
    limits="English only; one scenario a question.",
    risks="A question read otherwise than meant: the answer repeats how it was read before its figures.",
    tests="tests/agents/test_question.py",
    oversight="The reading is shown with the answer, and the asker corrects it; nothing is carried out in the city.",
)
def parse_question(
    text: str, city: City, *, computable: Callable[[str], str | None] | None = None
) -> Understood | Clarify | Refused:
    """Read a plain-English question about a city; never raises, whatever the text.

    Parameters
    ----------
    text : str
    city : City
        Its names of places, streets and lines are the ones that are understood.
    computable : callable, optional
        Quantity's word → None where it can be had from this city, else the reason why not. Without it the city's
        layers alone are looked at.

    Returns
    -------
    Understood, Clarify or Refused
        Clarify wherever a part of the question was not understood: nothing may be run then.
    """
    question = " ".join(text.split())
    if not question:
        return _clarify(question, city, [Trouble("", "Ask what would happen if something changed.")])
    if len(question) > LONGEST:
        return _clarify(
            question[:80] + "…",
            city,
            [Trouble("", f"The question is longer than {LONGEST} characters; ask it in a sentence or two.")],
        )
    tokens = tokenise(question)
    if not tokens:
        return _clarify(question, city, [Trouble(question, "There are no words in the question.")])
    read = scan(tokens, Gazetteer(city))
    return _outcome(question, tokens, read, city, computable or (lambda word: lacking(word, city)))


def _outcome(
    question: str, tokens: list[Token], read: Read, city: City, computable: Callable[[str], str | None]
) -> Understood | Clarify | Refused:
    if read.unmodelled:
        return _unmodelled(question, read, city)
    changes = _attach(read)
    troubles = [*leftover_troubles(question, tokens, read, city), *read.troubles]
    unread = bool(read.leftover)
    siting = _siting(read, city, troubles)
    thresholds = _thresholds(read, city, troubles)
    edits = [edit for change in changes for edit in edits_of(change, city, troubles, unread=unread)]
    if not edits and siting is None and not troubles:
        troubles.append(
            Trouble(
                "what changes",
                "What should change? Name it after “if”: homes, a street, a line, the ground or storage for rain.",
            )
        )
    if siting is not None and edits:
        troubles.append(
            Trouble("two questions", "This asks where to build and changes something else at once; ask one at a time.")
        )
    reading = reading_text(read, changes, siting.homes if siting else None)
    if troubles:
        plain = [] if siting or len(edits) < len(changes) or not edits else [said_again(read, changes)]
        return _clarify(question, city, troubles, reading, plain)
    return _understood(question, read, edits, thresholds, siting, reading, city, computable)


def _unmodelled(question: str, read: Read, city: City) -> Refused:
    reasons = [
        f"not computable: {city.title} has no {item.lacks}. It would need {item.needs}."
        for item in dict.fromkeys(read.unmodelled)
    ]
    rest = tuple(f"Ask about {BY_NAME[name].title}" for name in GENERAL)
    return Refused(question, " ".join(reasons), rest)


def _attach(read: Read) -> list[Change]:
    """Give a place that stands apart (`In Kamppi, what happens if …`) to the one change that lacks one."""
    changes = list(read.changes)
    lacking_place = [number for number, change in enumerate(changes) if change.needs_place and not change.spots]
    if len(lacking_place) == 1 and len(read.stray) == 1 and read.stray[0][0].preposition in {"in", "along"}:
        number = lacking_place[0]
        changes[number] = replace(changes[number], spots=read.stray[0][0].spots)
        read.stray.clear()
    elif len(read.siting) == 1 and not read.siting[0][1] and len(read.stray) == 1:
        read.siting[0] = (read.siting[0][0], read.stray[0][0].spots)
        read.stray.clear()
    if len(lacking_place) == 1 and read.whole_city and not changes[lacking_place[0]].spots:
        changes[lacking_place[0]] = replace(changes[lacking_place[0]], whole_city=True)
    for place, _ in read.stray:
        names = " and ".join(spot.name for spot in place.spots)
        read.troubles.append(
            Trouble(
                names,
                f"What should happen at {names}? Say it with the change; figures are for the whole city and by place.",
            )
        )
    return changes


def _siting(read: Read, city: City, troubles: list[Trouble]) -> SitingRequest | None:
    if not read.siting:
        return None
    count, spots = read.siting[0]
    if len(read.siting) > 1:
        troubles.append(Trouble("where", "This asks twice where to build; ask once."))
    if count is None:
        options = tuple(f"Where should we build {number} homes?" for number in ("500", "2,000"))
        troubles.append(Trouble("how many homes", "How many homes should be built?", options))
        return None
    if not (float(count).is_integer() and 1 <= count <= 1_000_000):
        troubles.append(
            Trouble(
                f"{number_text(count)} homes",
                f"The number of homes must be whole, from 1 to 1,000,000; I read {number_text(count)}.",
            )
        )
        return None
    for topic, weight in read.weights.items():
        if weight < 0 or weight > 100 or topic not in AIMS:
            troubles.append(
                Trouble(f"{topic} {number_text(weight)}", f"A weight is 0 to 100, for one of {', '.join(AIMS)}.")
            )
    weights = {word: weight for topic, weight in read.weights.items() for word in AIMS.get(topic, ())}
    try:
        for spot in spots:
            check_radius(spot, city)
            find_area(area_of_spot(spot), city)
    except ScenarioError as error:
        troubles.append(Trouble(where_text(spot), str(error)))
        return None
    return SitingRequest(int(count), weights, area_of(spots, city) if spots else None)


def _thresholds(read: Read, city: City, troubles: list[Trouble]) -> tuple[int, ...]:
    """Minutes to count jobs within: as asked, else those that suit the city's size."""
    if not read.minutes:
        return thresholds_of(city)
    if read.topics and not {"access", "schools", "health care"} & set(read.topics):
        troubles.append(
            Trouble(
                f"{read.minutes[0]:g} minutes",
                f"Within {read.minutes[0]:g} minutes of what? Minutes go with access to jobs.",
            )
        )
    allowed: tuple[int, ...] = THRESHOLDS if not {"schools", "health care"} & set(read.topics) else (15,)
    for minutes in read.minutes:
        if minutes not in allowed:
            known = ", ".join(map(str, allowed))
            troubles.append(
                Trouble(
                    f"{minutes:g} minutes",
                    f"I count what is in reach within {known} minutes, not {minutes:g}.",
                    (f"within {allowed[-1]} minutes",),
                )
            )
    return tuple(sorted({int(minutes) for minutes in read.minutes if minutes in allowed}))


def _clarify(
    question: str, city: City, troubles: list[Trouble], reading: str = "", plain: Sequence[str] = ()
) -> Clarify:
    options = [*(option for trouble in troubles for option in trouble.options), *plain]
    so_far = f" So far I read: {reading}" if reading else ""
    text = f"{' '.join(dict.fromkeys(trouble.message for trouble in troubles))}{so_far} Nothing was run."
    unclear = tuple(dict.fromkeys(trouble.fragment for trouble in troubles if trouble.fragment))
    return Clarify(question, text, unclear, reading, tuple(dict.fromkeys(options or example_questions(city))))


def _words_of(name: str, thresholds: tuple[int, ...]) -> tuple[str, ...]:
    jobs = tuple(f"mean_jobs_within_{minutes}_min" for minutes in thresholds) if name == "access" else ()
    return (*jobs, *BY_NAME[name].want)


def _want(read: Read, edits: list[dict[str, Any]], thresholds: tuple[int, ...]) -> tuple[str, ...]:
    words = [word for name in read.topics or GENERAL for word in _words_of(name, thresholds)]
    if any(edit["kind"] == "add_homes" for edit in edits):
        words += ["homes_placed", "homes_unplaced"]
    return tuple(dict.fromkeys(words))


def _understood(
    question: str,
    read: Read,
    edits: list[dict[str, Any]],
    thresholds: tuple[int, ...],
    siting: SitingRequest | None,
    reading: str,
    city: City,
    computable: Callable[[str], str | None],
) -> Understood | Clarify | Refused:
    asked = _want(read, edits, thresholds)
    reasons = {word: reason for word in asked if (reason := _why_not(word, city, computable))}
    core = [word for word in asked if word not in {"homes_placed", "homes_unplaced"} or "housing" in read.topics]
    weighed = [
        word for topic in read.weights for word in AIMS.get(topic, ()) if siting and _why_not(word, city, computable)
    ]
    whole = {name: [word for word in asked if word in _words_of(name, thresholds)] for name in read.topics}
    lost = [name for name, words in whole.items() if words and all(word in reasons for word in words)]
    if weighed or lost or (core and all(word in reasons for word in core)):
        words = weighed or [word for name in lost for word in whole[name]] or core
        said = dict.fromkeys(_why_not(word, city, computable) or "" for word in words)
        return Refused(question, f"not computable: {'; '.join(said)}.", tuple(example_questions(city)))
    if reasons and siting is None:
        reading += f" Left out, not computable: {'; '.join(dict.fromkeys(reasons.values()))}."
    topics = tuple(read.topics)
    topic = "siting" if siting is not None else topics[0] if len(topics) == 1 else "general"
    try:
        scenario = Scenario.model_validate({"title": reading[:200], "city": city.name[:200], "edits": edits})
    except ValidationError as error:
        return _clarify(
            question, city, [Trouble("", f"That cannot be done as said: {error.errors()[0]['msg']}.")], reading
        )
    want = tuple(word for word in asked if word not in reasons)
    return Understood(question, topic, scenario, want, thresholds, siting, reading, topics, reasons)


def _why_not(word: str, city: City, computable: Callable[[str], str | None]) -> str | None:
    """Say why a quantity cannot be had; plainly (`Helsinki centre has no rents`) where the layers alone tell it."""
    reason = computable(word)
    if not reason:
        return None
    plain = lacking(word, city)
    return plain or f"{word.replace('_', ' ')}: {city.title} {reason.rstrip('.')}"
