"""Edits: what a scenario changes, in words and the source's own ids. A value: stored, diffed, shared, voted on.

Each kind names the declared model that carries it out, so an edit is registered, versioned and explained like any
other model, and other packages may add kinds through the entry point `synapolis.edits`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """A value: no unknown fields, no change after it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _yes_is_no_number(cls, data: Any) -> Any:
        """In YAML `homes: yes` is true, which would pass as 1; nor is 0 a no."""
        for name, value in data.items() if isinstance(data, dict) else ():
            field = cls.model_fields.get(name)
            flag = field is not None and "bool" in str(field.annotation)
            if isinstance(value, bool) and field is not None and not flag:
                raise ValueError(f"{name} must not be {str(value).lower()} (yes and no mean true and false in YAML)")
            if flag and value is not None and not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false, got {value!r:.50}")
        return data


class Area(Frozen):
    """Where an edit applies: exactly one of a named place, a street, a drawn GeoJSON geometry, or ids of a layer.

    A place that is only a point is taken with `radius` around it [m]; a street with a strip of `width` [m].
    """

    place: str | None = None
    street: str | None = None
    geojson: dict[str, Any] | None = None
    ids: tuple[str, ...] | None = None
    radius: float = Field(default=250, gt=0, le=20_000)
    width: float = Field(default=40, gt=0, le=1_000)

    @model_validator(mode="after")
    def _one_way_to_say_where(self) -> Area:
        given = [name for name in ("place", "street", "geojson", "ids") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                f"an area needs exactly one of place, street, geojson, ids; got {', '.join(given) or 'none'}"
            )
        return self

    def __str__(self) -> str:
        """Say where, for people."""
        if self.place:
            return self.place
        if self.street:
            return f"along {self.street}"
        return "the drawn area" if self.geojson else f"{len(self.ids or ())} named features"


class EditBase(Frozen):
    """Shared by all edits: an id within the scenario, an optional year for pathways, and whether it is switched off.

    What is switched off stays in the list and is not run; an answer is that of the same list without it.
    """

    id: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    when: int | None = Field(default=None, ge=1900, le=2300)
    off: bool = Field(default=False, exclude_if=lambda off: not off)
    models: ClassVar[tuple[str, ...]] = ()
    """Declared models that can carry the edit out, the preferred first."""


class AddHomes(EditBase):
    """Add homes in an area; the massing model decides where they fit and how high."""

    kind: Literal["add_homes"] = "add_homes"
    area: Area
    homes: int = Field(gt=0, le=1_000_000)
    fit: Literal["what_fits", "as_asked", "on_other_ground"] = "what_fits"
    models: ClassVar[tuple[str, ...]] = ("add_homes", "add_homes_to_zones")


class ChangeCover(EditBase):
    """Change what covers the ground in an area."""

    kind: Literal["change_cover"] = "change_cover"
    area: Area
    cover: Literal["grass", "trees", "paved", "permeable_paving", "bare"]
    models: ClassVar[tuple[str, ...]] = ("change_cover",)


class PlantTrees(EditBase):
    """Plant trees at an even spacing in an area or along a street; the ground under them stays as it is."""

    kind: Literal["plant_trees"] = "plant_trees"
    area: Area
    spacing: float = Field(default=10, ge=3, le=100)
    height: float = Field(default=9, ge=3, le=40)
    models: ClassVar[tuple[str, ...]] = ("plant_trees",)


USUAL_STORAGE = {"rain_garden": {"depth_mm": 250.0, "share": 0.1}}
"""What is built of a kind of storage where nobody says more (else 50 mm everywhere): 257 mm is what a public planning
tool gives rain gardens; a tenth of the paving is usual practice, assumed."""


class BuildStorage(EditBase):
    """Build storage for rain: a basin, green roofs, infiltration strips or rain gardens."""

    kind: Literal["build_storage"] = "build_storage"
    area: Area
    storage: Literal["basin", "green_roof", "infiltration_strip", "rain_garden"]
    depth_mm: float = Field(default=50, gt=0, le=5_000)
    share: float = Field(default=1, gt=0, le=1)
    models: ClassVar[tuple[str, ...]] = ("build_storage",)

    @model_validator(mode="before")
    @classmethod
    def _as_usual(cls, data: Any) -> Any:
        usual = USUAL_STORAGE.get(str(data.get("storage")), {}) if isinstance(data, dict) else {}
        return {**usual, **data} if usual else data


