"""The words the question parser knows, each with its tag; whatever is not here asks back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from synapolis.agents.gazetteer import Gazetteer, Spot, Token, read_number
from synapolis.agents.subjects import TOPICS, UNMODELLED
from synapolis.scenarios.names import normalise


@dataclass(frozen=True)
class Item:
    """A recognised phrase: its tag, what it says, and the tokens it takes [first, after)."""

    tag: str
    value: Any
    first: int
    after: int


_SPOKEN: dict[str, str] = {
    "FILLER": (
        "a|an|the|we|us|our|i|you|please|it|that|this|of|be|been|being|is|are|was|were|am|s|re|ll|d|happens|"
        "happen|happening|happened|would happen|effect|effects|impact|impacts|consequence|consequences|me|tell|"
        "show|want|know|like to know|city|town|in the city|in town|across the city|for the city|city wide|"
        "citywide|overall|today|now|currently|can|could|should|might|can one|should one|could one|mean|means|"
        "outcome|result|results|let|assume|imagine|consider|suppose that|question|hello|hi|hey|thanks|thank you|"
        "my|people|person|residents|everyone|everybody|have on|has on|had on|have for|have been|calculate|"
        "compute|estimate|with the|compared with today|compared to today|get to|able to|able|reach|reached|"
        "reachable|understand|predict|simulate"
    ),
    "WH": "what|how|what s|which|how much|what about|how about|how far|to what extent|how many",
    "AUX": "do|does|did|will|would|is there|are there",
    "IF": "if|when|whether|suppose|supposing|assuming|given that|provided that|in case|by|after|once",
    "SEP": "and|plus|as well as|and also|also|then|and then|while|both|too|as well",
    "TO": "to",
    "DIR": (
        "change|changes|changed|changing|affect|affects|affected|affecting|alter|alters|influence|influences|"
        "increase|increases|decrease|decreases|reduce|reduces|rise|rises|fall|falls|go up|go down|goes up|"
        "goes down|grow|grows|shrink|shrinks|get worse|gets worse|get better|gets better|worsen|worsens|improve|"
        "improves|cut|cuts|develop|raise|raises|lower|lowers|more|less|fewer|better|worse|higher|larger|"
        "increasing|reducing|how much more"
    ),
    "ADD": (
        "add|adds|added|adding|build|builds|built|building|construct|constructs|constructed|constructing|create|"
        "creates|created|creating|put|puts|putting|placed|placing|erect|erected|erecting|squeeze|fit|deliver|"
        "delivered|place|put in|put up|putting up|adding in|addition of|construction of"
    ),
    "INSTALL": (
        "install|installs|installed|installing|dig|dug|digging|lay|laid|laying|excavate|provide|provided|providing"
    ),
    "OPEN": "open|opens|opened|opening|introduce|introduced|introducing|start|started|starting|launch|launched",
    "GET": "get|gets|got|getting|gain|gains|gained|receive|receives|received",
    "GO": "go|goes|be built|be placed|fit in|be put",
    "RUN": (
        "run|runs|ran|running|operate|operates|operated|operating|come|comes|came|coming|leave|leaves|depart|"
        "departs|go|goes|going|went|ran on|run on|runs on|served|serves|operates on"
    ),
    "MORE": "more|new|extra|additional|further|another|brand new",
    "ABOUT": "about|around|roughly|approximately|some|circa|nearly",
    "HOMES": (
        "homes|home|units|unit|housing units|housing unit|residential units|dwellings|dwelling|apartments|"
        "apartment|flats|flat|houses|house|dwelling units|new homes|homes and apartments|residences|"
        "units of housing|residential homes"
    ),
    "HOUSING": "housing|homes|new homes|new housing|apartments|flats|houses|dwellings|units|more housing|more homes",
    "DEV": "development|scheme|project|estate|programme|quarter of",
    "EACH": "each|apiece|in each|each of them|in both|each place",
    "EVERY": "every|each",
    "HEADWAY": "headway|headways|interval|intervals|frequency",
    "SET": "set|sets|setting|shorten|shortened|bring|raise|increase|cut|reduce|change|changed|changing",
    "PERHOUR": (
        "times an hour|times per hour|times every hour|times each hour|trams an hour|trams per hour|"
        "buses an hour|buses per hour|departures an hour|departures per hour|an hour|per hour"
    ),
    "OFTEN": (
        "twice as often|more often|more frequently|less often|less frequently|half as often|as often|often|"
        "frequently|three times as often|double the frequency|doubled|halved"
    ),
    "CALLED": "called|named|by the name of|known as",
    "STOPS": "with stops every|with a stop every|stops every|a stop every|stopping every|stop every|with stops each",
    "APART": "apart",
    "CLOSE": "close|closes|closed|closing|shut|shuts|close off|closed off|shutting",
    "PEDESTRIANISE": "pedestrianise|pedestrianize|pedestrianised|pedestrianized|pedestrianising|pedestrianizing",
    "MAKE": "make|makes|made|making",
    "CARFREE": (
        "car free|carfree|traffic free|pedestrian only|pedestrian|free of cars|a pedestrian street|without cars"
    ),
    "BAN": "ban|bans|banned|banning|prohibit|forbid|keep out",
    "CARS": "cars|car traffic|motor traffic|motor vehicles|private cars|vehicles",
    "TOCARS": (
        "to cars|to traffic|to car traffic|for cars|to motor traffic|to motor vehicles|to vehicles|for traffic|"
        "to driving|for car traffic|to private cars|for motor traffic|for vehicles"
    ),
    "TAKE": (
        "take|takes|took|taken|taking|remove|removes|removed|removing|drop|dropping|cut|lose|loses|lost|losing|"
        "narrow by"
    ),
    "BUSLANE": "bus lane|bus lanes|lane for buses|bus only lane|lanes for buses",
    "MOVE": "move|moves|moved|moving|relocate|relocated|shift|shifted",
    "UNTIL": "until|till|up to",
    "MIDNIGHT": "midnight|12 at night|twelve at night",
    "AM": "am|in the morning|at night",
    "PM": "pm|in the evening",
    "FARES": (
        "fares|transit fares|bus fares|tram fares|public transport fares|fares of public transport|ticket prices|"
        "fares on public transport"
    ),
    "FALL": "fall|falls|drop|drops|decrease|decreases|go down|goes down|reduce|cut|lower|reducing",
    "RISE": "rise|rises|increase|increases|go up|goes up|raise|increasing",
    "HALVE": "halve|halved|halves|fall by half|drop by half|by half|in half",
    "DOUBLE": "double|doubled|doubles",
    "FREE": "free|free of charge|abolished|for free",
    "TRANSIT": "public transport|transit|buses and trams|public transit",
    "PERCENT": "percent|per cent",
    "AWAY": "away|out",
    "GIVE": "give|gives|gave|given|giving",
    "LANE": "lane|car lane|traffic lane|driving lane|lane for cars",
    "LANES": "lanes|car lanes|traffic lanes|driving lanes|lanes for cars",
    "EACHWAY": "each way|in each direction|per direction|in both directions|each direction|both ways|in each way",
    "WIDEN": "widen|widens|widened|widening",
    "NARROW": "narrow|narrows|narrowed|narrowing",
    "BY": "by",
    "PLANT": "plant|plants|planted|planting|sow|sowing|sowed|grow",
    "TURN": (
        "turn|turns|turned|turning|convert|converts|converted|converting|transform|transformed|change|changed|changing"
    ),
    "REPLACE": "replace|replaced|replacing|cover|covered|covering|surface|surfaced|resurface",
    "BECOME": "becomes|become|became|becoming",
    "INTO": "into|in to|over to",
    "WITH": "with|at|having|by",
    "PAVE": "pave|pave over|paves|paved|paving|paved over|paving over|asphalt|asphalted|concrete over|tarmac",
    "DEEP": "deep|of storage|of water|of rain",
    "HOLD": "holding|that hold|that holds|storing|that store|that stores|holds|hold",
    "ROOFS": (
        "on the roofs|on all roofs|on roofs|on every roof|on the buildings|on buildings|on all buildings|roofs|"
        "on all the roofs|on all the buildings|on flat roofs|on every building"
    ),
    "WHERE": "where|whereabouts",
    "PLACEWORD": (
        "place|places|site|sites|spot|spots|location|locations|area|areas|district|districts|room|space|land"
    ),
    "BEST": "best|most suitable|suitable|good|ideal",
    "FIND": "find|search for|look for|suggest|recommend|propose",
    "LEAST": (
        "with the least|with least|with the lowest|at the lowest|at lowest|at the least|at least|"
        "with the smallest|to minimise|to minimize|minimising|minimizing|keeping down|with as little|"
        "that minimises|with the fewest|least|lowest"
    ),
    "GREATEST": (
        "with the best|with best|with the most|with the highest|with good|with the greatest|to maximise|"
        "to maximize|maximising|maximizing|for the best"
    ),
    "FIRST": (
        "with priority to|giving priority to|with priority on|with a focus on|focusing on|prioritising|"
        "prioritizing|giving most weight to|with most weight on"
    ),
    "MOST": "matters most|matter most|comes first|come first|is most important|counts most|count most",
    "CHEAPEST": "cheapest|most cheaply|cheaply",
    "WEIGHT": "with weights|with weight|weighing|weighting|weights|weighted|with the weights",
    "WITHIN": "within|in under|in less than|in at most|under|in",
    "MINUTES": "minutes|minute|min|mins",
    "SECONDS": "seconds|second|secs|sec|s",
    "HOURS": "hours|hour|hrs|hr|h",
    "HALFHOUR": "half hour|half an hour|half hourly",
    "QUARTER": "quarter of an hour|quarter hour",
    "MM": "mm|millimetres|millimeters|millimetre|millimeter",
    "CM": "cm|centimetres|centimeters",
    "METRES": "m|metres|meters|metre|meter",
    "KM": "km|kilometres|kilometers|kilometre",
    "LONG": "walk|walking|on foot|travel|by transit|by public transport|door to door|by tram|of door to door time",
    "RISK": "the risk of|risk of|the amount of|amount of|the volume of|the level of|levels of|volume of|level of",
}
_COVERS = {
    "grass": "grass|lawn|lawns|meadow|meadows|turf|a lawn|a meadow",
    "trees": "trees|forest|woodland|a forest|more trees|new trees|street trees",
    "paved": "asphalt|concrete|pavement|hard paving|paved surface|tarmac|paved ground|hard surfaces",
    "permeable_paving": (
        "permeable paving|permeable pavement|porous paving|porous pavement|permeable pavements|pervious paving|"
        "permeable surfaces|permeable|permeable surface|permeable asphalt|water permeable paving"
    ),
    "bare": "bare ground|bare soil|bare earth|soil",
    "": "green|greenery|green space|green spaces|park|a park|vegetation|a garden|green area",
}
_STORAGE = {
    "basin": (
        "basin|basins|rain basin|retention basin|detention basin|stormwater basin|storage basin|retention pond|"
        "detention pond|storm basin|rainwater basin|retention basins|detention basins|storm water basin"
    ),
    "green_roof": "green roofs|green roof|planted roofs|vegetated roofs|living roofs",
    "infiltration_strip": (
        "infiltration strips|infiltration strip|swales|swale|bioswales|bioswale|infiltration trenches|"
        "infiltration trench"
    ),
    "rain_garden": (
        "rain gardens|rain garden|raingardens|raingarden|bioretention|bioretention cells|bio retention|"
        "bioretention areas|rain beds|rain bed"
    ),
}
_LINES = {
    "tram": "tram line|tramline|tramway|tram route|tram service|streetcar line",
    "bus": "bus line|bus route|bus service",
    "": "line|transit line|route|public transport line|transit route",
    "metro": (
        "metro line|metro|subway|subway line|light rail line|light rail|train line|train|ferry|ferry line|"
        "monorail|cable car"
    ),
}
_VEHICLES = {
    "tram": "tram|trams|streetcar|streetcars|tram lines",
    "bus": "bus|buses|bus lines",
}
_ROUTE_WORDS: dict[str, str] = {
    **dict.fromkeys(("tram", "trams", "tram line", "tram lines", "tram number", "tram no", "tram route"), "tram"),
    **dict.fromkeys(("bus", "buses", "bus line", "bus lines", "bus number", "bus no", "bus route"), "bus"),
    **dict.fromkeys(("metro", "metro line", "subway", "subway line"), "subway"),
    **dict.fromkeys(("train", "train line"), "rail"),
    **dict.fromkeys(("line", "lines", "route", "routes", "line number", "line no", "the number"), ""),
}
_PREPOSITIONS: dict[str, str] = {
    **dict.fromkeys(
        (
            *("in", "at", "near", "around", "within", "inside", "on", "over", "across", "throughout", "next to"),
            *("close to", "all over", "beside", "into", "in and around"),
        ),
        "in",
    ),
    **dict.fromkeys(("along", "down", "alongside", "all along", "in and along", "up and down"), "along"),
    **dict.fromkeys(("from", "off", "out of"), "from"),
    "to": "to",
    "for": "for",
}
_SUFFIX = re.compile(r"\s+(centre|center|city|downtown)$", re.IGNORECASE)


def _lexicon() -> dict[tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """Phrase → its possible (tag, value), the earlier stated first."""
    found: dict[tuple[str, ...], list[tuple[str, Any]]] = {}

    def know(tag: str, phrases: str | tuple[str, ...], value: Any = None) -> None:
        for phrase in phrases.split("|") if isinstance(phrases, str) else phrases:
            found.setdefault(tuple(phrase.split()), []).append((tag, value))

    for tag, phrases in _SPOKEN.items():
        know(tag, phrases)
    for tag, table in (("COVER", _COVERS), ("STORAGE", _STORAGE), ("LINE", _LINES), ("VEHICLE", _VEHICLES)):
        for value, phrases in table.items():
            know(tag, phrases, value)
    for topic in TOPICS:
        know("TOPIC", topic.phrases, topic.name)
    know(
        "TOPIC", "to traffic|to car traffic|for traffic|for car traffic", "traffic"
    )  # also read as in `close … to traffic`
    for subject in UNMODELLED:
        know("UNMODELLED", subject.phrases, subject)
    for phrase, value in _PREPOSITIONS.items():
        know("PREP", phrase, value)
    return {phrase: tuple(tags) for phrase, tags in found.items()}


LEXICON = _lexicon()
_LONGEST = max(map(len, LEXICON))
_ARTICLES = frozenset({"the", "a", "an", "all", "whole"})


@dataclass(frozen=True)
class Place:
    """Names with what stands before them: `in`, `along`, `from`, `to`, `for`, or nothing."""

    spots: tuple[Spot, ...]
    preposition: str


def lex(tokens: list[Token], gazetteer: Gazetteer) -> list[list[Item]]:
    """Split a question into phrases. Each has one or more readings that take the same tokens, likeliest first."""
    found: list[list[Item]] = []
    at = 0
    while at < len(tokens):
        readings = _label(tokens, at, found) or _readings(tokens, at, gazetteer)
        found.append(readings)
        at = readings[0].after
    return found


def _label(tokens: list[Token], at: int, found: list[list[Item]]) -> list[Item]:
    """Read the name of something new after `called`: a quotation, or up to three capitalised words or numbers."""
    if not found or found[-1][0].tag != "CALLED" or tokens[at].kind == "mark":
        return []
    if tokens[at].kind == "quote":
        return [Item("LABEL", tokens[at].text[1:-1].strip(), at, at + 1)]
    after = at + 1
    while after < min(at + 3, len(tokens)) and (tokens[after].text[:1].isupper() or tokens[after].text.isdigit()):
        after += 1
    return [Item("LABEL", " ".join(token.text for token in tokens[at:after]), at, after)]


def _readings(tokens: list[Token], at: int, gazetteer: Gazetteer) -> list[Item]:
    token = tokens[at]
    if token.text == "%":
        return [Item("PERCENT", token.text, at, at + 1)]
    if token.kind == "mark":
        separates = token.text in ",;.?!:&+…"
        return [Item("SEP" if separates else "UNKNOWN", token.text, at, at + 1)]
    phrase, tags = _phrase(tokens, at)
    best: list[Item] = [Item(tag, value, at, at + phrase) for tag, value in tags]
    for item in (
        _own_name(tokens, at, gazetteer),
        _place(tokens, at, gazetteer),
        _route(tokens, at, gazetteer),
        _bare_name(tokens, at, phrase, gazetteer),
    ):
        if item is not None and (not best or item.after > best[0].after):
            best = [item]
    number = read_number(tokens, at)
    if number is not None and (not best or at + number[1] > best[0].after or best[0].tag == "FILLER"):
        best = [Item("NUM", number[0], at, at + number[1])]
    return best or [Item("UNKNOWN", token.text, at, at + 1)]


def _own_name(tokens: list[Token], at: int, gazetteer: Gazetteer) -> Item | None:
    """Read the city's own name: `in Helsinki` says where we are, not what to change."""
    taken, _ = _preposition(tokens, at)
    city = gazetteer.city
    for own in (city.title, city.name, _SUFFIX.sub("", city.title)):
        words = normalise(own).split()
        if words and [token.key for token in tokens[at + taken : at + taken + len(words)]] == words:
            return Item("CITY", own, at, at + taken + len(words))
    return None


