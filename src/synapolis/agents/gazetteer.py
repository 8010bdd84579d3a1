"""The words of a question: numbers however they are written, and the city's names wherever they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from synapolis.layers.city import City
from synapolis.scenarios.names import KINDS, KnownName, names_of, normalise


class Token(NamedTuple):
    """A word, number, quotation or mark of the question; `key` is the word without case and accents."""

    kind: str
    text: str
    key: str
    start: int
    end: int
    value: float = 0.0


UNITS = (
    "mm",
    "cm",
    "m",
    "km",
    "min",
    "mins",
    "minute",
    "minutes",
    "h",
    "hr",
    "hrs",
    "hour",
    "hours",
    "s",
    "sec",
    "secs",
)
INSIDE = frozenset(".&+@/|#*°")  # marks that may stand inside a name
JOINING = frozenset("-‐‑–—'’./()[]")  # between the words of a name; else they say nothing
_TO_NINETEEN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SMALL = {word: float(value) for value, word in enumerate(_TO_NINETEEN)}
TENS = {word: 10.0 * value for value, word in enumerate(_TENS, 2)}
SCALES = {"hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3}

_PIECES = re.compile(
    r"""
    (?P<quote>["“”„«»](?P<said>[^"“”„«»]{1,120})["“”«»]|(?<!\w)['‘](?P<said2>[^'‘’]{1,120})['’](?!\w))
  | (?P<odd>(?<![\w.,])\d+(?:[.,]\d+)?\s?(?:-|–|—|\.\.+)\s?\d[\d.,]*(?![\w])      # a range
          |(?<![\w.,])\d+(?:[.,/:]\d+){2,}(?![\w])                                # a date, a time, 1.2.3
          |(?<![\w.,])\d{1,3}(?:\.\d{3})+(?![\w.,]?\d)(?=\W|$)                    # 5.000: five or five thousand?
          |(?<![\w.,])\d+[/:]\d+)                                                 # 1/2, 7:30
  | (?P<power>(?<![\w.,])[-−]?\d+(?:\.\d+)?(?:e\+?\d{1,3}|\s?\^\s?\d{1,3}|\*\*\d{1,3})(?!\w))
  | (?P<number>(?<![\w.,])[-−]?(?:\d{1,3}(?:[,'’\u00a0\u202f\u2009 ]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?)
          (?P<suffix>[^\W\d_]*))
  | (?P<word>[^\W_]+)
  | (?P<mark>\S)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SEPARATORS = re.compile("[,'’\u00a0\u202f\u2009 ](?=\\d{3})")


def tokenise(text: str) -> list[Token]:
    """Split a question into words, numbers, quotations and marks; nothing but blanks is left out."""
    tokens: list[Token] = []
    for match in _PIECES.finditer(text):
        if match["number"]:
            tokens += _number_tokens(match)
            continue
        kind = str(match.lastgroup if match.lastgroup not in {"said", "said2"} else "quote")
        said = match["said"] or match["said2"] if kind == "quote" else match.group()
        kind = "odd" if kind == "power" and _power(said) is None else kind
        value = (_power(said) or 0.0) if kind == "power" else 0.0
        kind = "number" if kind == "power" else kind
        tokens.append(Token(kind, match.group(), normalise(said), match.start(), match.end(), value))
    return [token for token in tokens if not (token.kind == "mark" and token.text in JOINING and token.text != ".")]


def _number_tokens(match: re.Match[str]) -> list[Token]:
    digits, suffix = match["number"][: len(match["number"]) - len(match["suffix"])], match["suffix"]
    start, cut, end = match.start(), match.end() - len(suffix), match.end()
    if suffix and suffix.lower() not in (*UNITS, "k"):
        return [Token("word", match.group(), normalise(match.group()), start, end)]  # 7B, 1st
    if re.fullmatch(r"\D?\d+,\d{4,}", digits):  # 1,5000: neither thousands nor a plain decimal
        return [Token("odd", match.group(), normalise(match.group()), start, end)]
    value = float(_SEPARATORS.sub("", digits).replace("−", "-").replace(",", "."))
    number = Token("number", digits, normalise(digits), start, cut, value)
    if not suffix:
        return [number]
    return [number, Token("word", suffix, normalise(suffix), cut, end)]


def _power(text: str) -> float | None:
    base, sign, exponent = re.split(r"(e\+?|\s?\^\s?|\*\*)", text.replace("−", "-"), maxsplit=1, flags=re.IGNORECASE)
    try:
        return float(base) * 10.0 ** int(exponent) if sign.lower().startswith("e") else float(base) ** int(exponent)
    except OverflowError:
        return None


def read_number(tokens: list[Token], at: int) -> tuple[float, int] | None:
    """Read a number at a token, in digits, words or both (`2.5 thousand`): its value and how many tokens it took."""
    total, group, taken, seen = 0.0, 0.0, 0, False
    if tokens[at].key in {"a", "half"} and at + 1 < len(tokens):
        return _read_a(tokens, at)
    while at + taken < len(tokens):
        token = tokens[at + taken]
        word = "" if token.kind not in {"word", "number"} else token.key
        if token.kind == "number" and not seen:
            group, seen = token.value, True
        elif word in SMALL and (not seen or (group % 100 == 0 and group > 0) or (group % 10 == 0 and group >= 20)):
            group, seen = group + SMALL[word], True
        elif word in TENS and (not seen or (group % 100 == 0 and group > 0)):
            group, seen = group + TENS[word], True
        elif word in {**SMALL, **TENS} and total > 0 and group == 0:
            group += {**SMALL, **TENS}[word]
        elif word == "hundred" and seen:
            group *= 100
        elif word in SCALES and seen and (word != "k" or taken == 1):
            total, group = total + group * SCALES[word], 0.0
        elif (
            word == "and" and seen and taken and tokens[at + taken - 1].key in SCALES and _small(tokens, at + taken + 1)
        ):
            pass
        else:
            break
        taken += 1
    return (total + group, taken) if seen else None


def _read_a(tokens: list[Token], at: int) -> tuple[float, int] | None:
    words = [token.key for token in tokens[at : at + 3]]
    if words[0] == "half" and words[1:] == ["a", "million"]:
        return 5e5, 3
    if words[0] == "a" and words[1] in {"hundred", "thousand", "million", "billion"}:
        return SCALES[words[1]], 2
    return (12.0, 2) if words[:2] == ["a", "dozen"] else None


def _small(tokens: list[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].key in {**SMALL, **TENS}


@dataclass(frozen=True)
class Spot:
    """A name as found in a question, the kind of feature it stands for, and the radius asked for around it [m]."""

    name: str
    kind: str
    radius: float | None = None
    also_street: bool = False

    @property
    def street(self) -> bool:
        """Whether it is a strip along a street."""
        return self.kind == "street"


GENERIC: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("area", "neighbourhood", "neighborhood", "quarter", "zone"), KINDS),
    **dict.fromkeys(("district", "suburb", "ward", "borough"), ("district", "place")),
    **dict.fromkeys(("square", "plaza"), ("square",)),
    **dict.fromkeys(("park", "garden", "gardens"), ("park",)),
    **dict.fromkeys(("street", "road", "avenue", "boulevard"), ("street",)),
    **dict.fromkeys(("station", "stop"), ("stop", "building")),
    "building": ("building",),
}
"""Words that may stand beside a name, and the kinds of feature they then allow."""


@dataclass(frozen=True)
class Gazetteer:
    """The names of one city, matched in a list of tokens."""

    city: City

    def match(self, tokens: list[Token], at: int, *, street_first: bool = False) -> tuple[Spot, int] | None:
        """Longest name that starts at a token, with `the district of` before or `square` after it. (spot, tokens)."""
        skipped, allowed = self._generic_before(tokens, at)
        found = self._longest(tokens, at + skipped)
        if found is None:
            return self._quoted(tokens, at, street_first)
        known, taken = found
        if allowed is not None:
            known = tuple(item for item in known if item.kind in allowed)
        after = at + skipped + taken
        if after < len(tokens) and tokens[after].key in GENERIC:
            fitting = tuple(item for item in known if item.kind in GENERIC[tokens[after].key])
            if fitting:
                known, taken = fitting, taken + 1
        return (_choose(known, street_first), skipped + taken) if known else None

    def _generic_before(self, tokens: list[Token], at: int) -> tuple[int, tuple[str, ...] | None]:
        skip = 0
        if at < len(tokens) and tokens[at].key == "the" and self._longest(tokens, at) is None:
            skip = 1
        if at + skip < len(tokens) and tokens[at + skip].key in GENERIC and self._longest(tokens, at + skip) is None:
            allowed = GENERIC[tokens[at + skip].key]
            skip += 1
            skip += at + skip < len(tokens) and tokens[at + skip].key in {"of", "called", "around", "named"}
            return skip, allowed
        return skip, None

    def _longest(self, tokens: list[Token], at: int) -> tuple[tuple[KnownName, ...], int] | None:
        start = at
        while start < len(tokens) and tokens[start].text in INSIDE - {"."}:  # @ Metallitalo
            start += 1
        if start >= len(tokens) or tokens[start].kind not in {"word", "number", "odd"} or not tokens[start].key:
            return None
        names = names_of(self.city)
        for words in names.by_first_word.get(tokens[start].key.split()[0], ()):
            own = names.by_key[" ".join(words)][0].name
            taken = _same_words(tokens, at, words, INSIDE | ({",", ":", "!"} & set(own)))
            if taken and any(letter.isalpha() for letter in "".join(words)):
                return names.by_key[" ".join(words)], taken
        return None

    def _quoted(self, tokens: list[Token], at: int, street_first: bool) -> tuple[Spot, int] | None:
        if at >= len(tokens) or tokens[at].kind != "quote":
            return None
        known = names_of(self.city).by_key.get(tokens[at].key)
        return (_choose(known, street_first), 1) if known else None

    def match_route(self, tokens: list[Token], at: int) -> tuple[str, int] | None:
        """Longest public number of a transit line that starts at a token. (number, tokens)."""
        routes = names_of(self.city).routes
        for taken in (4, 3, 2, 1):
            words = tokens[at : at + taken]
            key = " ".join(token.key for token in words)
            if (
                len(words) == taken
                and key in routes
                and all(token.kind in {"word", "number", "odd"} for token in words)
            ):
                numbers = routes[key]
                exact = "".join(token.text for token in words)
                return (exact if exact in numbers else min(numbers)), taken
        return None


def _same_words(tokens: list[Token], at: int, words: tuple[str, ...], marks: frozenset[str]) -> int:
    """How many tokens spell these words from here on; 0 where they do not. Marks such as & may stand inside a name."""
    spelt, after = 0, at
    while spelt < len(words) and after < len(tokens):
        said = tuple(tokens[after].key.split())
        if tokens[after].kind == "mark" and tokens[after].text in marks:
            said = ()
        elif not said or tokens[after].kind == "quote" or words[spelt : spelt + len(said)] != said:
            return 0
        spelt, after = spelt + len(said), after + 1
    return after - at if spelt == len(words) else 0


def _choose(known: tuple[KnownName, ...], street_first: bool) -> Spot:
    streets = [item for item in known if item.kind == "street"]
    chosen = streets[0] if street_first and streets else known[0]
    return Spot(chosen.name, chosen.kind, also_street=bool(streets))
