"""Answering a business action with the object, exactly as its own address shows it."""

from __future__ import annotations

from uuid import UUID

from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound
from erp_core.kernel.queries.pipeline import Call, encode
from erp_core.kernel.queries.sync import run_call
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import read_statement, shown_columns


def show(ctx: Context, resource: Resource, object_id: UUID) -> bytes:
    """Render one object in the open transaction; one place decides how it looks. Gives JSON, ready to answer."""
    ctx.session.flush()
    statement = read_statement(resource, shown_columns(resource))
    rows = run_call(ctx.session, Call(statement, [encode(ctx.tenant_id), encode(object_id)]))
    if not rows:
        raise NotFound
    return rows[0][0] or b"null"