class ChangeLanes(EditBase):
    """Take lanes from a street (negative) or give it lanes, both directions together."""

    kind: Literal["change_lanes"] = "change_lanes"
    street: str | None = None
    ids: tuple[str, ...] | None = None
    lanes: int = Field(ge=-12, le=12)
    models: ClassVar[tuple[str, ...]] = ("change_lanes",)

    @model_validator(mode="after")
    def _a_street_and_a_change(self) -> ChangeLanes:
        if bool(self.street) == bool(self.ids):
            raise ValueError("change_lanes needs either a street or ids")
        if self.lanes == 0:
            raise ValueError("change_lanes needs lanes above or below 0, got 0: nothing would change")
        return self


class CloseStreet(EditBase):
    """Close a street to cars."""

    kind: Literal["close_street"] = "close_street"
    street: str | None = None
    ids: tuple[str, ...] | None = None
    models: ClassVar[tuple[str, ...]] = ("close_street",)

    @model_validator(mode="after")
    def _a_street(self) -> CloseStreet:
        if bool(self.street) == bool(self.ids):
            raise ValueError("close_street needs either a street or ids")
        return self


class ChangeHeadway(EditBase):
    """Run a transit line more or less often."""

    kind: Literal["change_headway"] = "change_headway"
    route: str = Field(min_length=1, max_length=40)
    mode: Literal["tram", "bus", "rail", "subway", "ferry", "cable"] | None = None
    headway_minutes: float = Field(gt=0, le=1440)
    from_hour: float | None = Field(default=None, ge=0, le=48)
    to_hour: float | None = Field(default=None, gt=0, le=48)
    models: ClassVar[tuple[str, ...]] = ("change_headway",)

    @model_validator(mode="after")
    def _a_whole_period(self) -> ChangeHeadway:
        if (self.from_hour is None) != (self.to_hour is None):
            raise ValueError("change_headway needs both from_hour and to_hour for a period of the day, or neither")
        if self.from_hour is not None and self.to_hour is not None and self.from_hour >= self.to_hour:
            raise ValueError(f"a period must begin before it ends, got {self.from_hour:g} to {self.to_hour:g} h")
        return self


class ExtendService(EditBase):
    """Run a transit line earlier in the morning or later at night."""

    kind: Literal["extend_service"] = "extend_service"
    route: str = Field(min_length=1, max_length=40)
    mode: Literal["tram", "bus", "rail", "subway", "ferry", "cable"] | None = None
    first_hour: float | None = Field(default=None, ge=0, le=48)
    last_hour: float | None = Field(default=None, gt=0, le=48)
    models: ClassVar[tuple[str, ...]] = ("extend_service",)

    @model_validator(mode="after")
    def _an_hour(self) -> ExtendService:
        if self.first_hour is None and self.last_hour is None:
            raise ValueError("extend_service needs first_hour, last_hour or both")
        return self


class CloseStop(EditBase):
    """Close a transit stop: vehicles pass it."""

    kind: Literal["close_stop"] = "close_stop"
    stop: str = Field(min_length=1, max_length=120)
    models: ClassVar[tuple[str, ...]] = ("close_stop",)


class MoveStop(EditBase):
    """Move a transit stop to the middle of an area."""

    kind: Literal["move_stop"] = "move_stop"
    stop: str = Field(min_length=1, max_length=120)
    to: Area
    models: ClassVar[tuple[str, ...]] = ("move_stop",)


class BusLane(EditBase):
    """Give buses lanes of their own along a street, which cars lose."""

    kind: Literal["bus_lane"] = "bus_lane"
    street: str = Field(min_length=1, max_length=120)
    lanes: int = Field(default=2, ge=0, le=4)
    models: ClassVar[tuple[str, ...]] = ("quicken_buses", "change_lanes")


class ChangeFares(EditBase):
    """Change what riders of public transport pay: by a factor, or one price for all."""

    kind: Literal["change_fares"] = "change_fares"
    factor: float | None = Field(default=None, ge=0, le=10)
    price: float | None = Field(default=None, ge=0, le=100_000)
    models: ClassVar[tuple[str, ...]] = ("change_fares",)

    @model_validator(mode="after")
    def _one_way_to_say_how_much(self) -> ChangeFares:
        if (self.factor is None) == (self.price is None):
            raise ValueError("change_fares needs either factor (0.5 halves every fare) or price (one for all)")
        return self


