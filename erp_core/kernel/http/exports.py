"""The handler of a resource's export."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import IO, Any

from litestar.connection import Request

from erp_core.kernel.context import Actor
from erp_core.kernel.http.answers import Answer
from erp_core.kernel.http.resource_routes import query_pairs, read_note
from erp_core.kernel.http.serving import Handle, Serving
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.exports import (
    MEDIA_TYPES,
    csv_chunks,
    jsonl_chunks,
    rows_of,
    xlsx_file,
)
from erp_core.kernel.resources.lists import InvalidParameter, UnknownParameter, parse_page

CHUNK = 65536
NOT_HERE = frozenset({"limit", "cursor", "total", "include"})


def export_handler(serving: Serving, resource: Resource) -> Handle:
    """Give the handler of ``GET …/export?format=csv|xlsx|jsonl`` with the filters of the list."""

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        pairs = query_pairs(request)
        form = next((text for name, text in pairs if name == "format"), "csv")
        if form not in MEDIA_TYPES:
            raise InvalidParameter(parameter="format", reason="it takes csv, xlsx or jsonl")
        _refuse_paging(pairs)
        asked = [pair for pair in pairs if pair[0] != "format"]
        page = parse_page(resource, serving.application.resources, actor, asked)
        if resource.sensitive:
            await serving.pool.run(
                actor.tenant_id, [read_note(resource, actor, actor.user_id or actor.tenant_id, "export")]
            )
        batches = await begun(rows_of(serving.pool, actor, page))
        if form == "xlsx":
            chunks = _file_chunks(await xlsx_file(batches, page.columns, resource.plural_name))
        else:
            chunks = csv_chunks(batches, page.columns) if form == "csv" else jsonl_chunks(batches)
        name = f'attachment; filename="{resource.plural_name}.{form}"'.encode()
        headers = [(b"content-disposition", name), (b"x-content-type-options", b"nosniff")]
        return Answer(b"", 200, headers, MEDIA_TYPES[form], chunks)

    return handle


def _refuse_paging(pairs: list[tuple[str, str]]) -> None:
    """Refuse what belongs to pages and to nested objects: an export is every row, in a flat table."""
    for name, _ in pairs:
        if name in NOT_HERE:
            raise UnknownParameter(parameter=name, known="format, sort, fields, q, archived, lang, filter[field]")


async def begun(batches: AsyncIterator[list[bytes]]) -> AsyncIterator[list[bytes]]:
    """Fetch the first batch now: what goes wrong before the first row is a problem, not a file that breaks off."""
    first = await anext(batches, None)

    async def all_of_them() -> AsyncIterator[list[bytes]]:
        if first is not None:
            yield first
            async for batch in batches:
                yield batch

    return all_of_them()


async def _file_chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
