"""Pure rules of stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from erp_core.inventory.errors import (
    InexactQuantity,
    NoLines,
    QuantityNotPositive,
    QuantityTooLarge,
    SameLocation,
    TooManyLines,
)
from erp_core.inventory.schemas import MoveLine
from erp_core.kernel.errors import Problem, ProblemList
from erp_core.partners.rules import tidy
from erp_core.products.rules import DECIMALS, LARGEST_AMOUNT, fits

MAX_LINES = 500
# The other side of a movement from or to the world outside: below zero they tell how much came from there.
VIRTUAL_KINDS = frozenset({"supplier", "customer", "loss", "production"})

Key = tuple[UUID, UUID]


def check_lines(lines: list[MoveLine]) -> None:
    """Refuse a posting that can be seen to be wrong from its body alone; every fault is told at once."""
    if not lines:
        raise NoLines(pointer="/lines")
    if len(lines) > MAX_LINES:
        raise TooManyLines(pointer="/lines", count=len(lines), limit=MAX_LINES)
    refuse_all([fault for number, line in enumerate(lines) for fault in _faults(number, line)])


def refuse_all(faults: list[Problem]) -> None:
    """Raise the faults, one as itself and several as a list; nothing when there are none."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ProblemList(faults)


def _faults(number: int, line: MoveLine) -> Iterable[Problem]:
    pointer, quantity = f"/lines/{number}/quantity", line.quantity
    if quantity.is_nan() or quantity <= 0:
        yield QuantityNotPositive(pointer=pointer, quantity=str(quantity))
    elif quantity > LARGEST_AMOUNT:
        yield QuantityTooLarge(pointer=pointer, quantity=str(quantity), largest=str(LARGEST_AMOUNT))
    elif not fits(quantity):
        yield InexactQuantity(pointer=pointer, quantity=str(quantity), decimals=DECIMALS)
    if line.from_location_id == line.to_location_id:
        yield SameLocation(pointer=f"/lines/{number}/to_location_id")


def touched_keys(lines: Iterable[MoveLine]) -> list[Key]:
    """List the (location, product) pairs whose balances the lines touch, in the order in which they are locked."""
    keys = {(place, line.product_id) for line in lines for place in (line.from_location_id, line.to_location_id)}
    return sorted(keys)


def net_changes(lines: Iterable[MoveLine]) -> dict[Key, Decimal]:
    """Add up what lines in the products' own units change at each (location, product); the changes add up to zero."""
    changes: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for line in lines:
        changes[line.from_location_id, line.product_id] -= line.quantity
        changes[line.to_location_id, line.product_id] += line.quantity
    return dict(changes)


def prepare_location(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy the fields of a location; a virtual one may always go below zero."""
    row = tidy(sent)
    if row.get("code"):
        row["code"] = row["code"].upper()
    if row.get("kind") in VIRTUAL_KINDS:
        row["may_go_negative"] = True
    return row
