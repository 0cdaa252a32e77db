"""Handlers of a resource's own operations."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from litestar.connection import Request

from erp_core.kernel.context import Actor
from erp_core.kernel.errors import InvalidInput, NotFound, PreconditionMalformed
from erp_core.kernel.http.answers import (
    Answer,
    compressed,
    etag,
    json_answer,
    version_in,
)
from erp_core.kernel.http.commands import in_unit, path_id
from erp_core.kernel.http.everyday_writes import send_plan
from erp_core.kernel.http.serving import Handle, Serving, read_body, sent
from erp_core.kernel.ids import new_id
from erp_core.kernel.queries.pipeline import Call, encode
from erp_core.kernel.resources.bodies import changes_struct, decode
from erp_core.kernel.resources.carry import archive_in, create_in, is_carried, update_in
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.lists import (
    UnknownParameter,
    parse_fields,
    parse_includes,
    parse_page,
)
from erp_core.kernel.resources.sql import (
    read_statement,
    sensitive_read_statement,
    shown_columns,
)
from erp_core.kernel.resources.writes import plan_change, plan_create


def query_pairs(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """Read the query string in order."""
    query = request.scope["query_string"]
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else []


def read_note(resource: Resource, actor: Actor, object_id: UUID, action: str) -> Call:
    """Note that somebody read, or took out, an object whose reads are noted."""
    values = (
        actor.tenant_id,
        new_id(),
        actor.user_id,
        actor.request_id,
        actor.address,
        resource.name,
        object_id,
        action,
    )
    return Call(sensitive_read_statement(), [encode(value) for value in values])


def list_handler(serving: Serving, resource: Resource) -> Handle:
    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        page = parse_page(resource, serving.application.resources, actor, query_pairs(request))
        calls = page.calls(actor.tenant_id)
        if resource.sensitive:
            calls.append(read_note(resource, actor, actor.user_id or actor.tenant_id, "list"))
        results = await serving.pool.run(actor.tenant_id, calls, read_only=not resource.sensitive)
        body, headers = compressed(page.answer(results), sent(request, b"accept-encoding") or "")
        return json_answer(body, 200, headers)

    return handle


def read_handler(serving: Serving, resource: Resource) -> Handle:
    shown = shown_columns(resource)
    whole = read_statement(resource, shown)
    no_includes: tuple[tuple[str, Resource], ...] = ()

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        statement = whole
        columns, includes = shown, no_includes
        for name, text in query_pairs(request):
            if name == "fields":
                columns = parse_fields(resource, text)
            elif name == "include":
                includes = parse_includes(resource, serving.application.resources, actor, text)
            elif name != "lang":
                raise UnknownParameter(parameter=name, known="fields, include, lang")
            statement = read_statement(resource, columns, includes)
        object_id = path_id(request)
        calls = [Call(statement, [encode(actor.tenant_id), encode(object_id)])]
        if resource.sensitive:
            calls.append(read_note(resource, actor, object_id, "read"))
        rows = (await serving.pool.run(actor.tenant_id, calls, read_only=not resource.sensitive))[0].rows()
        if not rows:
            raise NotFound
        body, version = rows[0]
        tag = [etag(version)] if version is not None else []
        if version is not None and sent(request, b"if-none-match") == tag[0][1].decode():
            return json_answer(b"", 304, tag)
        return json_answer(body or b"null", 200, tag)

    return handle


def create_handler(serving: Serving, resource: Resource) -> Handle:
    if resource.create is None:
        message = f"{resource.name} declares no struct to create it from."
        raise TypeError(message)
    kind = resource.create
    limit = serving.application.settings.max_body

    carried = is_carried(resource, "create")

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        body = await read_body(request, limit)
        data = decode(body, kind)
        if carried:
            return await in_unit(serving, request, actor, lambda ctx: (201, create_in(ctx, resource, data), ()), body)
        return await send_plan(serving, request, actor, plan_create(resource, actor, data), body)

    return handle


def update_handler(serving: Serving, resource: Resource) -> Handle:
    """Give the handler of ``PATCH``: the fields that were sent, if the version still fits."""
    kind = changes_struct(resource)
    limit = serving.application.settings.max_body
    carried = is_carried(resource, "update")

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        expected, object_id = expected_version(request), path_id(request)
        body = await read_body(request, limit)
        data = decode(body, kind)
        if all(getattr(data, name) is msgspec.UNSET for name in data.__struct_fields__):
            raise InvalidInput(reason="Nothing to change was sent.", pointer="/")
        if carried:
            work = partial(update_in, resource=resource, object_id=object_id, data=data, expected=expected)
            return await in_unit(serving, request, actor, lambda ctx: (200, work(ctx), ()), body)
        return await send_plan(serving, request, actor, plan_change(resource, actor, object_id, data, expected), body)

    return handle


def archive_handler(serving: Serving, resource: Resource) -> Handle:
    """Give the handler of ``DELETE``; where a service or a hook has a say, it takes the command's way."""
    carried = needs_unit(serving, resource, "archive")

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        expected, object_id = expected_version(request), path_id(request)
        if carried:
            work = partial(archive_in, resource=resource, object_id=object_id, expected=expected)
            return await in_unit(serving, request, actor, lambda ctx: (200, work(ctx), ()), b"")
        plan = plan_change(resource, actor, object_id, None, expected, "archive")
        return await send_plan(serving, request, actor, plan, b"")

    return handle


def restore_handler(serving: Serving, resource: Resource) -> Handle:
    """Give the handler of ``POST …/restore``."""

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        plan = plan_change(resource, actor, path_id(request), None, expected_version(request), "restore")
        return await send_plan(serving, request, actor, plan, b"")

    return handle


def needs_unit(serving: Serving, resource: Resource, action: str) -> bool:
    """Tell whether a write needs an open transaction: a service carries it, or a package wants to be asked."""
    hooks = serving.application.plugins.hooks.hook
    return is_carried(resource, action) or (action == "archive" and bool(hooks.about_to_archive.get_hookimpls()))


def expected_version(request: Request[Any, Any, Any]) -> int | None:
    """Read If-Match; ``None`` when it was not sent."""
    header = sent(request, b"if-match")
    if header is None or header.strip() == "*":
        return None
    version = version_in(header)
    if version is None:
        raise PreconditionMalformed
    return version