def _phrase(tokens: list[Token], at: int) -> tuple[int, tuple[tuple[str, Any], ...]]:
    for taken in range(min(_LONGEST, len(tokens) - at), 0, -1):
        words = tokens[at : at + taken]
        tags = LEXICON.get(tuple(word.key for word in words))
        if tags is not None and all(word.kind == "word" for word in words):
            return taken, tags
    return 0, ()


def _place(tokens: list[Token], at: int, gazetteer: Gazetteer) -> Item | None:
    """Read a preposition with one or several names: `in Kamppi, Kluuvi and along Bulevardi`."""
    radius, ahead = _radius(tokens, at)
    first = _one_place(tokens, at + ahead, gazetteer, need_preposition=not ahead)
    if first is None:
        return None
    if ahead:
        return Item("AT", Place((replace(first[0], radius=radius),), "in"), at, first[2])
    spots, preposition, after = [first[0]], first[1], first[2]
    while (joined := _joiner(tokens, after)) is not None:
        more = _one_place(tokens, joined, gazetteer, need_preposition=False, like=preposition)
        if more is None or _starts_a_change(tokens, more[2]):
            break
        spots.append(more[0])
        after = more[2]
    return Item("AT", Place(tuple(spots), preposition), at, after)


def _radius(tokens: list[Token], at: int) -> tuple[float, int]:
    """Read `within 300 m of`: the radius [m] and how many tokens it takes."""
    keys = [token.key for token in tokens[at : at + 4]]
    units = {
        "m": 1.0,
        "metres": 1.0,
        "meters": 1.0,
        "metre": 1.0,
        "km": 1000.0,
        "kilometre": 1000.0,
        "kilometres": 1000.0,
    }
    if (
        len(keys) == 4
        and keys[0] == "within"
        and keys[2] in units
        and keys[3] == "of"
        and tokens[at + 1].kind == "number"
    ):
        return tokens[at + 1].value * units[keys[2]], 4
    return 0.0, 0


