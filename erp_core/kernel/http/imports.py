"""The handler that takes a file and starts its import."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import msgspec
from litestar.connection import Request
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.errors import InvalidInput, UnsupportedMediaType
from erp_core.kernel.http.answers import Answer
from erp_core.kernel.http.commands import Outcome, run_in_unit
from erp_core.kernel.http.idempotency import HEADER, fingerprint_of, read_key
from erp_core.kernel.http.serving import Handle, Serving, read_body
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.tasks.jobs import start_job

TASK = "core.import_rows"
_TYPES = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/octet-stream")


class JobStarted(msgspec.Struct):
    """Work that goes on after the answer; ``follow`` is where its progress is read."""

    job_id: str
    state: str
    follow: str


def import_handler(serving: Serving, resource: Resource) -> Handle:
    """Give the handler of ``POST …/import``: the body is the file, ``dry_run=true`` only checks it."""
    limit = serving.application.settings.max_upload

    async def handle(request: Request[Any, Any, Any], actor: Actor) -> Answer:
        query = parse_qs(request.scope["query_string"].decode("latin-1"))
        dry_run = _dry_run(query)
        name, media_type, content = await _file(request, limit)
        key = read_key(request.headers.get(HEADER))
        mark = fingerprint_of("POST", f"{request.scope['path']}?dry_run={dry_run}", content)

        def work(ctx: Context) -> Outcome:
            arguments = {"resource": resource.name, "dry_run": dry_run}
            job_id = start_job(ctx, "core.import", TASK, arguments, file=(name, media_type, content))
            follow = f"/api/v1/core/jobs/{job_id}"
            return 202, msgspec.json.encode(JobStarted(str(job_id), "queued", follow)), (("location", follow),)

        return await run_in_unit(serving, actor, work, key, mark)

    return handle


def _dry_run(query: dict[str, list[str]]) -> bool:
    for name in query:
        if name not in {"dry_run", "lang"}:
            raise InvalidInput(reason="There is no such parameter.", pointer=f"/query/{name}")
    text = query.get("dry_run", ["false"])[-1]
    if text not in {"true", "false"}:
        raise InvalidInput(reason="It takes true or false.", pointer="/query/dry_run")
    return text == "true"


async def _file(request: Request[Any, Any, Any], limit: int) -> tuple[str, str, bytes]:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent == RequestEncodingType.MULTI_PART:
        try:
            form = await request.form()
        except (HTTPException, LookupError, ValueError) as error:
            raise InvalidInput(reason="The form cannot be read.", pointer="/file") from error
        upload = next((value for value in form.values() if hasattr(value, "filename")), None)
        if upload is None:
            raise InvalidInput(reason="The form has no file.", pointer="/file")
        return upload.filename, upload.content_type, await upload.read()
    if sent not in _TYPES:
        raise UnsupportedMediaType(expected=", ".join((*_TYPES, "multipart/form-data")), sent=sent or "nothing")
    content = await read_body(request, limit)
    if not content:
        raise InvalidInput(reason="The file is empty.", pointer="/")
    return "upload" + (".xlsx" if "spreadsheet" in sent else ".csv"), sent, content
