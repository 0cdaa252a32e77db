"""Many writes of one resource in one request: all together or none, or each for itself."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar.connection import Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.errors import DatabaseAway, Forbidden, InvalidInput, NotFound, Problem, StaleVersion
from erp_core.kernel.http.answers import Answer, json_answer, problem_document
from erp_core.kernel.http.commands import Outcome, in_unit
from erp_core.kernel.http.everyday_writes import send_plan
from erp_core.kernel.http.idempotency import HEADER
from erp_core.kernel.http.resource_routes import needs_unit
from erp_core.kernel.http.serving import NOBODY, Handle, Serving, as_problem, read_body
from erp_core.kernel.queries.pipeline import Call, encode, statement
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.plan import Plan
from erp_core.kernel.queries.translate import refusal_for
from erp_core.kernel.resources.bodies import changes_struct, decode
from erp_core.kernel.resources.carry import archive_in, create_in, update_in
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import exists_statement, table_of
from erp_core.kernel.resources.writes import plan_change, plan_create

MOST = 500
DONE = statement("SELECT json_build_object('done', $1::bigint)::text")


def _no_data() -> msgspec.Raw:
    return msgspec.Raw(b"{}")


class BulkItem(msgspec.Struct, forbid_unknown_fields=True):
    """One write of many: ``create`` with data; ``update`` with id and data; ``archive`` with id."""

    action: Literal["create", "update", "archive"]
    id: UUID | None = None
    version: int | None = None
    data: msgspec.Raw = msgspec.field(default_factory=_no_data)


class Bulk(msgspec.Struct, forbid_unknown_fields=True):
    """Up to 500 writes; ``all`` commits all or none, ``each`` answers for every item."""

    items: list[BulkItem]
    mode: Literal["all", "each"] = "all"


def bulk_handler(serving: Serving, resource: Resource) -> Handle:
    """Give the handler of ``POST …/bulk``."""
    limit = serving.application.settings.max_body

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        body = await read_body(request, limit)
        bulk: Bulk = decode(body, Bulk)
        _check(resource, actor, bulk)
        if bulk.mode == "all":
            return await _all(serving, request, resource, actor, bulk, body)
        if HEADER.encode() in dict(request.scope["headers"]):
            # One transaction holds all items and the answer, so that a repeat finds either both or nothing.
            return await in_unit(serving, request, actor, partial(_write_each, serving, resource, bulk), body)
        return await _each(serving, resource, actor, bulk)

    return handle


def _check(resource: Resource, actor: Actor, bulk: Bulk) -> None:
    if not 1 <= len(bulk.items) <= MOST:
        raise InvalidInput(reason=f"It takes 1 to {MOST} items.", pointer="/items")
    for index, item in enumerate(bulk.items):
        if item.action not in resource.operations:
            raise InvalidInput(reason="This resource has no such action.", pointer=f"/items/{index}/action")
        if resource.permission(item.action) not in actor.permissions:
            raise Forbidden(permission=resource.permission(item.action))


def _plan(resource: Resource, actor: Actor, item: BulkItem, index: int) -> Plan:
    object_id = _id(item, index)
    try:
        data = _data(resource, item)
        if item.action == "create" and data is not None:
            return plan_create(resource, actor, data)
        return plan_change(resource, actor, object_id, data, item.version, item.action)
    except Problem as problem:
        raise _placed(problem, index) from None


def _data(resource: Resource, item: BulkItem) -> msgspec.Struct | None:
    if item.action == "archive":
        return None
    kind = resource.create if item.action == "create" else changes_struct(resource)
    found: msgspec.Struct = decode(bytes(item.data), kind)
    return found


def _id(item: BulkItem, index: int) -> UUID:
    """Give the id of what is changed; what is created gets its own, so there it stands for nothing."""
    if item.id is None and item.action != "create":
        raise InvalidInput(reason="This field is required.", pointer=f"/items/{index}/id")
    return item.id or NOBODY


def _placed(problem: Problem, index: int) -> Problem:
    """Point a refusal at the item that caused it."""
    inside = "" if problem.code == "not_found" else "/data"
    problem.pointer = f"/items/{index}{inside}{problem.pointer or ''}"
    return problem


def write_in(ctx: Context, resource: Resource, item: BulkItem, index: int) -> bytes:
    """Carry one item out in an open unit of work; gives the object's JSON."""
    object_id = _id(item, index)
    try:
        data = _data(resource, item)
        if item.action == "create" and data is not None:
            return create_in(ctx, resource, data)
        if item.action == "update" and data is not None:
            return update_in(ctx, resource, object_id, data, item.version)
        return archive_in(ctx, resource, object_id, item.version)
    except Problem as problem:
        raise _placed(problem, index) from None


