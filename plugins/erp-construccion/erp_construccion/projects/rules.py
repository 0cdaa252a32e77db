"""Pure rules of jobs: which moves exist, what counts as open, and how fields are tidied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from erp_construccion.projects.errors import InvalidArea, InvalidPosition
from erp_core.kernel.errors import EndsBeforeStart, WrongState
from erp_core.partners.rules import tidy
from erp_core.products.rules import LARGEST_AMOUNT, fits

# From each state to those that may follow it. A job that was lost, cancelled or closed stays so.
MOVES: Mapping[str, tuple[str, ...]] = {
    "prospect": ("bidding", "lost", "cancelled"),
    "bidding": ("awarded", "lost", "cancelled"),
    "awarded": ("executing", "cancelled"),
    "executing": ("suspended", "finished"),
    "suspended": ("executing", "cancelled"),
    "finished": ("settled",),
    "settled": ("warranty",),
    "warranty": ("closed",),
    "closed": (),
    "lost": (),
    "cancelled": (),
}
FINAL = frozenset(state for state, following in MOVES.items() if not following)
OPEN = frozenset(MOVES) - FINAL
_POSITION = {"latitude": 90, "longitude": 180}


def check_move(code: str, state: str, wanted: str) -> None:
    """Refuse a move that the table does not have, and name those that it has."""
    allowed = MOVES[state]
    if wanted not in allowed:
        raise WrongState(pointer="/to", document=code, state=state, wanted=wanted, allowed=", ".join(allowed) or "-")


def needs_customer(wanted: str) -> bool:
    """Tell whether a job may only move there for an active customer; what ends it may always be written down."""
    return wanted not in FINAL


def local_day(moment: datetime, time_zone: str) -> date:
    """Give the day that the calendar of a place shows at a moment."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def prepare_project(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a job; dates of which only one is sent are compared by the table."""
    row = tidy(sent)
    if row.get("code"):
        row["code"] = row["code"].upper()
    for field, limit in _POSITION.items():
        if row.get(field) is not None and not fits(row[field], Decimal(limit)):
            raise InvalidPosition(pointer=f"/{field}", limit=limit)
    start, end = row.get("planned_start"), row.get("planned_end")
    if start is not None and end is not None and end < start:
        raise EndsBeforeStart(pointer="/planned_end", start=start.isoformat(), end=end.isoformat())
    return row


def prepare_node(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a part of a job."""
    row = tidy(sent)
    if row.get("code"):
        row["code"] = row["code"].upper()
    area = row.get("area_m2")
    if area is not None and not (fits(area) and area >= 0):
        raise InvalidArea(pointer="/area_m2", largest=str(LARGEST_AMOUNT))
    return row
