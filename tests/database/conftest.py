"""A PostgreSQL server of this session, with one migrated database that is copied for whoever changes the schema."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from erp_core.kernel.database.roles import copy_database, prepare_server
from erp_core.kernel.embedded.servers import embedded_servers
from erp_core.kernel.migrations.runner import migrate
from erp_core.kernel.plugins.manager import Plugins, find_plugins
from erp_core.kernel.plugins.manifest import Label, Manifest


@dataclass(frozen=True, slots=True)
class Database:
    """One database of the test server."""

    admin_url: str
    name: str

    def url(self, role: str | None = None) -> str:
        """Give the address of a role; the superuser's when none is named."""
        parts = urlsplit(self.admin_url)
        who = parts.netloc if role is None else f"{role}:{password_of(role)}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(netloc=who, path=f"/{self.name}"))


def password_of(role: str) -> str:
    return f"secret of {role}".replace(" ", "-")


@pytest.fixture(scope="session")
def admin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("ERP_TEST_DATABASE_URL")
    if given:
        yield given
        return
    folder: Path = tmp_path_factory.mktemp("postgres")
    with embedded_servers(folder, durable=False, redis=False) as servers:
        yield servers.superuser_url()


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """The core alone, so that these tests say something about the kernel whatever else is installed."""
    core = types.ModuleType("core_for_tests")
    label = Label("Núcleo", "Core")
    core.manifest = Manifest(  # type: ignore[attr-defined]
        "core", "erp_core", label, "0.1.0", ">=0.1", 3011, 3010, ("auth", "core", "inventory"), 0
    )
    return find_plugins(core, entries=[])


@pytest.fixture(scope="session")
def migrated(admin_url: str, plugins: Plugins) -> Iterator[Database]:
    """The migrated database that tests share; each stays on a tenant of its own or rolls back."""
    database = Database(admin_url, f"erp_{uuid4().hex[:12]}")
    prepare_server(admin_url, database.name, passwords=password_of, slugs=["vidrio"])
    migrate(plugins, database.url("erp_migrator"))
    yield database
    _drop(database)


@pytest.fixture
def copy_of_migrated(migrated: Database) -> Iterator[Callable[[], Database]]:
    """Make copies of the migrated database for tests that change the schema."""
    made: list[Database] = []

    def make() -> Database:
        copy = Database(migrated.admin_url, f"erp_{uuid4().hex[:12]}")
        copy_database(migrated.admin_url, migrated.name, copy.name)
        made.append(copy)
        return copy

    yield make
    for copy in made:
        _drop(copy)


def _drop(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))
