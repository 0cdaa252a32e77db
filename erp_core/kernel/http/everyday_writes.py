"""Sending a planned write: one round trip, and the first answer again for a repeated key."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.connection import Request

from erp_core.kernel.context import Actor
from erp_core.kernel.errors import NotFound, Problem
from erp_core.kernel.http.answers import Answer, etag, json_answer
from erp_core.kernel.http.idempotency import (
    REPLAYED,
    fingerprint_of,
    is_replay,
    keyed_calls,
    read_key,
    read_stored,
    stored_call,
)
from erp_core.kernel.http.serving import Serving, sent
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.plan import Plan
from erp_core.kernel.queries.translate import refusal_for


class _Versioned(msgspec.Struct):
    version: int | None = None


_VERSION = msgspec.json.Decoder(_Versioned)


async def send_plan(serving: Serving, request: Request[Any, Any, Any], actor: Actor, plan: Plan, body: bytes) -> Answer:
    """Run a plan on the pipeline and answer what its last statement rendered."""
    key = read_key(sent(request, b"idempotency-key")) if request.scope["method"] == "POST" else None
    if key is None:
        return await _send(serving, actor, plan)
    target = request.scope["path"] + "?" + request.scope["query_string"].decode("latin-1")
    fingerprint = fingerprint_of("POST", target, body)
    try:
        results = await serving.pool.run(actor.tenant_id, keyed_calls(plan, actor, key, fingerprint))
    except DatabaseError as error:
        if is_replay(error):
            return await replay(serving, actor, key, fingerprint)
        raise (_refusal(plan, error) or error) from error
    if not results[-1].count:
        raise NotFound
    answered = results[-1].value() or b"null"
    return json_answer(answered, plan.status, version_headers(answered))


async def _send(serving: Serving, actor: Actor, plan: Plan) -> Answer:
    try:
        results = await serving.pool.run(actor.tenant_id, plan.calls)
    except DatabaseError as error:
        raise (_refusal(plan, error) or error) from error
    rows = results[plan.answer].rows()
    if not rows:
        raise NotFound
    row = rows[0]
    headers = [etag(row[1])] if len(row) > 1 and row[1] is not None else []
    return json_answer(row[0] or b"null", plan.status, headers)


def _refusal(plan: Plan, error: DatabaseError) -> Problem | None:
    return (plan.refuse(error) if plan.refuse is not None else None) or refusal_for(error)


async def replay(serving: Serving, actor: Actor, key: str, fingerprint: bytes) -> Answer:
    """Answer with the stored first answer."""
    results = await serving.pool.run(actor.tenant_id, [stored_call(actor, key, fingerprint)], read_only=True)
    status, body = read_stored(results[0].rows()[0])
    return json_answer(body, status, [REPLAYED, *version_headers(body)])


def version_headers(body: bytes) -> list[tuple[bytes, bytes]]:
    """Give the ETag of an answer that has a version."""
    try:
        version = _VERSION.decode(body).version
    except msgspec.MsgspecError:
        return []
    return [etag(version)] if version is not None else []
