"""Handlers of business actions: one request is one unit of work in a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import psycopg
from litestar.connection import Request
from sqlalchemy.exc import DBAPIError

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.errors import InvalidInput, NotFound, Problem
from erp_core.kernel.http.answers import Answer, json_answer, problem_answer
from erp_core.kernel.http.everyday_writes import replay, version_headers
from erp_core.kernel.http.idempotency import (
    HEADER,
    claim_call,
    fingerprint_of,
    is_replay,
    read_key,
    store_call,
)
from erp_core.kernel.http.routing import Reply, Route
from erp_core.kernel.http.serving import NOBODY, Handle, Serving, read_body
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.sync import database_error, run_call
from erp_core.kernel.resources.bodies import decode, refused_field

Outcome = tuple[int, bytes, tuple[tuple[str, str], ...]] | Problem


def command_handler(serving: Serving, route: Route) -> Handle:
    """Give the handler of a route."""
    body_type, query_type = route.body(), route.query()
    parameters = route.parameters()
    limit = serving.application.settings.max_body

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        body = await read_body(request, limit) if route.method != "GET" else b""
        arguments = path_arguments(parameters, request.path_params)
        if body_type is not None:
            arguments["data"] = decode(body, body_type)
        if query_type is not None:
            arguments["query"] = decode_query(request.scope["query_string"], query_type)
        key = read_key(request.headers.get(HEADER)) if _keeps_answers(route, actor) else None
        fingerprint = fingerprint_of(route.method, target_of(request), body)
        work = partial(_call, route, arguments)
        return await run_in_unit(serving, actor, work, key, fingerprint, read_only=route.method == "GET")

    return handle


def target_of(request: Request[Any, Any, Any]) -> str:
    """Give the address that was asked for, with its query string: both are part of what a key stands for."""
    return str(request.scope["path"]) + "?" + request.scope["query_string"].decode("latin-1")


async def in_unit(
    serving: Serving, request: Request[Any, Any, Any], actor: Actor, work: Callable[[Context], Outcome], body: bytes
) -> Answer:
    """Run a resource's write in a unit of work, once for each Idempotency-Key."""
    method = request.scope["method"]
    key = read_key(request.headers.get(HEADER)) if method == "POST" else None
    return await run_in_unit(serving, actor, work, key, fingerprint_of(method, target_of(request), body))


async def run_in_unit(
    serving: Serving,
    actor: Actor,
    work: Callable[[Context], Outcome],
    key: str | None,
    mark: bytes,
    *,
    read_only: bool = False,
) -> Answer:
    """Run work in a thread and answer it, or answer the first time's outcome again."""
    try:
        outcome = await serving.in_thread(run_command, serving, actor, work, key, mark, read_only)
    except DatabaseError as error:
        if key is not None and is_replay(error):
            return await replay(serving, actor, key, mark)
        raise
    return answer_outcome(serving, actor, outcome)


def _keeps_answers(route: Route, actor: Actor) -> bool:
    return route.method == "POST" and not route.secret and actor.tenant_id != NOBODY


def answer_outcome(serving: Serving, actor: Actor, outcome: Outcome) -> Answer:
    """Answer what a command gave, or the problem that it returned."""
    if isinstance(outcome, Problem):
        return problem_answer(outcome, serving.application.catalogues, actor.language, actor.request_id)
    status, content, extra = outcome
    headers = [(name.lower().encode(), value.encode()) for name, value in extra]
    return json_answer(content, status, [*headers, *version_headers(content)])


def run_command(
    serving: Serving,
    actor: Actor,
    work: Callable[[Context], Outcome],
    key: str | None,
    mark: bytes,
    read_only: bool = False,
) -> Outcome:
    """Run ``work`` in one unit of work; with a key its answer is kept in the same transaction."""

    def keyed(ctx: Context) -> Outcome:
        if key is not None:
            run_call(ctx.session, claim_call(actor, key))
        outcome = work(ctx)
        if key is not None and not isinstance(outcome, Problem):
            ctx.session.flush()
            run_call(ctx.session, store_call(actor, key, mark, outcome[0], outcome[1]))
        return outcome

    try:
        outcome: Outcome = serving.units.run(actor, keyed, read_only=read_only)
    except (DBAPIError, psycopg.Error) as error:
        raise database_error(error) from error
    return outcome


def _call(route: Route, arguments: dict[str, Any], ctx: Context) -> Outcome:
    return _outcome(route, route.function(ctx, **arguments))


def _outcome(route: Route, result: Any) -> Outcome:
    # A problem that is returned, not raised, lets the transaction commit: a failed sign-in is counted.
    if isinstance(result, Problem):
        return result
    if isinstance(result, Reply):
        content = result.body if isinstance(result.body, bytes) else msgspec.json.encode(result.body)
        return result.status, content, result.headers
    if route.status == 204:
        return 204, b"", ()
    return route.status, result if isinstance(result, bytes) else msgspec.json.encode(result), ()


def path_arguments(kinds: dict[str, type[Any]], given: dict[str, Any]) -> dict[str, Any]:
    """Read the path's parameters; an id that is no id names nothing."""
    values: dict[str, Any] = {}
    for name, kind in kinds.items():
        try:
            values[name] = given[name] if isinstance(given[name], kind) else kind(given[name])
        except ValueError:
            raise NotFound from None
    return values


def path_id(request: Request[Any, Any, Any], name: str = "object_id") -> UUID:
    """Read one id of the path."""
    found: UUID = path_arguments({name: UUID}, request.path_params)[name]
    return found


def decode_query(query: bytes, kind: type[msgspec.Struct]) -> Any:
    """Read a query string into its struct; unknown and repeated names are refused."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values = dict(pairs)
    known = set(kind.__struct_fields__)
    for name in values:
        if name not in known:
            raise InvalidInput(reason="There is no such parameter.", pointer=f"/query/{name}")
        if [one for one, _ in pairs].count(name) > 1:
            raise InvalidInput(reason="The parameter stands there more than once.", pointer=f"/query/{name}")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise refused_field(str(error), "/query") from None
