"""One API process as a Litestar application, put together from what the packages declared."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import redis.asyncio as aioredis
from litestar import Litestar, Response, route
from litestar.config.cors import CORSConfig
from litestar.connection import Request
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from erp_core.kernel.application import Application
from erp_core.kernel.context import Actor
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.errors import BodyTooLarge, MethodNotAllowed, NotFound, Problem
from erp_core.kernel.http.answers import PROBLEM_JSON, Answer, problem_answer
from erp_core.kernel.http.bulk import bulk_handler
from erp_core.kernel.http.commands import command_handler, path_arguments
from erp_core.kernel.http.documents import document_handlers, meta_handler
from erp_core.kernel.http.everyday import EverydayRoute
from erp_core.kernel.http.everyday_writes import send_plan
from erp_core.kernel.http.exports import export_handler
from erp_core.kernel.http.health import health_handlers
from erp_core.kernel.http.imports import import_handler
from erp_core.kernel.http.limits import Limiter
from erp_core.kernel.http.resource_routes import (
    archive_handler,
    create_handler,
    list_handler,
    read_handler,
    restore_handler,
    update_handler,
)
from erp_core.kernel.http.routing import PUBLIC, SIGNED_IN, Route, address_of
from erp_core.kernel.http.serving import (
    Authenticate,
    Handle,
    Serving,
    failure_answer,
    guarded,
    read_body,
    request_id_of,
)
from erp_core.kernel.i18n import choose_language
from erp_core.kernel.queries.pool import Pool
from erp_core.kernel.resources.bodies import decode
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.settings import networks
from erp_core.kernel.tasks.outbox import make_hand_over


class Authenticator(Authenticate, Protocol):
    """An ``Authenticate`` that watches for revocations while the process serves."""

    async def start(self, pool: Pool, settings: Any) -> None: ...

    async def stop(self) -> None: ...


def make_app(application: Application, slugs: tuple[str, ...], authenticator: Authenticator) -> Litestar:
    """Build the web application that serves the packages ``slugs``; its connections open with its lifespan."""
    serving = _serving(application, slugs, authenticator)
    client = aioredis.Redis.from_url(application.addresses.redis_db(0), socket_timeout=1, socket_connect_timeout=1)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(client.aclose)
            stack.callback(serving.units.close)
            stack.callback(serving.threads.shutdown)
            await serving.pool.open()
            stack.push_async_callback(serving.pool.close)
            await authenticator.start(serving.pool, application.settings)
            stack.push_async_callback(authenticator.stop)
            yield
            serving.draining = True

    origin = application.settings.frontend_url
    return Litestar(
        route_handlers=_handlers(serving, client),
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
        cors_config=CORSConfig(allow_origins=[origin], allow_credentials=True, expose_headers=["etag", "location"])
        if origin
        else None,
        exception_handlers={Exception: _on_failure(serving)},
        request_max_body_size=application.settings.max_upload,
    )


def _serving(application: Application, slugs: tuple[str, ...], authenticator: Authenticate) -> Serving:
    settings, addresses = application.settings, application.addresses
    url = addresses.role(slugs[0]) if len(slugs) == 1 else addresses.app
    name = f"erp {slugs[0]}" if len(slugs) == 1 else "erp"
    pool = Pool(
        url,
        size=settings.query_connections,
        statement_timeout_ms=settings.statement_timeout,
        application_name=name,
        prepare=settings.prepare,
    )
    engine = make_engine(
        url, size=settings.command_threads, statement_timeout_ms=settings.statement_timeout, application_name=name
    )
    units = Units(engine, application.plugins.hooks.hook, make_hand_over(addresses.redis_db(0)))
    proxies = networks(settings.trusted_proxies)
    threads = ThreadPoolExecutor(settings.command_threads, thread_name_prefix="command")
    return Serving(application, slugs, pool, units, authenticator, Limiter(settings.rate_limit), threads, proxies)


def _handlers(serving: Serving, client: aioredis.Redis) -> list[HTTPRouteHandler]:
    application = serving.application
    found: list[HTTPRouteHandler] = []
    for path, handle in {**health_handlers(serving, client), **document_handlers(serving)}.items():
        found.append(_handler("GET", path, guarded(serving, PUBLIC, handle)))
    found.append(_handler("GET", "/api/v1/meta", guarded(serving, SIGNED_IN, meta_handler(serving))))
    for resource in application.resources.values():
        if resource.slug in serving.slugs:
            found += _resource_handlers(serving, resource)
    for slug, declared in application.routes:
        if slug in serving.slugs:
            handle = (
                _everyday_handler(serving, declared)
                if isinstance(declared, EverydayRoute)
                else command_handler(serving, declared)
            )
            path = re.sub(r"\{(\w+):uuid\}", r"{\1:str}", address_of(slug, declared.path))
            found.append(_handler(declared.method, path, guarded(serving, declared.permission, handle)))
    return found


def _resource_handlers(serving: Serving, resource: Resource) -> list[HTTPRouteHandler]:
    path, one = resource.path, f"{resource.path}/{{object_id:str}}"
    table: list[tuple[str, str, str, Callable[[], Handle]]] = [
        ("list", "GET", path, lambda: list_handler(serving, resource)),
        ("read", "GET", one, lambda: read_handler(serving, resource)),
        ("create", "POST", path, lambda: create_handler(serving, resource)),
        ("create", "POST", f"{path}/bulk", lambda: bulk_handler(serving, resource)),
        ("update", "PATCH", one, lambda: update_handler(serving, resource)),
        ("archive", "DELETE", one, lambda: archive_handler(serving, resource)),
        ("archive", "POST", f"{one}/restore", lambda: restore_handler(serving, resource)),
        ("export", "GET", f"{path}/export", lambda: export_handler(serving, resource)),
        ("import", "POST", f"{path}/import", lambda: import_handler(serving, resource)),
    ]
    return [
        _handler(method, address, guarded(serving, resource.permission(operation), make()))
        for operation, method, address, make in table
        if operation in resource.operations
    ]


def _everyday_handler(serving: Serving, declared: EverydayRoute) -> Handle:
    limit = serving.application.settings.max_body
    parameters = Route(declared.method, declared.path, declared.permission, declared.plan).parameters()

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        body = await read_body(request, limit)
        arguments = path_arguments(parameters, request.path_params)
        plan = declared.plan(actor, decode(body, declared.data), **arguments)
        return await send_plan(serving, request, actor, plan, body)

    return handle


def _handler(method: str, path: str, guard: Callable[[Request[Any, Any, Any]], Any]) -> HTTPRouteHandler:
    async def endpoint(request: Request[Any, Any, Any]) -> Answer:
        answer: Answer = await guard(request)
        return answer

    endpoint.__annotations__ = {"request": Request[Any, Any, Any], "return": Answer}
    methods: Any = [method]
    handler: HTTPRouteHandler = route(path, http_method=methods, status_code=200)(endpoint)
    return handler


def _on_failure(serving: Serving) -> Callable[[Request[Any, Any, Any], Exception], Response[bytes]]:
    """Answer what fails before a handler is reached: unknown addresses, wrong methods, bodies that are too long."""
    limit = serving.application.settings.max_upload

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        language = request.headers.get("accept-language", "")
        request_id = request_id_of(dict(request.scope["headers"]).get(b"x-request-id"))
        known: dict[int, Problem] = {404: NotFound(), 405: MethodNotAllowed(), 413: BodyTooLarge(limit=limit)}
        problem = known.get(error.status_code) if isinstance(error, HTTPException) else None
        if problem is None:
            answered = failure_answer(serving, error, None, request_id, language)
        else:
            answered = problem_answer(problem, serving.application.catalogues, choose_language(language), request_id)
        return Response(
            answered.body,
            status_code=answered.status_code,
            media_type=PROBLEM_JSON,
            headers={"x-request-id": request_id},
        )

    return answer
