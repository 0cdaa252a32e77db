"""The browsable API page, the OpenAPI document, metadata and the public signing keys."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar.connection import Request

from erp_core.kernel.context import Actor
from erp_core.kernel.errors import NotFound
from erp_core.kernel.http.answers import Answer, compressed, json_answer
from erp_core.kernel.http.openapi import document
from erp_core.kernel.http.resource_routes import query_pairs
from erp_core.kernel.http.serving import Handle, Serving
from erp_core.kernel.i18n import choose_language
from erp_core.kernel.resources.metadata import describe

PAGE = """<!doctype html>
<html lang="es"><head><meta charset="utf-8"><title>ERP API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body></html>
"""
START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: false});\n'
# Nothing but this server's own files may run on the page; the viewer needs inline styles.
POLICY = (b"content-security-policy", b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:")
_ASSETS = {"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": "text/javascript; charset=utf-8"}


def document_handlers(serving: Serving) -> dict[str, Handle]:
    """Give ``/openapi.json``, ``/docs`` and its files; none of them needs the internet."""
    # Written at the first request: most processes are never asked, and it costs memory.
    written = lru_cache(maxsize=1)(lambda: msgspec.json.encode(document(serving.application, serving.slugs)))

    async def openapi(request: Request[Any, Any, Any], _: Actor) -> Answer:
        body, headers = compressed(written(), request.headers.get("accept-encoding", ""))
        return json_answer(body, 200, headers)

    async def docs(_: Request[Any, Any, Any], __: Actor) -> Answer:
        return json_answer(PAGE.encode(), 200, [POLICY], "text/html; charset=utf-8")

    async def asset(request: Request[Any, Any, Any], _: Actor) -> Answer:
        name = str(request.path_params["name"])
        if name == "start.js":
            return json_answer(START.encode(), 200, [], "text/javascript; charset=utf-8")
        if name not in _ASSETS:
            raise NotFound
        body, headers = compressed(_asset(name), request.headers.get("accept-encoding", ""))
        return json_answer(body, 200, [(b"cache-control", b"public, max-age=86400"), *headers], _ASSETS[name])

    return {"/openapi.json": openapi, "/docs": docs, "/docs/{name:str}": asset}


def _asset(name: str) -> bytes:
    """Read one file of the viewer; its package is found without being imported, because only its files are wanted."""
    spec = find_spec("swagger_ui")
    if spec is None or spec.submodule_search_locations is None:
        raise NotFound
    return (Path(spec.submodule_search_locations[0]) / "static" / name).read_bytes()


def meta_handler(serving: Serving) -> Handle:
    """Give ``/api/v1/meta``: what the caller may see, in the asked language."""

    async def meta(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        asked = dict(query_pairs(request)).get("lang") or request.headers.get("accept-language", "") or actor.language
        body = msgspec.json.encode(describe(serving.application, actor, choose_language(asked)))
        body, headers = compressed(body, request.headers.get("accept-encoding", ""))
        return json_answer(body, 200, headers)

    return meta
