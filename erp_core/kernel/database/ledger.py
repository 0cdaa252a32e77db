"""What a unit of work writes beside the change itself: who changed what, and what has to be told or done after it."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Table, event, inspect
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.orm.attributes import History

from erp_core.kernel.context import Context, past_of
from erp_core.kernel.database.model import RESOURCE, MutableRow, TenantRow
from erp_core.kernel.ids import new_id

CONTEXT = "context"
_FORMER = "former"

_AUDIT = """
INSERT INTO core.audit_entries
  (tenant_id, id, at, user_id, request_id, address, resource, object_id, action, before, after)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_OUTBOX = """
INSERT INTO core.outbox (tenant_id, id, kind, name, payload, user_id, request_id) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_PENDING = "INSERT INTO core.outbox_pending (tenant_id, id, queue, name) VALUES (%s, %s, %s, %s)"


class UnitSession(Session):
    """A session whose changes to mutable rows are signed, dated and audited; its context is in ``info``."""


@event.listens_for(UnitSession, "before_flush")
def _sign(session: Session, _flush: UOWTransaction, _objects: Any) -> None:
    """Fill in what a row has to know about its change, and keep how it was before."""
    ctx: Context = session.info[CONTEXT]
    former = session.info[_FORMER] = {}
    for row in session.new:
        if isinstance(row, TenantRow):
            row.tenant_id = row.tenant_id or ctx.tenant_id
            row.id = row.id or new_id()
        if isinstance(row, MutableRow):
            row.created_at = row.updated_at = ctx.now()
            row.created_by = row.updated_by = ctx.user_id
    for row in session.dirty:
        if isinstance(row, MutableRow) and session.is_modified(row, include_collections=False):
            # Before it is signed, because the flush also raises the version without leaving a trace of the old one.
            former[row] = _image(row, before=True)
            row.updated_at = ctx.now()
            row.updated_by = ctx.user_id


@event.listens_for(UnitSession, "after_flush")
def _note(session: Session, _flush: UOWTransaction) -> None:
    """Note every change of a mutable row, while the session still knows how it was before."""
    ctx: Context = session.info[CONTEXT]
    for row in session.new:
        if isinstance(row, MutableRow):
            ctx.audit(_resource(row), row.id, "create", None, _image(row, before=False))
            _announce(ctx, row, "create")
    for row, before in session.info[_FORMER].items():
        ctx.audit(_resource(row), row.id, _action(row), before, _image(row, before=False))
        _announce(ctx, row, _action(row))
    for row in session.deleted:
        if isinstance(row, MutableRow):
            ctx.audit(_resource(row), row.id, "delete", _image(row, before=True), None)


def _announce(ctx: Context, row: MutableRow, action: str) -> None:
    """Announce a change of a resource's row, as the everyday writes do."""
    name = row.__table__.info.get(RESOURCE)  # type: ignore[attr-defined]
    if name is not None:
        ctx.emit(f"{name}.{past_of(action)}", {"id": row.id, "version": row.version})


def write_ledger(raw: psycopg.Connection[Any], ctx: Context) -> None:
    """Write the audit and outbox rows of the transaction; inside a pipeline they travel together with its commit."""
    actor, at = ctx.actor, ctx.now()
    # Row by row: `executemany` would wait for an answer of its own after each table.
    with raw.cursor() as cursor:
        who = (actor.user_id, actor.request_id or None, actor.address or None)
        for entry in ctx.audited:
            cursor.execute(_AUDIT, (ctx.tenant_id, new_id(), at, *who, *_columns(entry)))
        for pending in ctx.pending:
            payload = _json(pending.payload)
            cursor.execute(_OUTBOX, (ctx.tenant_id, pending.id, pending.kind, pending.name, payload, *who[:2]))
            cursor.execute(_PENDING, (ctx.tenant_id, pending.id, pending.queue, pending.name))


def _columns(entry: dict[str, Any]) -> tuple[Any, ...]:
    images = (None if entry[key] is None else _json(entry[key]) for key in ("before", "after"))
    return (entry["resource"], entry["object_id"], entry["action"], *images)


def _json(value: Any) -> Jsonb:
    return Jsonb(value, dumps=msgspec.json.encode)


def _resource(row: MutableRow) -> str:
    """Name the resource of a row: the declared one, what the model says in ``__resource__``, or its table."""
    table: Table = row.__table__  # type: ignore[assignment]
    return str(table.info.get(RESOURCE) or getattr(row, "__resource__", table.fullname))


def _action(row: MutableRow) -> str:
    change = inspect(row).attrs.archived_at.history
    if not change.has_changes():
        return "update"
    return "archive" if row.archived_at is not None else "restore"


def _image(row: MutableRow, *, before: bool) -> dict[str, Any]:
    """Give a row's columns as plain JSON, without what is generated from others and what is marked secret."""
    state = inspect(row)
    image: dict[str, Any] = {}
    for attribute in state.mapper.column_attrs:
        column = attribute.columns[0]
        if getattr(column, "computed", None) is not None or column.info.get("secret"):
            continue
        value = state.dict.get(attribute.key)
        if before:
            value = _former(state.attrs[attribute.key].history, value)
        image[column.name] = msgspec.to_builtins(value)
    return image


def _former(history: History, value: Any) -> Any:
    if not history.has_changes():
        return value
    return history.deleted[0] if history.deleted else None