class AddLine(EditBase):
    """Add a transit line along a street or a drawn line, in both directions, with stops as drawn or at a spacing."""

    kind: Literal["add_line"] = "add_line"
    street: str | None = Field(default=None, min_length=1, max_length=120)
    line: dict[str, Any] | None = None
    stops: tuple[tuple[float, float], ...] | None = Field(default=None, min_length=2, max_length=100)
    mode: Literal["tram", "bus"] = "tram"
    name: str = Field(default="new line", min_length=1, max_length=40)
    headway_minutes: float = Field(default=10, gt=0, le=1440)
    stop_spacing: float = Field(default=350, ge=100, le=5_000)
    models: ClassVar[tuple[str, ...]] = ("add_line",)

    @model_validator(mode="after")
    def _one_way_to_say_where(self) -> AddLine:
        if bool(self.street) == bool(self.line):
            raise ValueError("add_line needs either a street or a drawn line (GeoJSON LineString)")
        if self.stops is not None and not self.line:
            raise ValueError("stops are drawn on a drawn line; along a street they are spaced by stop_spacing")
        return self


@dataclass(frozen=True)
class EditKind:
    """A kind of edit from another package: its class, and what binds it to a city.

    Offered under the entry point `synapolis.edits`. `edit` is a subclass of EditBase with a literal `kind` of its own;
    `bind(edit, city)` returns a BoundEdit (scenarios/plan.py) that names a declared model taking `edit_` words.
    """

    edit: type[EditBase]
    bind: Callable[[Any, Any], Any]


OUTSIDE: tuple[EditKind, ...] = tuple(point.load() for point in entry_points(group="synapolis.edits"))
"""Kinds of edits that installed packages add."""

if TYPE_CHECKING:
    Edit = (
        AddHomes
        | ChangeCover
        | PlantTrees
        | BuildStorage
        | ChangeLanes
        | CloseStreet
        | ChangeHeadway
        | AddLine
        | ExtendService
        | CloseStop
        | MoveStop
        | BusLane
        | ChangeFares
    )
else:
    _KINDS = (
        AddHomes,
        ChangeCover,
        PlantTrees,
        BuildStorage,
        ChangeLanes,
        CloseStreet,
        ChangeHeadway,
        AddLine,
        ExtendService,
        CloseStop,
        MoveStop,
        BusLane,
        ChangeFares,
    )
    Edit = Annotated[
        Union[(*_KINDS, *(kind.edit for kind in OUTSIDE))],
        Field(discriminator="kind"),
    ]
"""Any edit, told apart by its `kind`."""


class Scenario(Frozen):
    """An ordered list of edits on a city, with the city's hash it was made on."""

    format_version: Literal[1] = 1
    title: str = Field(default="", max_length=200)
    city: str = Field(default="", max_length=200)
    city_hash: str = ""
    author: str = Field(default="", max_length=200)
    edits: tuple[Edit, ...] = ()

    @property
    def active(self) -> tuple[Edit, ...]:
        """The edits that are switched on, in their order."""
        return tuple(edit for edit in self.edits if not edit.off)

    @property
    def running(self) -> Scenario:
        """The same scenario without what is switched off: what is run, and what its answer is known by."""
        return self.model_copy(update={"edits": self.active})

    @model_validator(mode="before")
    @classmethod
    def _number_the_edits(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("edits"), list | tuple):
            data = data | {"edits": [_with_id(edit, number) for number, edit in enumerate(data["edits"], start=1)]}
        return data

    @model_validator(mode="after")
    def _ids_once(self) -> Scenario:
        ids = [edit.id for edit in self.edits]
        if len(set(ids)) < len(ids):
            raise ValueError(f"each edit needs an id of its own; got {', '.join(ids)}")
        return self


def _with_id(edit: Any, number: int) -> Any:
    if isinstance(edit, dict):
        return edit if edit.get("id") else {**edit, "id": f"e{number}"}
    if not isinstance(edit, EditBase) or edit.id:
        return edit
    return edit.model_copy(update={"id": f"e{number}"})
