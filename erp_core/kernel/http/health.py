"""Health: what a load balancer and a person at three in the morning want to know."""

from __future__ import annotations

import asyncio
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import redis.asyncio as aioredis
from litestar.connection import Request
from redis.exceptions import RedisError

from erp_core.kernel.context import Actor
from erp_core.kernel.http.answers import Answer, json_answer
from erp_core.kernel.http.serving import Handle, Serving
from erp_core.kernel.plugins.manager import CORE
from erp_core.kernel.queries.pipeline import Call, statement
from erp_core.kernel.queries.pipeline_errors import DatabaseError, DatabaseUnavailable

REDIS_SECONDS = 1.0
_REVISION = re.compile(r"^(down_)?revision\b[^=\n]*=\s*(?:\"([^\"]+)\"|None)", re.MULTILINE)


def health_handlers(serving: Serving, client: aioredis.Redis | None) -> dict[str, Handle]:
    """Give ``/health``, ``/health/live`` and ``/health/ready``; only the core looks at Redis."""
    core = CORE in serving.slugs
    heads = _heads(serving)

    async def health(_: Request[Any, Any, Any], __: Actor) -> Answer:
        database, broker = await asyncio.gather(serving.pool.ping(), _redis_alive(client if core else None))
        state: dict[str, Any] = {"status": "ok" if database else "error", "db": database}
        if core:
            state["redis"] = broker
            if database and not broker:
                state["status"] = "degraded"
        return json_answer(msgspec.json.encode(state), 200 if database else 503)

    async def live(_: Request[Any, Any, Any], __: Actor) -> Answer:
        return json_answer(b'{"status":"ok"}')

    async def ready(_: Request[Any, Any, Any], __: Actor) -> Answer:
        reasons = ["draining"] if serving.draining else await _behind(serving, heads)
        state = {"status": "error" if reasons else "ok", "reasons": reasons}
        return json_answer(msgspec.json.encode(state), 503 if reasons else 200)

    return {"/health": health, "/health/live": live, "/health/ready": ready}


async def _redis_alive(client: aioredis.Redis | None) -> bool:
    if client is None:
        return False
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            return bool(await client.ping())
    except (RedisError, OSError, TimeoutError):
        return False


async def _behind(serving: Serving, heads: dict[str, tuple[str, tuple[str, ...]]]) -> list[str]:
    """Compare the revisions in the database with those that the installed packages bring."""
    reasons = []
    for slug, (schema, line) in heads.items():
        try:
            call = Call(statement(f'SELECT version_num FROM "{schema}".alembic_version'), [])
            rows = (await serving.pool.run(None, [call], read_only=True))[0].rows()
        except DatabaseUnavailable:
            return ["the database cannot be reached"]
        except DatabaseError:
            rows = []
        current = (rows[0][0] or b"").decode() if rows else ""
        # A database that is ahead is fit: a revision works with the previous release's code.
        if line and (not current or current in line[:-1]):
            reasons.append(
                f"the schema of {slug} is at {current or 'nothing'} and needs {line[-1]}: run `erp plugins migrate`"
            )
    return reasons


def _heads(serving: Serving) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Give the schema of the version table and the revisions, oldest first, of every served package and of the core."""
    served = {CORE, *serving.slugs}
    return {
        plugin.slug: (
            CORE if plugin.slug == CORE else plugin.manifest.schemas[0],
            revision_line(plugin.manifest.package),
        )
        for plugin in serving.application.plugins.enabled
        if plugin.slug in served
    }


def revision_line(package: str) -> tuple[str, ...]:
    """Give a package's revisions, oldest first, from the text of its files.

    Alembic would say the same, but it and the revisions that it runs stay in memory: 9 MB in every API process.
    """
    after: dict[str, str] = {}
    for path in Path(str(files(package))).joinpath("migrations", "versions").glob("*.py"):
        found = {bool(down): name for down, name in _REVISION.findall(path.read_text(encoding="utf-8"))}
        if found.get(False):
            after[found.get(True, "")] = found[False]
    line: list[str] = []
    while (name := after.get(line[-1] if line else "")) is not None:
        line.append(name)
    return tuple(line)
