"""Posting stock: the one way in which a balance changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec

from erp_core.inventory import errors
from erp_core.inventory.models import REVERSAL_INDEX
from erp_core.inventory.posting_sql import ANSWER, APPLY, NOTE, RECORD_ANY_UNITS, RECORD_OWN_UNITS
from erp_core.inventory.rules import check_lines, touched_keys
from erp_core.inventory.schemas import MoveLine, PostMoves
from erp_core.kernel.context import Actor
from erp_core.kernel.errors import Problem, UnknownReference
from erp_core.kernel.ids import new_id
from erp_core.kernel.queries.pipeline import Call, encode
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.plan import Plan
from erp_core.products.errors import UnitMismatch

# What the statements refuse about one line, by the code that they raise.
_LINE_FAULTS: dict[str, type[Problem]] = {
    kind.code: kind
    for kind in (
        UnknownReference,
        UnitMismatch,
        errors.ArchivedProduct,
        errors.ArchivedLocation,
        errors.UntrackedProduct,
        errors.InexactQuantity,
    )
}


def plan_moves(actor: Actor, data: PostMoves) -> Plan:
    """Plan the posting of all lines together: movements, balances, audit and event, in one transaction."""
    return plan_posting(actor, data)


def plan_posting(actor: Actor, data: PostMoves, reverses_id: UUID | None = None) -> Plan:
    """Plan a posting; with ``reverses_id`` its one line takes that movement back."""
    check_lines(data.lines)
    tenant, posting, event, user = map(encode, (actor.tenant_id, new_id(), new_id(), actor.user_id))
    facts = map(encode, (data.moved_at, data.reason, data.document))
    recorded = [tenant, *_arrays(data.lines), posting, *facts, user, encode(reverses_id)]
    record = RECORD_OWN_UNITS
    if any(line.unit_id is not None for line in data.lines):
        record = RECORD_ANY_UNITS
        recorded.append(_array(line.unit_id or "NULL" for line in data.lines))
    source = (encode(actor.request_id or None), encode(actor.address or None), encode(new_id()))
    keys = touched_keys(data.lines)
    calls = [
        Call(record, recorded),
        Call(APPLY, [tenant, posting]),
        Call(NOTE, [tenant, posting, user, *source, event]),
        Call(ANSWER, [tenant, event, _array(place for place, _ in keys), _array(product for _, product in keys)]),
    ]
    return Plan(calls, answer=3, refuse=_refusals(data.lines))


def _arrays(lines: list[MoveLine]) -> list[bytes]:
    return [
        _array(new_id() for _ in lines),
        _array(line.product_id for line in lines),
        _array(line.from_location_id for line in lines),
        _array(line.to_location_id for line in lines),
        _array(line.quantity for line in lines),
    ]


def _array(values: Iterable[object]) -> bytes:
    """Write ids or numbers as PostgreSQL's array text; neither holds a character that would need quoting."""
    return f"{{{','.join(map(str, values))}}}".encode("ascii")


def _refusals(lines: list[MoveLine]) -> Callable[[DatabaseError], Problem | None]:
    """Give the translation of what the database may refuse about these lines."""

    def refuse(error: DatabaseError) -> Problem | None:
        if error.constraint == REVERSAL_INDEX:
            return errors.AlreadyReversed()
        facts: dict[str, Any] = msgspec.json.decode(error.detail) if error.sqlstate == "ERP01" and error.detail else {}
        if error.message == errors.InsufficientStock.code:
            return _shortage(facts, lines)
        kind = _LINE_FAULTS.get(error.message)
        return None if kind is None else _line_fault(kind, facts)

    return refuse


def _shortage(facts: dict[str, Any], lines: list[MoveLine]) -> Problem:
    """Point at the first line that takes the product from the location that lacks it."""
    wanted = (facts["location_id"], facts["product_id"])
    takes = ((str(line.from_location_id), str(line.product_id)) for line in lines)
    number = next((n for n, key in enumerate(takes) if key == wanted), 0)
    return errors.InsufficientStock(pointer=f"/lines/{number}/quantity", **facts)


def _line_fault(kind: type[Problem], facts: dict[str, Any]) -> Problem:
    number, field = facts.pop("n", None), facts.pop("field", None)
    if kind is UnknownReference:
        facts["field"] = field
    return kind(pointer=None if number is None else f"/lines/{number - 1}/{field}", **facts)
