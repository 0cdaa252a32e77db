"""What `/health` says when Redis is stopped, and when PostgreSQL is: servers of this test's own, really stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from erp_core.kernel.embedded.postgres_server import stop_postgres
from erp_core.kernel.embedded.redis_server import stop_redis
from erp_core.kernel.embedded.servers import embedded_servers
from erp_core.kernel.plugins.manager import Plugins
from erp_core.testing.environment import TASK_KEY, Servers, prepare_database

from .conftest import served

DATABASE = "erp_generic"
ALL_WELL = (200, b'{"status":"ok","db":true,"redis":true}')
NO_REDIS = (200, b'{"status":"degraded","db":true,"redis":false}')


@pytest.fixture
def stopped_at_will(tmp_path: Path, erp_plugins: Plugins) -> Iterator[tuple[str, Path]]:
    """An API on servers of its own: its address, and the folder of the servers."""
    folder = tmp_path / "servers"
    folder.mkdir()
    with embedded_servers(folder, durable=False) as running:
        found = Servers(running.superuser_url(), running.redis_url)
        prepare_database(found, DATABASE, erp_plugins)
        environ = {
            "DATABASE_URL": found.database(DATABASE, "erp_app"),
            "REDIS_URL": running.redis_url,
            "ERP_TASK_KEY": TASK_KEY,
        }
        with served(environ, tmp_path / "output.txt") as api:
            yield api.base, folder


def health(base: str) -> tuple[int, bytes]:
    answer = httpx.get(f"{base}/health", timeout=15)
    return answer.status_code, answer.content


def settled(look: Callable[[], tuple[int, bytes]], wanted: tuple[int, bytes]) -> tuple[int, bytes]:
    """Look until it is as wanted, at most ten seconds; gives what was seen last."""
    until = time.monotonic() + 10
    seen = look()
    while seen != wanted and time.monotonic() < until:
        time.sleep(0.1)
        seen = look()
    return seen


def test_health_says_which_server_is_away(stopped_at_will: tuple[str, Path]) -> None:
    base, folder = stopped_at_will
    at_first = health(base)

    stop_redis(folder)
    without_redis = settled(lambda: health(base), NO_REDIS)
    live_without_redis = httpx.get(f"{base}/health/live").content
    stop_postgres(folder)
    nothing = (503, b'{"status":"error","db":false,"redis":false}')
    without_both = settled(lambda: health(base), nothing)
    asked = httpx.get(f"{base}/api/v1/core/partners", headers={"authorization": "Bearer a.b.c"}, timeout=15)
    keys = httpx.get(f"{base}/.well-known/jwks.json", timeout=15)

    assert at_first == ALL_WELL
    assert without_redis == NO_REDIS
    assert live_without_redis == httpx.get(f"{base}/health/live").content == b'{"status":"ok"}'
    assert without_both == nothing
    assert httpx.get(f"{base}/health/ready", timeout=15).status_code == 503
    assert asked.status_code in {401, 503}
    assert (keys.status_code, keys.json()["code"]) == (503, "database_away")