def _one_place(
    tokens: list[Token], at: int, gazetteer: Gazetteer, *, need_preposition: bool, like: str = "in"
) -> tuple[Spot, str, int] | None:
    taken, preposition = _preposition(tokens, at)
    if need_preposition and not taken:
        return None
    kept = preposition if taken else like
    if not need_preposition and taken and {kept, like} - {"in", "along"} and kept != like:
        return None
    start = at + taken
    words, _ = _phrase(tokens, start)
    while start < len(tokens) and tokens[start].key in _ARTICLES and gazetteer.match(tokens, start) is None:
        start += 1
    found = gazetteer.match(tokens, start, street_first=kept in {"along", "from"})
    if found is None:
        return None
    named = start + found[1]
    lower = all(token.text.islower() for token in tokens[start:named])
    if lower and words and at + taken + words >= named:  # `to traffic` is the topic, `in Traffic` the café
        return None
    return found[0], kept, named


def _preposition(tokens: list[Token], at: int) -> tuple[int, str]:
    for taken in (3, 2, 1):
        phrase = " ".join(token.key for token in tokens[at : at + taken])
        if phrase in _PREPOSITIONS and at + taken < len(tokens):
            return taken, _PREPOSITIONS[phrase]
    return 0, ""


def _joiner(tokens: list[Token], at: int) -> int | None:
    """Token after a comma and/or `and`, or None where the list of names ends."""
    after = at
    while after < len(tokens) and (tokens[after].text in {",", "&", "+"} or tokens[after].key in {"and", "or", "both"}):
        after += 1
    return after if at < after < len(tokens) else None


