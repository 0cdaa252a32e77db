"""A migrated database, and people and companies of each test's own."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.orm import Session

from erp_core.auth import routes
from erp_core.auth.models import Tenant, User
from erp_core.auth.schemas import SignIn, TokenPair
from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.roles import prepare_server
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.embedded.servers import embedded_servers
from erp_core.kernel.errors import Problem
from erp_core.kernel.http.routing import Route
from erp_core.kernel.migrations.runner import migrate
from erp_core.kernel.plugins.declarations import RoleTemplate
from erp_core.kernel.plugins.manager import Plugins, find_plugins
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.tenants import services as operator

T = TypeVar("T")

NOBODY = Actor(UUID(int=0), address="203.0.113.9", user_agent="tests")
PASSWORD = "caballo-bateria-grapa"
DECLARED = frozenset(
    {
        "core.users.read",
        "core.users.create",
        "core.roles.create",
        "core.roles.assign",
        "vidrio.quotes.read",
        "vidrio.quotes.send",
    }
)
CLERK = ("core", RoleTemplate("clerk", Label("Auxiliar", "Clerk"), ("core.users.read", "vidrio.quotes.*")))


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
    return f"secret-of-{role}"


@dataclass(slots=True)
class Clock:
    """A clock that a test sets."""

    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass(slots=True)
class World:
    """Ways to act: as an operator, as nobody, as somebody who is signed in."""

    units: Units
    clock: Clock

    def operate(self, work: Callable[[Session], T]) -> T:
        """Do what the command line does: a plain session, committed."""
        with Session(self.units.engine, expire_on_commit=False) as session, session.begin():
            return work(session)

    def tenant(self, *templates: tuple[str, RoleTemplate]) -> Tenant:
        slug = f"t{uuid4().hex[:12]}"
        return self.operate(lambda s: operator.create_tenant(s, slug, "Empresa", role_templates=templates or (CLERK,)))

    def user(self, *places: tuple[Tenant, str]) -> User:
        """Create a person with a role in each of the tenants; the first is the primary one."""
        email = f"{uuid4().hex[:12]}@example.com"
        user, _ = self.operate(lambda s: operator.create_user(s, email, "Ana", PASSWORD))
        for tenant, role in places:
            self.operate(lambda s, t=tenant, r=role: operator.grant(s, t.slug, email, [r]))
        return user

    def actor(self, user: User, tenant: Tenant, permissions: frozenset[str] = frozenset(), **facts: Any) -> Actor:
        return Actor(tenant.id, user.id, permissions, address="203.0.113.9", user_agent="tests", **facts)

    def call(self, route: Route, actor: Actor = NOBODY, **arguments: Any) -> Any:
        """Run a route as the HTTP layer does; a refusal, raised or given back, is the answer."""

        def work(ctx: Context) -> Any:
            ctx.now = self.clock
            return route.function(ctx, **arguments)

        try:
            return self.units.run(actor, work, read_only=route.method == "GET")
        except Problem as problem:
            return problem

    def sign_in(self, user: User, password: str = PASSWORD, tenant: str | None = None, actor: Actor = NOBODY) -> Any:
        return self.call(routes.sign_in, actor, data=SignIn(user.email, password, tenant))

    def signed_in(
        self, user: User, tenant: Tenant, permissions: frozenset[str] = frozenset()
    ) -> tuple[TokenPair, Actor]:
        """Sign in and give the tokens with the actor that they stand for."""
        pair = self.sign_in(user, tenant=tenant.slug)
        assert isinstance(pair, TokenPair), pair
        sid = claims_of(pair.access_token)["sid"]
        return pair, replace(self.actor(user, tenant, permissions), session_id=UUID(sid))


def claims_of(token: str) -> dict[str, Any]:
    """Read a token's claims without checking anything."""
    import jwt

    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.fixture(scope="session")
def admin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("ERP_TEST_DATABASE_URL")
    if given:
        yield given
        return
    folder: Path = tmp_path_factory.mktemp("postgres")
    with embedded_servers(folder, durable=False, redis=False) as servers:
        yield servers.superuser_url()


def core_module() -> types.ModuleType:
    core = types.ModuleType("core_for_tests")
    label = Label("Núcleo", "Core")
    core.manifest = Manifest(  # type: ignore[attr-defined]
        "core", "erp_core", label, "0.1.0", ">=0.1", 3011, 3010, ("auth", "core", "inventory"), 0
    )
    return core


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """The core alone, so that these tests say something about it whatever else is installed."""
    return find_plugins(core_module(), entries=[])


@pytest.fixture(scope="session")
def make_database(admin_url: str, plugins: Plugins) -> Iterator[Callable[[], Database]]:
    made: list[Database] = []

    def make() -> Database:
        database = Database(admin_url, f"erp_{uuid4().hex[:12]}")
        made.append(database)
        prepare_server(admin_url, database.name, passwords=password_of, slugs=["vidrio"])
        migrate(plugins, database.url("erp_migrator"))
        return database

    yield make
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for database in made:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))


@pytest.fixture(scope="session")
def database(make_database: Callable[[], Database]) -> Database:
    """The migrated database that tests share; each makes tenants and people of its own."""
    return make_database()


@pytest.fixture(scope="session")
def units(database: Database, plugins: Plugins) -> Iterator[Units]:
    engine = make_engine(database.url("erp_app"), size=8, statement_timeout_ms=15000, application_name="tests")
    units = Units(engine, plugins.hooks.hook)
    yield units
    units.close()


@pytest.fixture
def world(units: Units) -> World:
    return World(units, Clock())
