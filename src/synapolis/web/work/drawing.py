"""Tasks that draw: a city once, the stills, flood and exports of an answer when they are first asked for."""

from __future__ import annotations

from synapolis.web.tiles.build import draw_city as draw
from synapolis.web.tiles.drawings import drawn_folder
from synapolis.web.work.tasks import Context, task


@task("draw_city")
def draw_city(context: Context, *, city: str) -> str:
    """Draw a city's tiles, ground and lines into the cache."""
    place = context.city(city)
    return str(draw(place, context.cache, drawn_folder(place)))