def _starts_a_change(tokens: list[Token], at: int) -> bool:
    """Whether the name before belongs to what follows: `in Kamppi and Bulevardi closes to cars`."""
    if at >= len(tokens):
        return False
    _, tags = _phrase(tokens, at)
    verbs = {"CLOSE", "BECOME", "TAKE", "GET"}
    return any(tag in verbs for tag, _ in tags) and tokens[at].key not in {"built", "added"}


def _route(tokens: list[Token], at: int, gazetteer: Gazetteer) -> Item | None:
    """Read `tram 7`, `trams 7 and 9`, `the 7 tram`, `line T1`."""
    for taken in (2, 1):
        mode = _ROUTE_WORDS.get(" ".join(token.key for token in tokens[at : at + taken]))
        if mode is not None and (item := _numbers(tokens, at, at + taken, mode, gazetteer)):
            return item
        if mode is not None and at + taken < len(tokens) and _numbered(tokens, at + taken):
            return Item("ROUTE", ((mode, tokens[at + taken].text),), at, at + taken + 1)  # none of the city's
    found = gazetteer.match_route(tokens, at)
    if found is not None and at + found[1] < len(tokens) and any(letter.isdigit() for letter in found[0]):
        word = tokens[at + found[1]].key
        if word in {"tram", "bus", "train", "metro", "line", "route"}:
            return Item("ROUTE", ((_ROUTE_WORDS[word], found[0]),), at, at + found[1] + 1)
    return None


