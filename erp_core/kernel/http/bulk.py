"""Many writes of one resource in one request: all together or none, or each for itself."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar.connection import Request

from erp_core.kernel.context import Actor
from erp_core.kernel.errors import Forbidden, InvalidInput, NotFound, Problem
from erp_core.kernel.http.answers import Answer, json_answer, problem_document
from erp_core.kernel.http.everyday_writes import send_plan
from erp_core.kernel.http.resource_routes import archive_with_hooks
from erp_core.kernel.http.serving import Handle, Serving, as_problem, read_body
from erp_core.kernel.queries.pipeline import Call, encode, statement
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.plan import Plan
from erp_core.kernel.resources.bodies import changes_struct, decode
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import exists_statement
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
    try:
        if item.action == "create" and resource.create is not None:
            return plan_create(resource, actor, decode(bytes(item.data), resource.create))
        if item.id is None:
            raise InvalidInput(reason="This field is required.", pointer="/id")
        data = decode(bytes(item.data), changes_struct(resource)) if item.action == "update" else None
        return plan_change(resource, actor, item.id, data, item.version, item.action)
    except Problem as problem:
        inside = "" if problem.pointer == "/id" else "/data"
        problem.pointer = f"/items/{index}{inside}{problem.pointer or ''}"
        raise


def _hooked(serving: Serving, bulk: Bulk) -> bool:
    asks = serving.application.plugins.hooks.hook.about_to_archive.get_hookimpls()
    return bool(asks) and any(item.action == "archive" for item in bulk.items)


async def _all(
    serving: Serving, request: Request[Any, Any, Any], resource: Resource, actor: Actor, bulk: Bulk, body: bytes
) -> Answer:
    if _hooked(serving, bulk):
        raise InvalidInput(reason="A plugin asks to see each archiving; send these with mode each.", pointer="/mode")
    calls: list[Call] = []
    owners: list[int] = []
    refuse = None
    for index, item in enumerate(bulk.items):
        plan = _plan(resource, actor, item, index)
        refuse = plan.refuse
        if item.action != "create":
            # An update that finds no row is no error to PostgreSQL; all-or-nothing makes it one.
            calls.append(
                Call(exists_statement(resource), [*plan.calls[0].params[:2], encode({"pointer": f"/items/{index}"})])
            )
            owners.append(index)
        calls.append((plan.keyed() if plan.keyed is not None else plan).calls[0])
        owners.append(index)
    claimed = int("idempotency-key" in request.headers)

    def explain(error: DatabaseError) -> Problem | None:
        problem = refuse(error) if refuse is not None else None
        at = -1 if error.call_index is None else error.call_index - claimed
        if problem is not None and 0 <= at < len(owners) and problem.code != "not_found":
            problem.pointer = f"/items/{owners[at]}/data{problem.pointer or ''}"
        return problem

    calls.append(Call(DONE, [encode(len(bulk.items))]))
    return await send_plan(serving, request, actor, Plan(calls, len(calls) - 1, 200, explain), body)


async def _each(serving: Serving, resource: Resource, actor: Actor, bulk: Bulk) -> Answer:
    answers: list[dict[str, Any]] = []
    for index, item in enumerate(bulk.items):
        try:
            answers.append(await _one(serving, resource, actor, item, index))
        except Exception as error:
            problem = as_problem(error)
            if problem is None:
                raise
            document = problem_document(problem, serving.application.catalogues, actor.language, actor.request_id)
            answers.append({"status": problem.status, "problem": document})
    return json_answer(msgspec.json.encode({"results": answers}), 207)


async def _one(serving: Serving, resource: Resource, actor: Actor, item: BulkItem, index: int) -> dict[str, Any]:
    plan = _plan(resource, actor, item, index)
    if item.action == "archive" and item.id is not None and _hooked(serving, Bulk([item])):
        body = await serving.in_thread(archive_with_hooks, serving, resource, actor, item.id, plan)
    else:
        try:
            rows = (await serving.pool.run(actor.tenant_id, plan.calls))[plan.answer].rows()
        except DatabaseError as error:
            raise ((plan.refuse(error) if plan.refuse is not None else None) or error) from error
        body = rows[0][0] if rows else None
    if body is None:
        raise NotFound(pointer=f"/items/{index}")
    return {"status": plan.status, "item": msgspec.Raw(body)}
