"""What a running server holds: the records, the cities it has opened, the workers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synapolis.core.errors import CityError
from synapolis.layers.city import City, open_city
from synapolis.layers.workspace import city_folder, find_city, list_cities
from synapolis.records.journal import Journal
from synapolis.records.store import Store
from synapolis.web.settings import Settings
from synapolis.web.work.jobs import Jobs
from synapolis.web.work.shelf import Shelf


@dataclass
class Desk:
    """State of one server. It opens cities but never computes on them: the workers do."""

    settings: Settings
    store: Store
    journal: Journal
    workers: Any = None
    _cities: dict[str, City] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.store, self.journal)
        self.scenarios = Shelf(self.store, self.journal)

    @property
    def first(self) -> str:
        """Name by which the served city is called in addresses."""
        return city_folder(self.settings.city).resolve().name

    def names(self) -> list[str]:
        """Every city that may be asked for, the served one first."""
        return list(dict.fromkeys([self.first, *list_cities()]))

    def folder(self, name: str) -> Path:
        """Folder of a city that is served.

        Raises
        ------
        CityError
            For a name that is not on the list: a path in an address is never followed. Nor is one told to readers.
        """
        if name not in self.names():
            raise CityError(f"no city is called {name!r} here; there are {', '.join(self.names())}")
        try:
            return find_city(self.settings.city if name == self.first else name)
        except CityError as error:
            raise CityError(f"the city {name} is not here any more; build it again, or put its folder back") from error

    def city(self, name: str) -> City:
        """Open a city, once."""
        with self._opening:
            if name not in self._cities:
                self._cities[name] = open_city(self.folder(name))
            return self._cities[name]
