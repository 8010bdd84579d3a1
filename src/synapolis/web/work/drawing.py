"""Tasks that draw: a city once, the stills, flood and exports of an answer when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synapolis.scenarios.today import member_today, today_of
from synapolis.web.tiles.build import draw_city as draw
from synapolis.web.tiles.drawings import drawn_folder
from synapolis.web.work.tasks import Context, task


@task("draw_city")
def draw_city(context: Context, *, city: str) -> str:
    """Draw a city's tiles, ground and lines into the cache."""
    place = context.city(city)
    return str(draw(place, context.cache, drawn_folder(place)))


@task("today")
def tell_today(context: Context, *, city: str, words: Sequence[str]) -> dict[str, Any]:
    """Figures of the city as it stands."""
    return today_of(context.city(city), context.cache, words, progress=context.tell)


@task("today_member")
def tell_member(context: Context, *, city: str, number: int, members: int) -> dict[str, float]:
    """The same figures in one member of the ensemble."""
    return member_today(context.city(city), context.cache, number, members, progress=context.tell)
