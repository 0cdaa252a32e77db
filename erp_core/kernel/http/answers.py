"""Answers as they leave: bytes, a few headers, problems in the caller's language."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from erp_core.kernel.errors import Problem, ProblemList
from erp_core.kernel.i18n import Catalogues

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
COMPRESS_FROM = 4096
BODILESS = frozenset({204, 304})
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"\Z')


class Answer(ASGIResponse):
    """An answer whose bytes and headers are ready: sent in two messages, or in pieces when it is a stream.

    Litestar's own response builds mutable header objects for each request; ours is a tenth of that and all that is
    needed once the body is bytes. ``status_code``, ``body`` and ``media_type`` mean what they mean there.
    """

    __slots__ = ("chunks", "raw")

    def __init__(
        self,
        body: bytes,
        status: int = 200,
        headers: list[tuple[bytes, bytes]] | None = None,
        media_type: str = JSON,
        chunks: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.body = b"" if status in BODILESS else body
        self.status_code = status
        self.raw: list[tuple[bytes, bytes]] = [(b"content-type", media_type.encode()), *(headers or ())]
        self.chunks = chunks
        if chunks is None and status not in BODILESS:
            self.raw.append((b"content-length", b"%d" % len(self.body)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw})
        if self.chunks is not None:
            async for chunk in self.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def json_answer(
    body: bytes, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None, media_type: str = JSON
) -> Answer:
    """Answer bytes that are already JSON."""
    return Answer(body, status, headers, media_type)


def etag(version: bytes | int) -> tuple[bytes, bytes]:
    """Give the ETag header of a version."""
    text = version if isinstance(version, bytes) else str(version).encode()
    return (b"etag", b'"' + text + b'"')


def version_in(header: str) -> int | None:
    """Read an If-Match header; ``None`` when it is not one of ours."""
    found = _ETAG.match(header.strip())
    return int(found[1]) if found else None


def problem_document(problem: Problem, catalogues: Catalogues, language: str, request_id: str) -> dict[str, Any]:
    """Write a refusal as RFC 9457 asks: type, title, status, detail, and our code and pointer."""
    code = problem.code
    document: dict[str, Any] = {
        "type": f"urn:erp:problem:{code}",
        "title": catalogues.text(f"problem.{code}.title", language, code.replace("_", " ").capitalize()),
        "status": problem.status,
        "code": code,
        "detail": problem.describe(catalogues.text(f"problem.{code}", language, problem.message)),
        "request_id": request_id,
    }
    if problem.pointer is not None:
        document["pointer"] = problem.pointer
    if isinstance(problem, ProblemList):
        document["errors"] = [
            {
                "code": one.code,
                "pointer": one.pointer,
                "detail": one.describe(catalogues.text(f"problem.{one.code}", language, one.message)),
                **one.facts,
            }
            for one in problem.problems
        ]
    return {**{key: value for key, value in problem.facts.items() if key not in document}, **document}


def problem_answer(problem: Problem, catalogues: Catalogues, language: str, request_id: str) -> Answer:
    """Answer a refusal."""
    body = msgspec.json.encode(problem_document(problem, catalogues, language, request_id))
    headers: list[tuple[bytes, bytes]] = []
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if "retry_after" in problem.facts:
        headers.append((b"retry-after", str(problem.facts["retry_after"]).encode()))
    return json_answer(body, problem.status, headers, PROBLEM_JSON)


def compressed(body: bytes, accepted: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Compress a long body when the caller takes gzip; the fastest level costs least on a busy server."""
    if len(body) < COMPRESS_FROM or "gzip" not in accepted:
        return body, []
    return gzip.compress(body, 1, mtime=0), [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
