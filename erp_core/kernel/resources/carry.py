"""Writes of a resource inside an open unit of work: by its own service where it has one, else by the everyday plan."""

from __future__ import annotations

from uuid import UUID

import msgspec

from erp_core.kernel.context import Context
from erp_core.kernel.database.model import MutableRow
from erp_core.kernel.errors import NotFound, StaleVersion
from erp_core.kernel.queries.sync import execute_plan
from erp_core.kernel.resources.bodies import sent_values
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.show import show
from erp_core.kernel.resources.writes import plan_change, plan_create


def is_carried(resource: Resource, action: str) -> bool:
    """Tell whether a service of the package carries this write."""
    services = {
        "create": resource.create_with,
        "update": resource.update_with,
        "archive": resource.archive_with,
    }
    return services.get(action) is not None


def create_in(ctx: Context, resource: Resource, data: msgspec.Struct) -> bytes:
    """Create one object; gives its JSON."""
    if resource.create_with is not None:
        return show(ctx, resource, resource.create_with(ctx, data))
    return _found(execute_plan(ctx, plan_create(resource, ctx.actor, data)))


def update_in(ctx: Context, resource: Resource, object_id: UUID, data: msgspec.Struct, expected: int | None) -> bytes:
    """Change one object, if it still has the expected version; gives its JSON."""
    if resource.update_with is not None:
        _lock(ctx, resource, object_id, expected)
        resource.update_with(ctx, object_id, sent_values(data))
        return show(ctx, resource, object_id)
    return _found(execute_plan(ctx, plan_change(resource, ctx.actor, object_id, data, expected)))


def archive_in(ctx: Context, resource: Resource, object_id: UUID, expected: int | None) -> bytes:
    """Ask every package, then archive one object; gives its JSON."""
    _lock(ctx, resource, object_id, expected)
    ctx.hooks.about_to_archive(ctx=ctx, resource=resource.name, object_id=object_id)
    if resource.archive_with is not None:
        resource.archive_with(ctx, object_id)
        return show(ctx, resource, object_id)
    return _found(execute_plan(ctx, plan_change(resource, ctx.actor, object_id, None, expected, "archive")))


def _lock(ctx: Context, resource: Resource, object_id: UUID, expected: int | None) -> None:
    """Lock the row before a service or a hook reads it, so that what they saw is what is changed."""
    row = ctx.get(resource.model, object_id, lock=True)
    if expected is not None and isinstance(row, MutableRow) and row.version != expected:
        raise StaleVersion


def _found(body: bytes | None) -> bytes:
    if body is None:
        raise NotFound
    return body