def _numbered(tokens: list[Token], at: int) -> bool:
    token = tokens[at]
    short = len(token.text) <= 6 and any(letter.isdigit() for letter in token.text)
    return short and token.kind in {"word", "number"} and not _counts(tokens, at)


def _numbers(tokens: list[Token], at: int, start: int, mode: str, gazetteer: Gazetteer) -> Item | None:
    routes: list[tuple[str, str]] = []
    after = start
    while after < len(tokens) and (found := gazetteer.match_route(tokens, after)):
        routes.append((mode, found[0]))
        after += found[1]
        joined = _joiner(tokens, after)
        if joined is None:
            break
        again = _ROUTE_WORDS.get(tokens[joined].key) if joined < len(tokens) else None
        mode, joined = (again, joined + 1) if again is not None else (mode, joined)
        if gazetteer.match_route(tokens, joined) is None or _counts(tokens, joined):
            break
        after = joined
    return Item("ROUTE", tuple(routes), at, after) if routes else None


def _counts(tokens: list[Token], at: int) -> bool:
    """Whether a number here counts something (`and 500 homes`), so that it is no line's."""
    number = read_number(tokens, at)
    after = at + (number[1] if number else 1)
    return after < len(tokens) and any(
        tag in {"HOMES", "MORE", "LANE", "LANES", "MINUTES", "MM"} for tag, _ in _phrase(tokens, after)[1]
    )


def _bare_name(tokens: list[Token], at: int, phrase: int, gazetteer: Gazetteer) -> Item | None:
    """Read names that stand without preposition: `close Bulevardi and Kalevankatu`."""
    found = gazetteer.match(tokens, at)
    if found is None or (found[1] <= phrase and tokens[at].kind != "quote"):
        return None
    spots, after = [found[0]], at + found[1]
    while (joined := _joiner(tokens, after)) is not None:
        more = gazetteer.match(tokens, joined)
        if more is None or _phrase(tokens, joined)[0] >= more[1]:
            break
        spots.append(more[0])
        after = joined + more[1]
    return Item("NAME", Place(tuple(spots), ""), at, after)