async def _all(
    serving: Serving, request: Request[Any, Any, Any], resource: Resource, actor: Actor, bulk: Bulk, body: bytes
) -> Answer:
    if any(needs_unit(serving, resource, item.action) for item in bulk.items):
        return await in_unit(serving, request, actor, partial(_write_all, resource, bulk), body)
    calls: list[Call] = []
    owners: list[int] = []
    for index, item in enumerate(bulk.items):
        plan = _plan(resource, actor, item, index)
        if item.action != "create":
            # An update that finds no row is no error to PostgreSQL; all-or-nothing makes it one.
            there = [*plan.calls[0].params[:2], encode({"pointer": f"/items/{index}"})]
            calls.append(Call(exists_statement(resource), there))
            owners.append(index)
        calls.append((plan.keyed() if plan.keyed is not None else plan).calls[0])
        owners.append(index)
    claimed = int(HEADER in request.headers)

    def explain(error: DatabaseError) -> Problem | None:
        problem = refusal_for(error, table_of(resource))
        at = -1 if error.call_index is None else error.call_index - claimed
        if problem is not None and 0 <= at < len(owners) and problem.code != "not_found":
            return _placed(problem, owners[at])
        return problem

    calls.append(Call(DONE, [encode(len(bulk.items))]))
    return await send_plan(serving, request, actor, Plan(calls, len(calls) - 1, 200, explain), body)


def _write_all(resource: Resource, bulk: Bulk, ctx: Context) -> Outcome:
    for index, item in enumerate(bulk.items):
        write_in(ctx, resource, item, index)
    return 200, msgspec.json.encode({"done": len(bulk.items)}), ()


def _write_each(serving: Serving, resource: Resource, bulk: Bulk, ctx: Context) -> Outcome:
    answers = [_attempt(serving, resource, item, index, ctx) for index, item in enumerate(bulk.items)]
    return 207, msgspec.json.encode({"results": answers}), ()


def _attempt(serving: Serving, resource: Resource, item: BulkItem, index: int, ctx: Context) -> dict[str, Any]:
    """Carry one item out behind a savepoint; what a refused one would have noted is forgotten with it."""
    noted = len(ctx.audited), len(ctx.pending)
    try:
        with ctx.session.begin_nested():
            body = write_in(ctx, resource, item, index)
    except (Problem, StaleDataError, DBAPIError) as error:
        problem = StaleVersion() if isinstance(error, StaleDataError) else as_problem(error)
        if problem is None or isinstance(problem, DatabaseAway):
            raise
        del ctx.audited[noted[0] :], ctx.pending[noted[1] :]
        return {"status": problem.status, "problem": _document(serving, problem, ctx.actor)}
    return {"status": _status(item), "item": msgspec.Raw(body)}


def _document(serving: Serving, problem: Problem, actor: Actor) -> dict[str, Any]:
    return problem_document(problem, serving.application.catalogues, actor.language, actor.request_id)


def _status(item: BulkItem) -> int:
    return 201 if item.action == "create" else 200


async def _each(serving: Serving, resource: Resource, actor: Actor, bulk: Bulk) -> Answer:
    answers: list[dict[str, Any]] = []
    for index, item in enumerate(bulk.items):
        try:
            answers.append(await _one(serving, resource, actor, item, index))
        except Exception as error:
            problem = as_problem(error)
            if problem is None:
                raise
            answers.append({"status": problem.status, "problem": _document(serving, problem, actor)})
    return json_answer(msgspec.json.encode({"results": answers}), 207)


async def _one(serving: Serving, resource: Resource, actor: Actor, item: BulkItem, index: int) -> dict[str, Any]:
    status = _status(item)
    if needs_unit(serving, resource, item.action):
        work = partial(write_in, resource=resource, item=item, index=index)
        body: bytes = await serving.in_thread(serving.units.run, actor, work)
        return {"status": status, "item": msgspec.Raw(body)}
    plan = _plan(resource, actor, item, index)
    try:
        rows = (await serving.pool.run(actor.tenant_id, plan.calls))[plan.answer].rows()
    except DatabaseError as error:
        problem = refusal_for(error, table_of(resource))
        raise (_placed(problem, index) if problem is not None else error) from error
    if not rows:
        raise NotFound(pointer=f"/items/{index}")
    return {"status": status, "item": msgspec.Raw(rows[0][0] or b"null")}
