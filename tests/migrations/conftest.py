"""Empty databases on a PostgreSQL server of this session, and packages made up for a test."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from erp_core.kernel.database.roles import copy_database, prepare_server
from erp_core.kernel.embedded.servers import embedded_servers
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


@dataclass(slots=True)
class Package:
    """A package made up for one test: its revisions can be added to, and it can be taken away."""

    slug: str
    folder: Path
    schemas: tuple[str, ...]
    requires: tuple[str, ...] = ()
    revisions: list[str] = field(default_factory=list)

    @property
    def versions(self) -> Path:
        return self.folder / f"erp_{self.slug}" / "migrations" / "versions"

    def revision(self, upgrade: str, downgrade: str = "pass", *, head: str = "", transactional: bool = True) -> str:
        """Add a revision whose bodies are the given statements, one to a line."""
        name = f"{self.slug}_{len(self.revisions) + 1:04}"
        text = REVISION.format(
            name=name,
            down=repr(self.revisions[-1]) if self.revisions else "None",
            labels=repr((self.slug,)) if not self.revisions else "None",
            extra=head + ("" if transactional else "\ntransactional = False"),
            upgrade=upgrade.replace("\n", "\n    "),
            downgrade=downgrade.replace("\n", "\n    "),
        )
        (self.versions / f"{name}.py").write_text(text, encoding="utf-8")
        self.revisions.append(name)
        return name


REVISION = '''"""The revision {name}."""

import sqlalchemy as sa
from alembic import op
from erp_core.kernel.migrations import ops

revision = "{name}"
down_revision = {down}
branch_labels = {labels}
depends_on = None
{extra}


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''

MAKE_QUOTES = """op.create_table("quotes", *ops.tenant_columns(), sa.Column("name", ops.text_c()),
    sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_quotes"), schema=SCHEMA)
ops.protect(SCHEMA + ".quotes")"""
DROP_QUOTES = 'op.drop_table("quotes", schema=SCHEMA)'


@pytest.fixture
def make_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Package]]:
    """Make packages with slugs that no other test uses; ``quotes`` gives them a first revision with that table."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[Package] = []

    def make(*, quotes: bool = True, requires: Sequence[str] = (), schemas: int = 1) -> Package:
        slug = f"p{uuid4().hex[:8]}"
        package = Package(slug, tmp_path, tuple(f"{slug}_{n}" for n in range(schemas)), tuple(requires))
        package.versions.mkdir(parents=True)
        (tmp_path / f"erp_{slug}" / "__init__.py").write_text("", encoding="utf-8")
        if quotes:
            package.revision(MAKE_QUOTES, DROP_QUOTES, head=f"SCHEMA = {package.schemas[0]!r}")
        made.append(package)
        return package

    yield make
    for package in made:
        for name in [name for name in sys.modules if name.split(".")[0] == f"erp_{package.slug}"]:
            del sys.modules[name]


@pytest.fixture
def find() -> Callable[..., Plugins]:
    """Find the core and the given packages, as if they were the ones installed."""

    def _find(*packages: Package, release: str = "0.1.0") -> Plugins:
        label = Label("Prueba", "Probe")
        core = types.ModuleType("core_for_tests")
        core.manifest = Manifest(  # type: ignore[attr-defined]
            "core", "erp_core", label, "0.1.0", ">=0.1", 3011, 3010, ("auth", "core", "inventory"), 0
        )
        entries = []
        for number, package in enumerate(packages):
            plugin = types.ModuleType(f"plugin_of_{package.slug}")
            ports = 4001 + 2 * number, 4000 + 2 * number
            plugin.manifest = Manifest(  # type: ignore[attr-defined]
                package.slug,
                f"erp_{package.slug}",
                label,
                release,
                ">=0.1",
                *ports,
                package.schemas,
                number + 1,
                requires=package.requires,
            )
            sys.modules[plugin.__name__] = plugin
            entries.append(EntryPoint(package.slug, plugin.__name__, "erp.plugins"))
        return find_plugins(core, entries=entries)

    return _find


@pytest.fixture(scope="session")
def prepared(admin_url: str) -> Iterator[str]:
    """A prepared database that is only copied."""
    name = f"erp_{uuid4().hex[:12]}"
    prepare_server(admin_url, name, passwords=password_of, slugs=[])
    yield name
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def empty(admin_url: str, prepared: str) -> Iterator[Database]:
    """A prepared database in which nothing is migrated."""
    database = Database(admin_url, f"erp_{uuid4().hex[:12]}")
    copy_database(admin_url, prepared, database.name)
    yield database
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))
        # Components that the runner made for packages of this test.
        made = "SELECT rolname FROM pg_roles WHERE rolname ~ '^erp_app_p[0-9a-f]{8}$'"
        for (role,) in admin.execute(made).fetchall():
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
