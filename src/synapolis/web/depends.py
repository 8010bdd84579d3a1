"""What handlers take: the desk, who is asking, and what they must be allowed to do."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from synapolis.layers.city import City
from synapolis.web.security.principal import Needs, Who, who_asks
from synapolis.web.state import Desk

__all__ = ["CityDep", "DeskDep", "Needs", "WhoDep"]


def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


DeskDep = Annotated[Desk, Depends(_desk)]
WhoDep = Annotated[Who, Depends(who_asks)]


def _city(city: str, desk: DeskDep) -> City:
    return desk.city(city)


CityDep = Annotated[City, Depends(_city)]
"""The city named in the address."""
