"""What the handlers of one process share, and how each request is guarded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import DecimalException
from typing import Any, Protocol
from uuid import UUID

import psycopg
import uuid_utils
from litestar.connection import Request
from litestar.exceptions import HTTPException
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from erp_core.kernel.application import Application
from erp_core.kernel.context import Actor
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.errors import (
    BadRequest,
    BodyTooLarge,
    DatabaseAway,
    Forbidden,
    InternalError,
    InvalidInput,
    Problem,
)
from erp_core.kernel.http.answers import Answer, problem_answer
from erp_core.kernel.http.callers import caller_address
from erp_core.kernel.http.limits import Limiter
from erp_core.kernel.http.routing import PUBLIC, SIGNED_IN
from erp_core.kernel.i18n import REFERENCE, choose_language
from erp_core.kernel.logs import Log, RequestLine, get_log, request_log, utc_now
from erp_core.kernel.queries.pipeline_errors import DatabaseError, DatabaseUnavailable
from erp_core.kernel.queries.pool import Pool
from erp_core.kernel.queries.sync import database_error
from erp_core.kernel.queries.translate import refusal_for
from erp_core.kernel.settings import Network

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
    proxies: tuple[Network, ...] = ()
    log: Log = field(default_factory=lambda: get_log("http"))
    draining: bool = False

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a command in one of the worker threads, first come, first served."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)


def guarded(serving: Serving, permission: str, handle: Handle) -> Callable[[Request[Any, Any, Any]], Awaitable[Answer]]:
    """Wrap a handler: request id, who asks, may they, how fast, one log line, and every refusal as a problem."""
    settings = serving.application.settings
    note = request_log(production=settings.production, level=settings.log_level)

    async def guard(request: Request[Any, Any, Any]) -> Answer:
        started = time.perf_counter()
        # Litestar's own headers are a multi-dict that costs more than all that is looked up in it here.
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        request_id = request_id_of(headers.get(b"x-request-id"))
        actor = None
        extra: list[tuple[bytes, bytes]] = []
        try:
            actor = await _actor(serving, request, headers, permission, request_id)
            extra = serving.limiter.take(actor.user_id or actor.address)
            answer = await handle(request, actor)
        except Exception as error:  # noqa: BLE001 - every failure becomes a problem document, never a traceback
            answer = failure_answer(serving, error, actor, request_id, sent(request, b"accept-language") or "")
        answer.raw += [(b"x-request-id", request_id.encode()), *extra]
        if note is not None:
            note(_line(request, answer, actor, request_id, started))
        return answer

    return guard


async def _actor(
    serving: Serving, request: Request[Any, Any, Any], headers: dict[bytes, bytes], permission: str, request_id: str
) -> Actor:
    client = request.scope.get("client")
    address = client[0] if client else ""
    if serving.proxies:
        forwarded = headers.get(b"x-forwarded-for")
        address = caller_address(address, forwarded.decode("latin-1") if forwarded else None, serving.proxies)
    wished = headers.get(b"accept-language")
    language = choose_language(wished.decode("latin-1")) if wished else ""
    agent = headers.get(b"user-agent", b"")[:300].decode("latin-1")
    token = headers.get(b"authorization")
    if permission == PUBLIC:
        return Actor(NOBODY, request_id=request_id, address=address, user_agent=agent, language=language or REFERENCE)
    actor = await serving.authenticate(token.decode("latin-1") if token else None, request_id, address, language, agent)
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


def as_problem(error: BaseException) -> Problem | None:  # noqa: PLR0911 - one line for each kind of failure
    """Give the refusal that an exception stands for; ``None`` when it is a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, (DatabaseUnavailable, PoolTimeout)):
        return DatabaseAway()
    if isinstance(error, DatabaseError):
        return refusal_for(error)
    if isinstance(error, DecimalException):
        return InvalidInput(reason="A number is too large or too small.")
    if isinstance(error, HTTPException) and 400 <= error.status_code < 500:
        return BadRequest(reason=error.detail)
    if isinstance(error, (DBAPIError, psycopg.Error)):
        found = database_error(error)
        return DatabaseAway() if found.sqlstate.startswith(("08", "57")) else refusal_for(found)
    return None


def request_id_of(given: bytes | None) -> str:
    """Give the caller's request id if it is fit to be echoed, else a new one."""
    text = given.decode("latin-1") if given is not None else ""
    if 1 <= len(text) <= 100 and text.isascii() and text.isprintable():
        return text
    return str(uuid_utils.uuid7())  # a text is all that is needed, and this one is made without a Python UUID


def _line(
    request: Request[Any, Any, Any], answer: Answer, actor: Actor | None, request_id: str, started: float
) -> RequestLine:
    return RequestLine(
        method=request.scope["method"],
        path=request.scope["path"],
        status=answer.status_code,
        ms=round((time.perf_counter() - started) * 1000, 2),
        request_id=request_id,
        tenant_id=actor.tenant_id if actor is not None else None,
        user_id=actor.user_id if actor is not None else None,
        at=utc_now(),
    )


def sent(request: Request[Any, Any, Any], name: bytes) -> str | None:
    """Give one header of a request by its lower-case name, without building all of them."""
    for known, value in request.scope["headers"]:
        if known == name:
            return value.decode("latin-1")
    return None


async def read_body(request: Request[Any, Any, Any], limit: int) -> bytes:
    """Read a body up to the limit; a longer one is refused as soon as that is known."""
    declared = sent(request, b"content-length") or ""
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(limit=limit)
    # Litestar's own stream builds the headers once more and checks a limit of its own.
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise BadRequest(reason="it ended before its body was complete.")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise BodyTooLarge(limit=limit)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
