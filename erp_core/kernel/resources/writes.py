"""The everyday writes of a resource, planned as statements."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import ARRAY

from erp_core.kernel.context import Actor
from erp_core.kernel.errors import InvalidInput, Problem
from erp_core.kernel.ids import new_id
from erp_core.kernel.queries.pipeline import Call, Statement, encode, encode_array
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.plan import Plan
from erp_core.kernel.queries.translate import refusal_for
from erp_core.kernel.resources.bodies import sent_values
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import (
    change_statement,
    create_statement,
    read_statement,
    shown_columns,
    table_of,
)

Build = Callable[[bool], Statement]
LONGEST_NUMBER = 100


def plan_create(resource: Resource, actor: Actor, data: msgspec.Struct, row_id: UUID | None = None) -> Plan:
    """Plan the insertion of one row with its audit and outbox entries."""
    row_id = row_id or new_id()
    columns, values = storable(resource, sent_values(data))
    params = [*head_of(actor, row_id), *values]
    return _plan(resource, 201, params, lambda answer: create_statement(resource, columns, answer=answer))


def plan_change(
    resource: Resource,
    actor: Actor,
    row_id: UUID,
    data: msgspec.Struct | None,
    expected: int | None,
    action: str = "update",
) -> Plan:
    """Plan a change, an archiving or a restoring; ``expected`` is the version of If-Match."""
    columns, values = storable(resource, sent_values(data)) if data is not None else ((), [])
    params = [*head_of(actor, row_id), encode(expected), *values]
    return _plan(resource, 200, params, lambda answer: change_statement(resource, action, columns, answer=answer))


def storable(resource: Resource, sent: dict[str, Any]) -> tuple[tuple[str, ...], list[bytes | None]]:
    """Check and normalise what was sent, and give the columns with their encoded values."""
    for name, value in sent.items():
        if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > LONGEST_NUMBER:
            # Arithmetic on such a number overflows before any rule could refuse it.
            raise InvalidInput(reason="The number is too large or too small.", pointer=f"/{name}")
    prepared = resource.prepare(sent) if resource.prepare is not None else sent
    table = table_of(resource)
    columns = tuple(sorted(prepared))
    return columns, [_encoded(name, prepared[name], isinstance(table.c[name].type, ARRAY)) for name in columns]


def _encoded(name: str, value: Any, is_array: bool) -> bytes | None:
    try:
        if is_array and value is not None:
            return encode_array(value)
        return encode(msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value)
    except ValueError as error:
        raise InvalidInput(reason=str(error), pointer=f"/{name}") from None


def head_of(actor: Actor, row_id: UUID) -> list[bytes | None]:
    """Give the parameters that every write starts with."""
    ids = (actor.tenant_id, row_id, actor.user_id, new_id(), new_id())
    return [*(encode(value) for value in ids), encode(actor.request_id or None), encode(actor.address or None)]


def _plan(resource: Resource, status: int, params: list[bytes | None], build: Build) -> Plan:
    def refuse(error: DatabaseError) -> Problem | None:
        return refusal_for(error, table_of(resource))

    def keyed() -> Plan:
        # The kernel keeps what a plain SELECT answers, so here the row is written first and read in a call of its own.
        shown: Statement = read_statement(resource, shown_columns(resource))
        calls = [Call(build(False), params), Call(shown, params[:2])]
        return Plan(calls, 1, status, refuse)

    return Plan([Call(build(True), params)], 0, status, refuse, plain_answer=False, keyed=keyed)
