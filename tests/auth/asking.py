"""Opening an authenticator in a test and asking it until something is so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import jwt
import pytest

from erp_core.auth.authenticator import Authenticator
from erp_core.auth.models import Tenant, User
from erp_core.kernel.context import Actor
from erp_core.kernel.errors import Problem
from erp_core.kernel.queries.pool import Pool
from erp_core.kernel.settings import Settings

from .conftest import DECLARED, Database, World

T = TypeVar("T")
SECRET = "a shared secret of more than thirty-two bytes"
PROMISE = 1.0


@asynccontextmanager
async def opened(database: Database, role: str = "erp_app", **facts: Any) -> AsyncIterator[tuple[Authenticator, Pool]]:
    pool = Pool(database.url(role), size=2)
    await pool.open()
    authenticator = Authenticator(DECLARED, **facts)
    await authenticator.start(pool, Settings(jwt_secret=SECRET))
    try:
        yield authenticator, pool
    finally:
        await authenticator.stop()
        await pool.close()


async def answer(authenticator: Authenticator, token: str) -> Actor | type[Problem]:
    try:
        return await authenticator(f"Bearer {token}", "request-1", "203.0.113.9", "")
    except Problem as problem:
        return type(problem)


async def until(check: Callable[[], Awaitable[bool]], within: float) -> float:
    """Ask again and again until it is so, and tell how long it took; fail after ``within`` seconds."""
    started = time.monotonic()
    while not await check():
        if time.monotonic() - started > within:
            pytest.fail(f"it was not so within {within} s")
        await asyncio.sleep(0.01)
    return time.monotonic() - started


def somebody(world: World, role: str = "core.clerk") -> tuple[Tenant, User, str, Actor]:
    tenant = world.tenant()
    user = world.user((tenant, role))
    pair, actor = world.signed_in(user, tenant)
    return tenant, user, pair.access_token, actor


def shared(user: User, tenant: Tenant, **changes: Any) -> str:
    now = int(time.time())
    claims = {"sub": str(user.id), "tid": str(tenant.id), "aud": "erp", "iat": now, "exp": now + 900} | changes
    return jwt.encode(claims, SECRET, algorithm="HS256")
