"""How strictly a server guards itself: limits, and the providers that people may sign in with."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace

from synapolis.core.errors import SynapolisError
from synapolis.web.security.providers import SETTING as PROVIDERS
from synapolis.web.security.providers import Provider, read_providers

SETTING = "SYNAPOLIS_LIMITS"
UNLIMITED = 1e9


@dataclass(frozen=True)
class Rate:
    """So many requests a second in the long run, and so many at once."""

    per_second: float
    at_once: float

    def times(self, factor: float) -> Rate:
        """The same so many times as high."""
        return Rate(self.per_second * factor, self.at_once * factor)


@dataclass(frozen=True)
class Guard:
    """Limits of one server. Rates are per person, or per address where nobody is signed in.

    `look` is wide enough for 200 readers behind one address; built files and tiles are not counted at all. `body` is
    the largest request in bytes.
    """

    look: Rate = Rate(500, 8_000)
    act: Rate = Rate(20, 200)
    sign_in: Rate = Rate(0.5, 20)
    body: int = 2 * 1024 * 1024
    providers: tuple[Provider, ...] = field(default=())

    def times(self, factor: float) -> Guard:
        """The same with all rates so many times as high; 0 lifts them."""
        return replace(
            self,
            look=self.look.times(factor or UNLIMITED),
            act=self.act.times(factor or UNLIMITED),
            sign_in=self.sign_in.times(factor or UNLIMITED),
        )


def guard_from_environment() -> Guard:
    """Guard as SYNAPOLIS_LIMITS (a factor on all rates) and SYNAPOLIS_OIDC (a file of providers) say.

    Raises
    ------
    SynapolisError
        When a setting is not what it should be.
    """
    text = os.environ.get(SETTING, "").strip() or "1"
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text):
        raise SynapolisError(f"{SETTING} is a factor on the limits on requests, such as 4, or 0 for none; got {text!r}")
    named = os.environ.get(PROVIDERS, "").strip()
    return replace(Guard().times(float(text)), providers=read_providers(named) if named else ())
