"""What comes in and goes out about jobs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Code = Annotated[
    str, Meta(min_length=1, max_length=30, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._/\-]*\s*$", examples=["PROJ-2026-001"])
]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", examples=["Residencial Los Encinos, etapa 1"])]
ShortText = Annotated[str, Meta(max_length=120)]
Degrees = Annotated[Decimal, Meta(examples=["19.432608"], description="Decimal degrees, as a string.")]
State = Literal[
    "prospect",
    "bidding",
    "awarded",
    "executing",
    "suspended",
    "finished",
    "settled",
    "warranty",
    "closed",
    "lost",
    "cancelled",
]


class ProjectIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A job as a caller writes it; it begins as a prospect and changes its state by moves."""

    code: Code
    name: Name
    client_id: UUID
    kind: Literal["public", "private", "housing"] = "private"
    contract_kind: Literal["unit_price", "lump_sum", "cost_plus", "mixed"] = "unit_price"
    address: Annotated[str, Meta(max_length=300, examples=["Camino a Los Encinos 250"])] | None = None
    municipality: ShortText | None = None
    federal_entity: ShortText | None = None
    postal_code: Annotated[str, Meta(pattern=r"^[0-9]{5}$", examples=["76230"])] | None = None
    latitude: Degrees | None = None
    longitude: Degrees | None = None
    planned_start: date | None = None
    planned_end: date | None = None


class StructureNodeIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of a job as a caller writes it; without ``parent_id`` it lies directly below the job."""

    project_id: UUID
    kind: Literal["stage", "block", "tower", "level", "lot", "unit"]
    code: Annotated[
        str, Meta(min_length=1, max_length=30, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._/\-]*\s*$", examples=["L-01"])
    ]
    parent_id: UUID | None = None
    name: Annotated[str, Meta(max_length=120, examples=["Lote 1"])] | None = None
    area_m2: Annotated[Decimal, Meta(examples=["112.50"], description="Square metres, as a string.")] | None = None


class MoveProject(Struct, forbid_unknown_fields=True, kw_only=True):
    """The state that a job is to have."""

    to: State


class ProjectMoved(Struct, kw_only=True):
    """A job changed its state: the event ``construccion.projects.moved``."""

    id: UUID
    code: str
    previous: str
    state: str


class ProjectOverdue(Struct, kw_only=True):
    """A job that is being built past its planned end: the event ``construccion.projects.overdue``."""

    id: UUID
    code: str
    planned_end: date
    day: date
    days_late: int
