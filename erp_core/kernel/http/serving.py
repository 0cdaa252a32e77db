"""What the handlers of one process share, and how each request is guarded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import psycopg
from litestar.connection import Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from erp_core.kernel.application import Application
from erp_core.kernel.context import Actor
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.errors import (
    BodyTooLarge,
    DatabaseAway,
    Forbidden,
    InternalError,
    Problem,
)
from erp_core.kernel.http.answers import Answer, problem_answer
from erp_core.kernel.http.limits import Limiter
from erp_core.kernel.http.routing import PUBLIC, SIGNED_IN
from erp_core.kernel.i18n import REFERENCE, choose_language
from erp_core.kernel.ids import new_id
from erp_core.kernel.logs import Log, get_log
from erp_core.kernel.queries.pipeline_errors import DatabaseError, DatabaseUnavailable
from erp_core.kernel.queries.pool import Pool
from erp_core.kernel.queries.sync import database_error
from erp_core.kernel.queries.translate import refusal_for

Handle = Callable[[Request[Any, Any, Any], Actor], Awaitable[Answer]]
NOBODY = UUID(int=0)


class Authenticate(Protocol):
    """Turns a bearer token into the one who acts, or refuses."""

    async def __call__(
        self,
        authorization: str | None,
        request_id: str = "",
        address: str = "",
        language: str = "",
        user_agent: str = "",
    ) -> Actor: ...


@dataclass(slots=True)
class Serving:
    """One API process: the application, its connections and threads, and who may come in."""

    application: Application
    slugs: tuple[str, ...]
    pool: Pool
    units: Units
    authenticate: Authenticate
    limiter: Limiter
    threads: ThreadPoolExecutor
    log: Log = field(default_factory=lambda: get_log("http"))
    draining: bool = False

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a command in one of the worker threads, first come, first served."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)


def guarded(serving: Serving, permission: str, handle: Handle) -> Callable[[Request[Any, Any, Any]], Awaitable[Answer]]:
    """Wrap a handler: request id, who asks, may they, how fast, one log line, and every refusal as a problem."""

    async def guard(request: Request[Any, Any, Any]) -> Answer:
        started = time.perf_counter()
        headers = request.headers
        request_id = _request_id(headers.get("x-request-id"))
        actor = None
        extra: list[tuple[bytes, bytes]] = []
        try:
            actor = await _actor(serving, request, permission, request_id)
            extra = serving.limiter.take(actor.user_id or actor.address)
            answer = await handle(request, actor)
        except Exception as error:  # noqa: BLE001 - every failure becomes a problem document, never a traceback
            answer = failure_answer(serving, error, actor, request_id, headers.get("accept-language", ""))
        answer.raw += [(b"x-request-id", request_id.encode()), *extra]
        _write_log(serving, request, answer, actor, request_id, started)
        return answer

    return guard


async def _actor(serving: Serving, request: Request[Any, Any, Any], permission: str, request_id: str) -> Actor:
    headers = request.headers
    client = request.scope.get("client")
    address = client[0] if client else ""
    wished = headers.get("accept-language", "")
    language = choose_language(wished) if wished else ""
    agent = headers.get("user-agent", "")[:300]
    if permission == PUBLIC:
        return Actor(NOBODY, request_id=request_id, address=address, user_agent=agent, language=language or REFERENCE)
    actor = await serving.authenticate(headers.get("authorization"), request_id, address, language, agent)
    if permission != SIGNED_IN and permission not in actor.permissions:
        raise Forbidden(permission=permission)
    return actor


def failure_answer(serving: Serving, error: Exception, actor: Actor | None, request_id: str, accepted: str) -> Answer:
    """Answer a failure in the caller's language; what should not happen goes to the log with its traceback."""
    problem = as_problem(error)
    if problem is None:
        serving.log.error("request failed", request_id=request_id, exc_info=error)
        problem = InternalError(request_id=request_id)
    language = choose_language(accepted) if accepted else (actor.language if actor is not None else "")
    return problem_answer(problem, serving.application.catalogues, language, request_id)


def as_problem(error: BaseException) -> Problem | None:
    """Give the refusal that an exception stands for; ``None`` when it is a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, (DatabaseUnavailable, PoolTimeout)):
        return DatabaseAway()
    if isinstance(error, DatabaseError):
        return refusal_for(error)
    if isinstance(error, (DBAPIError, psycopg.Error)):
        found = database_error(error)
        return DatabaseAway() if found.sqlstate.startswith(("08", "57")) else refusal_for(found)
    return None


def _request_id(given: str | None) -> str:
    if given is not None and 1 <= len(given) <= 100 and given.isascii() and given.isprintable():
        return given
    return str(new_id())


def _write_log(
    serving: Serving,
    request: Request[Any, Any, Any],
    answer: Answer,
    actor: Actor | None,
    request_id: str,
    started: float,
) -> None:
    serving.log.info(
        "request",
        method=request.scope["method"],
        path=request.scope["path"],
        status=answer.status_code,
        ms=round((time.perf_counter() - started) * 1000, 2),
        request_id=request_id,
        tenant_id=str(actor.tenant_id) if actor is not None else None,
        user_id=str(actor.user_id) if actor is not None and actor.user_id is not None else None,
    )


async def read_body(request: Request[Any, Any, Any], limit: int) -> bytes:
    """Read a body up to the limit; a longer one is refused as soon as that is known."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(limit=limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(limit=limit)
        chunks.append(chunk)
    return b"".join(chunks)
